"""The steps that move a WIZnet driver's state, at each of their limits."""

import struct
from array import array

import pytest
from uipy.drivers.wiznet import state
from uipy.drivers.wiznet.state import (
    AT,
    AVAIL,
    BY_PIN,
    CELLS,
    DOWN,
    F_CHECK,
    F_DOWN,
    F_LATE,
    F_POLLED,
    F_SENDING,
    F_WAITING,
    MASK,
    N_RX,
    N_RX_FULL,
    N_RX_LONG,
    N_TX,
    NOW,
    OWED,
    POLLED,
    RD,
    RD_AT,
    RX_AT,
    SENDING,
    SIZE,
    TX_AT,
    WATCH,
    WR_AT,
)

TOP = (1 << 30) - 1
HALF = 1 << 29
# ticks_ms at which something is looked at: also on both sides of its wrap
TIMES = (0, 1, 99, 1000, HALF - 1, HALF, TOP - 50, TOP)


def cells(**known):
    """A W5100S by default; 100 octets owed, the next packet at 0x1234."""
    st = array("i", [0] * CELLS)
    st[SIZE], st[MASK], st[RX_AT], st[TX_AT], st[AT] = 8192, 0x1FFF, 0x60, 0x40, 1
    st[RD_AT], st[WR_AT], st[WATCH] = 5, 7, BY_PIN
    for name, value in known.items():
        st[getattr(state, name)] = value
    return st


def changed(before, st):
    """-> the cells that are not as before."""
    names = ["AVAIL", "OWED", "RD", "WR", "SENDING", "SENT_AT", "WATCH", "LINK", "CHECK_AT", "NOW"]
    assert list(before[len(names) :]) == list(st[len(names) :])
    return {n: st[getattr(state, n)] for n in names if before[k := getattr(state, n)] != st[k]}


def counts():
    return array("i", [0] * 16)


def later(t, ms):
    return (t + ms) & TOP


# What is due


@pytest.mark.parametrize("t", TIMES)
def test_time_of_the_check_is_past_for_half_the_range(t):
    for ms, due in ((0, 1), (1, 1), (HALF - 2, 1), (HALF - 1, 0), (-1, 0), (-250, 0)):
        st = cells(CHECK_AT=later(t, -ms))
        assert state.news(st, t) == (F_CHECK if due else 0), ms
        assert st[NOW] == t


@pytest.mark.parametrize("t", TIMES)
def test_transmission_is_late_after_100_ms(t):
    for ms, late in ((0, 0), (99, 0), (100, 1), (101, 1), (HALF - 2, 1), (HALF - 1, 0), (-1, 0)):
        st = cells(SENDING=1, SENT_AT=later(t, -ms), CHECK_AT=later(t, 250))
        assert state.news(st, t) == F_SENDING + late * F_LATE, ms
        st[SENDING] = 0
        assert state.news(st, t) == 0


def test_ticks_are_kept_as_30_bits():
    st = cells(CHECK_AT=TOP)
    assert state.news(st, -5) == 0 and st[NOW] == TOP - 4


def test_each_thing_that_is_due_has_its_bit():
    for avail, waiting in ((0, 0), (1, F_WAITING), (60, F_WAITING)):
        for watch, bit in ((BY_PIN, 0), (POLLED, F_POLLED), (DOWN, F_DOWN)):
            for check in (0, F_CHECK):
                st = cells(AVAIL=avail, WATCH=watch, CHECK_AT=8 if check else 10)
                assert state.news(st, 9) == waiting | bit | check
                assert (avail, watch) == (st[AVAIL], st[WATCH])


@pytest.mark.parametrize("t", TIMES)
def test_quiet_until_the_next_check(t):
    for ms, quiet in ((0, 0), (1, 1), (250, 250), (HALF - 1, HALF - 1), (HALF, 0), (-1, 0)):
        assert state.quiet_ms(cells(CHECK_AT=later(t, ms)), t) == quiet, ms


@pytest.mark.parametrize("t", TIMES)
def test_quiet_until_a_transmission_is_late(t):
    for gone, check, quiet in (
        *((0, 250, 100), (1, 250, 99), (98, 250, 2), (99, 250, 1), (100, 250, 0), (101, 250, 0)),
        *((0, 100, 100), (0, 101, 100), (0, 99, 99), (60, 39, 39), (60, 40, 40), (60, 41, 40)),
        *((60, 0, 0), (60, -1, 40), (-1, 250, 0)),
    ):
        st = cells(SENDING=1, SENT_AT=later(t, -gone), CHECK_AT=later(t, check))
        assert state.quiet_ms(st, t) == quiet, (gone, check)


