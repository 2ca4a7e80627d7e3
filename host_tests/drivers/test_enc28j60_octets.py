"""What the ENC28J60's generator tells the chip, octet for octet, and the ring at both of its
ends."""

import pytest
from chips.rig import PEER, MoveRig, frame
from uipy.drivers.enc28j60.registers import RX_SIZE

BANK_0, BANK_1 = "bf01", "9f01"
COUNT, DROP, GO = "1900", "9e40", "9f09"  # EPKTCNT, PKTDEC, TXRTS with bank 1
DONE = ["1f00", "1c00"]  # ECON1 and EIR: has it left, and how
SILENT = ("rx", "tx", "link")


def started(make=MoveRig, **kw):
    rig = make("enc28j60", **kw)
    rig.run(600)
    return rig


def fresh(**kw):
    """-> a rig that has just had a health check: 100 ms to the next, nothing known of pointers."""
    rig = started(**kw)
    due = rig.dev._check_at
    while rig.dev._check_at == due:
        rig.clock.advance_ms(1)
        rig.move(0)
    return rig


def put(rig, data):
    rig.buf[2 : 2 + len(data)] = data
    return len(data)


def trouble(rig):
    return {k: v for k, v in rig.counters().items() if k not in SILENT}


def told(rig, what):
    """-> the transactions of `what()`, in hex; a frame's is its instruction and its octets."""
    log = []
    transfer, start = rig.wiring.transfer, rig.wiring.transactions

    def listen(out):
        while len(log) < rig.wiring.transactions - start:
            log.append(b"")
        log[-1] += bytes(out)
        return transfer(out)

    rig.wiring.transfer = listen
    what()
    rig.wiring.transfer = transfer
    return [o.hex() if len(o) < 5 else f"{o[0]:02x}*{len(o)}" for o in log]


def arrive(rig, *sizes):
    for n in sizes:
        assert rig.chip.wire_in(frame(n))


def walk(rig, place):
    """Lets frames come in until the next one begins at this place of the ring."""
    gap = (place - rig.chip.rx.write_at) % RX_SIZE
    if 0 < gap < 70:
        gap += RX_SIZE
    while gap:
        n = min(1514, gap - 10 if gap < 1594 else gap - 80)
        arrive(rig, n)
        assert rig.move(-2) == n
        gap -= n + 10
    assert rig.chip.rx.write_at == place


def at_place(place):
    rig = fresh()
    walk(rig, place)
    return rig


# What a frame costs


def test_octets_that_a_frame_takes_out():
    """What the chip has already is not written again: the high octet of EWRPT, which moves with a
    long frame only, and the end of the frame."""
    rig = fresh()
    low, high = "4200", "431a"
    for k, (n, before, after) in enumerate(
        [
            (60, [low, high, "7a*66"], ["463c", "471a"]),
            (60, [low, "7a*66"], []),
            (61, [low, "7a*66"], ["463d"]),
            (64, [low, "7a*66"], ["4640"]),
            (65, [low, "7a*82"], ["4641"]),
            (240, [low, "7a*242"], ["46f0"]),
            (241, [low, "7a*258"], ["46f1"]),
            (256, [low, high, "7a*258"], ["4600", "471b"]),
            (257, [low, high, "7a*386"], ["4601"]),
            (1514, [low, high, "7a*1520"], ["46ea", "471f"]),
            (60, [low, high, "7a*66"], ["463c", "471a"]),
            (511, [low, "7a*514"], ["46ff", "471b"]),
            (512, [low, high, "7a*514"], ["4600", "471c"]),
            (60, [low, high, "7a*66"], ["463c", "471a"]),
            (195, [low, "7a*210"], ["46c3"]),
            (451, [low, "7a*514"], ["46c3", "471b"]),
        ]
    ):
        m = put(rig, frame(n, dst=PEER, fill=k))
        rig.buf[:2] = b"\xff\x01"
        bank = [BANK_0] if k else []
        got = told(rig, lambda: rig.move(-m))  # noqa: B023
        assert got == [*bank, *before, *after, GO], (k, n)
        assert rig.dev._end == 0x1A00 + n
        rig.clock.advance_ms(2)
        assert told(rig, lambda: rig.move(-1)) == DONE
        assert rig.sent[-1] == frame(n, dst=PEER, fill=k)
    assert rig.counters()["tx"] == 16 and trouble(rig) == {} and rig.chip.complaints == []


