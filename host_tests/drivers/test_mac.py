"""The MAC address of a board whose chip has none."""

import machine
import pytest
from uipy.drivers.mac import local_mac


@pytest.mark.parametrize("uid", [bytes((k,)) * 8 for k in range(40)])
def test_it_is_local_and_no_group_and_the_same_each_time(uid):
    mac = local_mac(uid)
    assert len(mac) == 6 and mac == local_mac(uid)
    assert mac[0] & 3 == 2  # IEEE 802: administered locally, of one station


def test_it_is_the_hash_of_the_number_but_for_two_bits():
    """SHA-256 of "abc" begins with ba7816bf8f01 (FIPS 180-4), of "a" with ca978112ca1b."""
    assert local_mac(b"abc").hex() == "ba7816bf8f01"
    assert local_mac(b"a").hex() == "ca978112ca1b"
    assert local_mac(b"").hex() == "e2b0c44298fc"  # e3 without bit 0


def test_boards_differ_in_every_octet():
    macs = [local_mac(k.to_bytes(8, "big")) for k in range(64)]
    assert all(len({mac[i] for mac in macs}) > 20 for i in range(6))


def test_the_board_s_own_number_makes_it(monkeypatch):
    monkeypatch.setattr(machine, "unique_id", lambda: b"12345678", raising=False)
    assert local_mac() == local_mac(b"12345678")