def test_no_quiet_while_something_waits_or_without_a_pin():
    for watch in (POLLED, BY_PIN, DOWN):
        for avail in (0, 1, 60):
            st = cells(WATCH=watch, AVAIL=avail, CHECK_AT=30)
            assert state.quiet_ms(st, 10) == (20 if watch == BY_PIN and not avail else 0)


# What waits


def count(st, stat, rsr, rd, wr, places=(5, 7)):
    answer = bytearray(b"\xaa" * 16)
    struct.pack_into("!H", answer, 3, rsr & 0xFFFF)
    for place, value in zip(places, (rd, wr), strict=True):
        struct.pack_into("!H", answer, place, value & 0xFFFF)
    return state.counted(st, answer, stat)


@pytest.mark.parametrize("places", [(5, 7), (7, 11)])
@pytest.mark.parametrize("rd", [0, 1, 0xFF, 0x100, 0x1234, 0xFFFF])
def test_what_waits_is_what_is_held_less_what_is_owed(rd, places):
    """The chip's RX_RD is behind ours by what is owed; all of them wrap at 2**16."""
    for owed in (0, 1, 100, 300):
        for held in (0, 1, owed, owed + 1, owed + 62, 0x1FF, 0x200, 6676, 6677, 8191, 8192, 8193):
            st = cells(RD=later(rd, owed) & 0xFFFF, OWED=owed, AVAIL=7)
            st[RD_AT], st[WR_AT] = places
            before, stat = st[:], counts()
            got = count(st, stat, held, rd, rd + held, places)
            believed = owed <= held <= 8192
            assert got == (held - owed if believed else -1), (owed, held)
            assert changed(before, st) == (
                {"AVAIL": held - owed} if believed and held - owed != 7 else {}
            )
            full = believed and held > 8192 - 1516
            assert list(stat) == [int(full and k == N_RX_FULL) for k in range(16)]


def test_registers_that_do_not_say_the_same_are_not_believed():
    for rsr, rd, wr in (
        *((61, 200, 262), (63, 200, 262), (62, 200, 261), (62, 200, 263)),
        *((62, 199, 261), (62, 201, 263), (62 + 256, 200, 262), (62, 200 + 256, 262 + 256)),
    ):
        st, stat = cells(RD=300, OWED=100, AVAIL=7), counts()
        assert count(st, stat, rsr, rd, wr) == -1
        assert st[AVAIL] == 7 and not any(stat)
    assert count(cells(RD=300, OWED=100), counts(), 162, 200, 362) == 62


# A packet


def packet(st, word, room=1518):
    """`length` of this word -> what it says, the header after it, the counters."""
    stat, head = counts(), bytearray(b"\x0f\xaa\xbb\xcc\xdd")
    n = state.length(st, bytearray([9, 9, 9, word >> 8, word & 0xFF, 9]), head, stat, room)
    return n, bytes(head), {k: v for k, v in enumerate(stat) if v}


@pytest.mark.parametrize("n", [14, 15, 60, 253, 254, 255, 1022, 1513, 1517, 1518])
def test_packet_is_passed_over(n):
    for rd in (0, 0x10, 0x1234, 0x1FFF, 0xFFFF, 0x10000 - n - 2, 0x10000 - n - 3):
        st = cells(RD=rd, AVAIL=n + 2, OWED=0)
        before, end = st[:], (rd + n + 2) & 0xFFFF
        more = 4096 if n + 2 >= 1024 else 0
        head = bytes((0x0F, (end & 0x1FFF) >> 8 | 0x60, end & 0xFF, 0xCC, 0xDD))
        assert packet(st, n + 2) == (n + more, head, {N_RX: 1})
        assert changed(before, st) == {"RD": end, "AVAIL": 0, "OWED": n + 2}