def test_octets_that_frames_bring_in():
    """ERDPT is written unless the last read ended where the next frame begins; the room is given
    back once in 1 kB."""
    rig = fresh()
    for n, before, size, after in [
        (60, [BANK_1, COUNT, BANK_0, "4000", "4100"], 71, []),
        (60, [BANK_1, COUNT], 71, []),
        (61, [COUNT], 71, []),
        (64, [COUNT, BANK_0, "40d4"], 71, []),
        (76, [BANK_1, COUNT, BANK_0, "401e"], 87, []),  # 0x11e: the last read ended at 0x11a
        (77, [BANK_1, COUNT], 87, []),
        (240, [COUNT, BANK_0, "40cc"], 247, []),
        (241, [BANK_1, COUNT, BANK_0, "40c6"], 263, []),
        (300, [BANK_1, COUNT, BANK_0, "40c2"], 391, ["4cf7", "4d04"]),
        (1514, [BANK_1, COUNT, BANK_0, "40f8", "4104"], 1525, ["4ceb", "4d0a"]),
        (60, [BANK_1, COUNT], 71, []),
        (256, [COUNT], 263, []),
        (60, [COUNT, BANK_0, "403c"], 71, []),
    ]:
        arrive(rig, n)
        got = told(rig, lambda: rig.move(0))
        assert got == [*before, f"3a*{size}", DROP, *after], n
        assert bytes(rig.buf[2 : 2 + n]) == frame(n)
    assert rig.counters()["rx"] == 13 and trouble(rig) == {} and rig.chip.complaints == []


def test_octets_of_a_train_that_is_answered():
    """EPKTCNT is asked once for all that wait; the way to its bank is part of TXRTS."""
    rig = fresh()
    arrive(rig, 60, 60)
    begin = [BANK_1, COUNT, BANK_0, "4000", "4100"]
    assert told(rig, lambda: rig.move(0)) == [*begin, "3a*71", DROP]
    send = ["4200", "431a", "7a*66", "463c", "471a", GO]
    assert told(rig, lambda: rig.move(60)) == send
    assert told(rig, lambda: rig.move(-1)) == ["1f00"]
    rig.clock.advance_ms(1)
    assert told(rig, lambda: rig.move(0)) == [*DONE, "3a*71", DROP]
    assert told(rig, lambda: rig.move(60)) == [BANK_0, "4200", "7a*66", GO]
    rig.clock.advance_ms(1)
    assert told(rig, lambda: rig.move(0)) == DONE
    assert told(rig, lambda: rig.move(0)) == []


# The ring


@pytest.mark.parametrize(
    ("sizes", "freed"),
    [
        ([1012], None),
        ([1014], "03ff"),
        ([1012, 60], "0443"),
        ([1014] * 6 + [1012], "17ff"),
        ([1014] * 7, "01ff"),
        ([1014] * 6 + [502], "17ff"),
        ([1014] * 5 + [502, 1014], "19ff"),
        ([1014] * 5 + [502, 1016], "0001"),
        ([1014] * 5 + [502, 1012], "19fd"),
        ([1504, 1504, 1504, 1504, 574], "17a7"),
        ([1504, 1504, 1504, 1504, 590, 1010], "03fb"),
    ],
)
def test_room_is_given_back_when_1024_octets_were_read(sizes, freed):
    """Errata 14: ERXRDPT is odd, one before the next frame, and the end of the ring if that is
    at 0."""
    rig = fresh()
    given = []
    for n in sizes:
        arrive(rig, n)
        got = told(rig, lambda: rig.move(-2))
        given += [o[2:] for o in got if o[:2] in ("4c", "4d")]
    assert (given[-1] + given[-2] if given else None) == freed
    assert rig.chip.complaints == []


@pytest.mark.parametrize("size", [60, 61, 240, 241, 1514])
def test_a_frame_goes_round_the_end_of_the_ring_whole(size):
    rig = fresh()
    for left in [*range(2, 24, 2), 64, 66, 68, 70, 72, 250, 256, 300, 390, 1524]:
        walk(rig, RX_SIZE - left)
        for k, n in enumerate((size, 60, size)):
            assert rig.chip.wire_in(frame(n, fill=k))
            assert rig.move(-2) == n and bytes(rig.buf[2 : 2 + n]) == frame(n, fill=k), left
        rig.clock.advance_ms(100)
        assert rig.move(0) == 0 and rig.dev.still() > 90
        assert rig.dev._next == rig.chip.rx.write_at
    assert trouble(rig) == {} and rig.chip.complaints == []


def test_a_read_that_ends_at_the_end_of_the_ring_goes_on_at_its_start():
    rig = at_place(RX_SIZE - 140)
    arrive(rig, 60, 60, 60)
    rig.move(-2)
    assert told(rig, lambda: rig.move(-2)) == ["3a*71", DROP]
    assert told(rig, lambda: rig.move(-2)) == ["3a*71", DROP]
    rig = at_place(RX_SIZE - 72)
    arrive(rig, 60, 60)
    rig.move(-2)
    assert told(rig, lambda: rig.move(-2)) == ["3a*71", DROP]
    arrive(rig, 60)
    assert told(rig, lambda: rig.move(-2)) == [BANK_1, COUNT, "3a*71", DROP]


