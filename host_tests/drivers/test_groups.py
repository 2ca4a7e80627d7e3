"""The filters of the chips follow the multicast groups (RFC 1112 6.4), through every recovery."""

import random

from chips.rig import MAC, PEER, Rig, frame
from uipy import Groups, Stack
from uipy.drivers.enc28j60 import chip as enc

BOTH_WAYS = True
BROADCAST = b"\xff" * 6
MDNS = b"\x01\x00\x5e\x00\x00\xfb"
SSDP = b"\x01\x00\x5e\x7f\xff\xfa"
OTHER = b"\x01\x00\x5e\x01\x02\x03"


def joined(rig, *macs):
    rig.dev.groups(b"".join(macs), len(macs))
    rig.run(300)


def hears(rig, dst):
    return rig.chip.wire_in(frame(dst=dst)) and rig.recv() == frame(dst=dst)


def test_frames_for_the_groups_pass_and_no_longer_when_they_are_left(rig):
    rig.run(300)
    assert not hears(rig, MDNS)
    joined(rig, MDNS, SSDP)
    assert hears(rig, MDNS) and hears(rig, SSDP)
    assert hears(rig, MAC) and hears(rig, BROADCAST) and not hears(rig, PEER)
    joined(rig)
    assert not hears(rig, MDNS) and not hears(rig, SSDP) and hears(rig, MAC)
    assert set(rig.counters()) <= {"rx", "tx", "link"}


def test_filter_is_as_it_was_after_the_chip_has_lost_its_power(rig):
    rig.run(300)
    joined(rig, MDNS)
    rig.chip.power_on()
    rig.run(2000)
    assert rig.counters()["reinit"] == 1
    assert hears(rig, MDNS) and not hears(rig, PEER)
    joined(rig)
    assert not hears(rig, MDNS)


def test_groups_that_were_joined_without_a_chip_are_there_with_it(make):
    rig = make(before=lambda rig: setattr(rig.chip.fault, "absent", 0), wait=True)
    rig.dev.groups(MDNS, 1)
    rig.run(100)
    rig.chip.fault.absent = None
    rig.chip.power_on()
    rig.run(2000)
    assert hears(rig, MDNS) and not hears(rig, PEER)


def test_device_that_lets_all_multicasts_through_goes_on_doing_so(make):
    rig = make(multicast=True)
    joined(rig, MDNS)
    assert hears(rig, OTHER)
    joined(rig)
    assert hears(rig, OTHER) and hears(rig, MDNS)


def test_no_recovery_follows_from_a_filter_that_is_changed_at_any_moment(make):
    rnd = random.Random(3)
    rig = make()
    for _ in range(60):
        rig.dev.groups(MDNS + SSDP, rnd.randrange(3))
        rig.run(rnd.randrange(60))
        assert rig.echo(frame(fill=1))
    assert set(rig.counters()) == {"rx", "tx", "link"}


def test_stack_tells_its_chip(make):
    rig = make()
    stack = Stack(rig.dev, ip="192.168.1.7/24", tcp=0, groups=3, key=b"a secret", now=0)
    groups = Groups(stack)
    groups.join("224.0.0.251")

    def live(ms):
        for _ in range(ms):
            stack.poll(rig.clock.ns // 1_000_000)
            rig.clock.advance_ms(1)

    live(400)
    assert rig.chip.wire_in(frame(dst=MDNS)) and not rig.chip.wire_in(frame(dst=PEER))
    reports = [f for f in rig.sent if f[:6] == MDNS and f[23] == 2]
    assert reports and reports[0][38] == 0x16
    groups.leave("224.0.0.251")
    live(400)
    if type(rig.dev).__name__ == "ENC28J60":  # the others block all or none
        assert not rig.chip.wire_in(frame(dst=MDNS))


# The hash of the ENC28J60


def test_other_groups_are_kept_out_but_for_those_that_share_a_place():
    rig = Rig("enc28j60")
    joined(rig, MDNS)
    others = [b"\x01\x00\x5e" + random.Random(k).randbytes(3) for k in range(300)]
    passed = [m for m in others if rig.chip.wire_in(frame(dst=m)) and rig.recv()]
    assert 0 < len(passed) < 20


def test_hash_is_that_of_the_data_sheet():
    """By long division in one piece, of the address as it is sent: least significant bit first."""
    rnd = random.Random(4)
    for _ in range(500):
        mac = rnd.randbytes(6)
        crc = 0xFFFFFFFF
        for octet in mac:
            for bit in range(8):
                carry = crc >> 31 ^ octet >> bit & 1
                crc = crc << 1 & 0xFFFFFFFF ^ 0x04C11DB7 * carry
        assert enc._hash(mac, 0) == crc >> 23 & 63