def test_lengths_that_cannot_be_leave_all_as_it_was():
    """14 octets of header to 1518 in a packet; behind it nothing or the least packet."""
    for word, avail, can in (
        *((15, 15, 0), (16, 16, 1), (0, 60, 0), (1, 60, 0), (2, 60, 0), (15, 60, 0)),
        *((1520, 1520, 1), (1521, 1521, 0), (0x8000 + 62, 62, 0), (0xFFFF, 8000, 0)),
        *((62, 61, 0), (62, 62, 1), (62, 63, 0), (62, 62 + 15, 0), (62, 62 + 16, 1)),
        *((62, 62 + 17, 1), (62 + 256, 62, 0), (1520, 8192, 1), (1520, 1536, 1), (1520, 1535, 0)),
    ):
        st = cells(RD=500, AVAIL=avail, OWED=30)
        before = st[:]
        n, head, counted = packet(st, word)
        if can:
            assert n & 0xFFF == word - 2 and counted == {N_RX: 1}
            assert changed(before, st) == {
                "RD": 500 + word,
                "OWED": 30 + word,
                "AVAIL": avail - word,
            }
        else:
            assert (n, head, counted) == (0, b"\x0f\xaa\xbb\xcc\xdd", {})
            assert changed(before, st) == {}, (word, avail)


@pytest.mark.parametrize("room", [58, 59, 60, 61, 598])
def test_packet_that_exceeds_the_buffer_is_counted_and_passed_over(room):
    st = cells(RD=500, AVAIL=62, OWED=2000)
    n, head, counted = packet(st, 62, room)
    if room < 60:
        assert (n, counted) == (-1, {N_RX_LONG: 1})
    else:
        assert (n, counted) == (60 + 4096, {N_RX: 1})
    assert (st[RD], st[AVAIL], st[OWED]) == (562, 0, 2062)
    assert head[1:3] == b"\x62\x32"


@pytest.mark.parametrize("size", [8192, 16384])
def test_room_is_to_be_given_back_from_an_eighth_on(size):
    for less in (1, 0, -1):
        st = cells(SIZE=size, AVAIL=62, OWED=size // 8 - 62 - less)
        assert packet(st, 62)[0] == (60 if less > 0 else 60 + 4096)


def test_memory_that_wraps_by_itself_is_addressed_with_the_whole_pointer():
    """W5500 2.2.2: the address comes first in the header."""
    st = cells(AT=0, MASK=0xFFFF, RX_AT=0, TX_AT=0, RD=0xFEDC, WR=0xFEDC, AVAIL=62)
    assert packet(st, 62)[1] == b"\xff\x1a\xbb\xcc\xdd"
    head, write = bytearray(3), bytearray(5)
    state.sent(st, head, write, counts(), 62)
    assert head == b"\xff\x1a\x00" and write == b"\0\0\0\xff\x1a"


@pytest.mark.parametrize("wr", [0, 0x3F, 0x1FC0, 0x1FFF, 0xFF00, 0xFFC0, 0xFFFF])
def test_frame_that_was_written_moves_the_pointer(wr):
    for n in (1, 60, 64, 1514):
        st, stat = cells(WR=wr, NOW=77, SENT_AT=5), counts()
        before, end = st[:], (wr + n) & 0xFFFF
        head, write = bytearray(b"\xf0\xaa\xbb"), bytearray(b"\1\2\3\4\5")
        state.sent(st, head, write, stat, n)
        assert changed(before, st) == {"WR": end, "SENDING": 1, "SENT_AT": 77}
        assert head == bytes((0xF0, (end & 0x1FFF) >> 8 | 0x40, end & 0xFF))
        assert write == b"\1\2\3" + end.to_bytes(2, "big")
        assert list(stat) == [int(k == N_TX) for k in range(16)]


@pytest.mark.parametrize(("was", "now"), [(TOP, 0), (TOP - 1, TOP), (0xFFFF, 0x10000), (6, 7)])
def test_counters_wrap_at_30_bits(was, now):
    stat = array("i", [was] * 16)
    state.sent(cells(), bytearray(3), bytearray(5), stat, 60)
    state.length(cells(AVAIL=62), bytearray([0, 0, 0, 0, 62]), bytearray(3), stat, 1518)
    state.length(cells(AVAIL=62), bytearray([0, 0, 0, 0, 62]), bytearray(3), stat, 50)
    assert count(cells(RD=0), stat, 8000, 0, 8000) == 8000
    moved = (N_TX, N_RX, N_RX_LONG, N_RX_FULL)
    assert list(stat) == [now if k in moved else was for k in range(16)]
