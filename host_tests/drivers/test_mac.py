"""The MAC address of a board whose chip has none."""

import machine
import pytest
from uipy.drivers.mac import local_mac


@pytest.mark.parametrize("uid", [bytes((k,)) * 8 for k in range(40)])
def test_it_is_local_and_no_group_and_the_same_each_time(uid):
    mac = local_mac(uid)
    assert len(mac) == 6 and mac == local_mac(uid)
    assert mac[0] & 3 == 2  # IEEE 802: administered locally, of one station


def test_boards_differ_in_every_octet():
    macs = [local_mac(k.to_bytes(8, "big")) for k in range(64)]
    assert all(len({mac[i] for mac in macs}) > 20 for i in range(6))


def test_the_board_s_own_number_makes_it(monkeypatch):
    monkeypatch.setattr(machine, "unique_id", lambda: b"12345678", raising=False)
    assert local_mac() == local_mac(b"12345678")