def test_high_octet_of_the_read_pointer_is_written_when_it_differs():
    rig = fresh(size=303)
    arrive(rig, 64)
    rig.move(-2)
    arrive(rig, 301, 60)
    rig.move(-2)  # its read ended at 0x017d
    assert told(rig, lambda: rig.move(-2)) == ["4082", "3a*71", DROP]
    rig = fresh(size=245)
    arrive(rig, 240)
    rig.move(-2)
    arrive(rig, 241, 60)
    rig.move(-2)  # 0x01f1: the buffer takes no more
    assert told(rig, lambda: rig.move(-2)) == ["40f6", "3a*71", DROP]
    assert rig.dev.frames(rig.buf).send(None) == 0


# Headers


@pytest.mark.parametrize("place", [0, RX_SIZE - 70, RX_SIZE - 4, 1000])
def test_a_header_with_one_wrong_bit_is_refused(place):
    """Next packet pointer and length, DS39662E 7.2.2: each follows from the other."""
    rig = fresh()
    for bit in range(32):
        walk(rig, place)
        arrive(rig, 60)
        rig.chip.ram[(place + bit // 8) % RX_SIZE] ^= 1 << bit % 8
        before = rig.counters().get("rx", 0)
        assert rig.move(0) == 0, bit
        assert trouble(rig) == {"rx_reset": bit + 1} and rig.counters().get("rx", 0) == before
        assert rig.chip.reg["EPKTCNT"] == 0 == rig.chip.rx.write_at
        arrive(rig, 60)
        assert rig.move(0) == 60 and trouble(rig) == {"rx_reset": bit + 1}


@pytest.mark.parametrize(("octets", "taken"), [(17, 0), (18, 14), (1518, 1514), (1519, 0)])
def test_lengths_that_no_frame_has_are_refused(octets, taken):
    """An Ethernet header and the CRC are 18 octets; IEEE 802.3 has at most 1518."""
    rig = fresh()
    data = (frame(1520) + bytes(4))[:octets]
    rig.chip.rx._store(data, True)
    assert rig.move(0) == taken and bytes(rig.buf[2 : 2 + taken]) == data[:taken]
    assert trouble(rig) == ({} if taken else {"rx_reset": 1})
    assert rig.move(0) == 0


def test_a_wrong_header_costs_what_waits_behind_it_and_nothing_before_it():
    rig = fresh()
    arrive(rig, 300, 60, 60, 60)
    rig.chip.ram[310] ^= 2
    assert rig.move(0) == 300
    assert rig.move(0) == 0 and rig.move(0) == 0
    assert trouble(rig) == {"rx_reset": 1} and rig.counters()["rx"] == 1
    arrive(rig, 61)
    assert rig.move(0) == 61


@pytest.mark.parametrize(
    ("room", "size", "bad", "counter"),
    [
        (300, 300, False, None),
        (300, 301, False, "rx_long"),
        (300, 301, True, "rx_long"),
        (300, 300, True, "rx_bad"),
        (1514, 1514, False, None),
        (1513, 1514, False, "rx_long"),
        (1600, 60, True, "rx_bad"),
        (1600, 1514, False, None),
    ],
)
def test_what_cannot_be_used_is_passed_over_and_counted(room, size, bad, counter):
    rig = fresh(size=room + 2)
    arrive(rig, size, 62)
    if bad:
        rig.chip.ram[4] = 0x7F  # Received Ok, DS39662E table 7-3
    if counter is None:
        assert rig.move(0) == size and bytes(rig.buf[2 : 2 + size]) == frame(size)
    assert rig.move(0) == 62 and bytes(rig.buf[2:64]) == frame(62)
    assert trouble(rig) == ({counter: 1} if counter else {})
    assert rig.counters()["rx"] == (1 if counter else 2)
    assert rig.move(0) == 0 and rig.chip.reg["EPKTCNT"] == 0


@pytest.mark.parametrize("room", [60, 61, 62, 64, 235, 236, 240, 241, 255])
def test_a_transfer_ends_with_the_buffer(room):
    """Then ERDPT is not where a whole step would have left it."""
    rig = fresh(size=room + 2)
    arrive(rig, room, 60, 60)
    assert [rig.move(0) for _ in range(4)] == [room, 60, 60, 0]
    assert bytes(rig.buf[2:62]) == frame(60) and trouble(rig) == {}
    assert rig.counters()["rx"] == 3


def test_a_frame_that_is_too_long_is_left_in_the_chip():
    rig = fresh(size=302)
    arrive(rig, 301)
    rig.buf[:] = bytes(302)
    assert told(rig, lambda: rig.move(-2))[-2:] == ["3a*5", DROP]
    assert bytes(rig.buf) == bytes(302)


def test_only_frames_that_cannot_be_used_are_no_frame():
    rig = fresh(size=302)
    arrive(rig, 400, 500)
    assert rig.move(0) == 0 and trouble(rig) == {"rx_long": 2}
    arrive(rig, 60)
    got = told(rig, lambda: rig.move(0))
    assert got == [BANK_1, COUNT, BANK_0, "4098", "4103", "3a*71", DROP]
    assert bytes(rig.buf[2:62]) == frame(60)
