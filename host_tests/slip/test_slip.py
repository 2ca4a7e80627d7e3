"""The SLIP driver by itself: what goes over the line, octet by octet (RFC 1055)."""

import random

import pytest
import sliplib
from slip.line import (
    END,
    ESC,
    ESC_END,
    ESC_ESC,
    PACKET,
    count,
    drained,
    everything,
    put,
    received,
)
from uipy.drivers import slip

pytestmark = pytest.mark.usefixtures("clock")


def test_it_is_a_device_without_link_addresses(dev):
    assert (dev.l2, dev.mac, dev.mtu, dev.link_up()) == (0, b"", 576, True)


def test_a_packet_lies_at_index_2(dev, line, buf):
    line.inbound += PACKET + bytes([END])
    assert dev.recv_into(buf) == len(PACKET)
    assert buf[2 : 2 + len(PACKET)] == PACKET
    assert dev.recv_into(buf) == 0
    assert count(dev, "rx") == 1


def test_nothing_is_said_until_the_packet_is_whole(dev, line, buf):
    for octet in PACKET:
        line.inbound.append(octet)
        assert dev.recv_into(buf) == 0
    line.inbound.append(END)
    assert received(dev, buf) == PACKET


def test_what_the_stack_builds_meanwhile_does_not_spoil_a_packet_that_is_coming_in(dev, line, buf):
    line.inbound += PACKET[:10]
    assert dev.recv_into(buf) == 0
    buf[:] = b"\xaa" * len(buf)
    line.inbound += PACKET[10:] + bytes([END])
    assert received(dev, buf) == PACKET


def test_escapes_are_undone(dev, line, buf):
    inside = bytes([END, ESC, ESC_END, ESC_ESC, ESC, END]) * 5
    line.inbound += sliplib.Driver().send(inside)
    assert received(dev, buf) == inside


def test_an_escape_may_be_cut_by_the_end_of_what_is_there(dev, line, buf):
    line.inbound += PACKET + bytes([ESC])
    assert dev.recv_into(buf) == 0
    line.inbound += bytes([ESC_END, END])
    assert received(dev, buf) == PACKET + bytes([END])


def test_several_packets_at_once_are_handed_over_one_by_one(dev, line, buf):
    packets = [bytes([k]) * (20 + k) for k in range(10)]
    for packet in packets:
        line.inbound += sliplib.Driver().send(packet)
    assert everything(dev, buf) == packets


def test_double_ends_are_no_packets_and_no_faults(dev, line, buf):
    line.inbound += bytes([END] * 7) + PACKET + bytes([END] * 3)
    assert everything(dev, buf) == [PACKET]
    assert [v for k, v in dev.counters() if k != "rx"] == [0] * 5


def test_noise_before_an_end_is_dropped_and_counted(dev, line, buf):
    line.inbound += b"\x12\x34\x56" + sliplib.Driver().send(b"") + PACKET + bytes([END])
    assert everything(dev, buf) == [PACKET]
    assert count(dev, "rx_noise") == 1


def test_a_violation_leaves_the_octet_as_it_is_and_is_counted(dev, line, buf):
    line.inbound += PACKET + bytes([ESC, 0x41, END])
    assert received(dev, buf) == PACKET + b"\x41"
    assert count(dev, "rx_bad") == 1


def test_an_escape_before_an_end_ends_the_packet_and_is_counted(dev, line, buf):
    line.inbound += PACKET + bytes([ESC, END]) + PACKET + bytes([END])
    assert everything(dev, buf) == [PACKET, PACKET]
    assert count(dev, "rx_bad") == 1


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("escapes", [2, 3, 4, 70])
@pytest.mark.parametrize(
    "behind, meant, bad",
    [(ESC_END, [END], 0), (ESC_ESC, [ESC], 0), (0x41, [0x41], 1), (END, [], 1)],
)
def test_the_last_of_several_escapes_is_the_one_that_counts(
    dev, line, buf, alone, escapes, behind, meant, bad
):
    """Each ESC behind an ESC is a violation, and begins a sequence of its own: the noise that made
    one of them does not take the octet behind it along."""
    octets = PACKET + bytes([ESC] * escapes + [behind] + [END] * (behind != END))
    if alone:
        got = []
        for octet in octets:
            line.inbound.append(octet)
            got += everything(dev, buf)
    else:
        line.inbound += octets
        got = everything(dev, buf)
    assert got == [PACKET + bytes(meant)]
    assert count(dev, "rx_bad") == escapes - 1 + bad


@pytest.mark.parametrize("n", [577, 600, 5000])
def test_a_packet_longer_than_mtu_is_dropped_whole(dev, line, buf, n):
    line.inbound += sliplib.Driver().send(b"x" * n) + PACKET + bytes([END])
    assert everything(dev, buf) == [PACKET]
    assert count(dev, "rx_long") == 1


def test_a_packet_of_mtu_is_received(dev, line, buf):
    line.inbound += b"y" * 576 + bytes([END])
    assert everything(dev, buf) == [b"y" * 576]


def test_a_buffer_smaller_than_mtu_drops_what_does_not_fit(dev, line):
    line.inbound += b"y" * 200 + bytes([END]) + PACKET + bytes([END])
    small = bytearray(2 + 100)
    assert everything(dev, small) == [PACKET]
    assert count(dev, "rx_long") == 1


def test_a_call_does_a_bounded_amount_of_work(dev, line, buf):
    line.inbound += b"z" * 100_000
    dev.recv_into(buf)
    assert 100_000 - len(line.inbound) <= 256


def test_a_packet_begins_and_ends_with_end(dev, line, buf):
    put(dev, buf, PACKET)
    assert drained(dev)
    assert line.sent == bytes([END]) + PACKET + bytes([END])


@pytest.mark.parametrize("n", [1, 20, 60, 61, 62, 63, 64, 65, 126, 127, 128, 575, 576])
@pytest.mark.parametrize("fill", [0x11, END, ESC])
def test_every_length_is_sent_as_sliplib_reads_it(dev, line, buf, n, fill):
    packet = bytes([fill]) * n
    put(dev, buf, packet)
    assert drained(dev)
    peer = sliplib.Driver()
    peer.receive(bytes(line.sent))
    assert peer.get(block=False) == packet


def test_the_line_takes_what_it_can_and_the_packet_is_whole_all_the_same(dev, line, buf):
    rng = random.Random(5)
    packet = bytes(rng.choice([END, ESC, 1, 2, 3]) for _ in range(576))
    line.room = 0
    put(dev, buf, packet)
    buf[:] = b"\xbb" * len(buf)  # the buffer is the stack's again
    while not dev.can_send():
        line.room += rng.randrange(5)
    peer = sliplib.Driver()
    peer.receive(bytes(line.sent))
    assert peer.get(block=False) == packet
    assert count(dev, "tx_stalled") == 0


def test_what_comes_in_during_a_long_transmission_is_taken_off_the_line(dev, line, buf):
    line.room = 0
    put(dev, buf, b"a" * 500)
    line.inbound += b"b" * 200
    assert not dev.can_send()
    assert len(line.inbound) < 200
    line.inbound += bytes([END])
    for _ in range(3):
        dev.can_send()
    line.room = None
    assert drained(dev)
    assert everything(dev, buf) == [b"b" * 200]


def test_a_line_that_takes_nothing_holds_the_stack_up_for_a_second_at_most(dev, line, buf, clock):
    line.room = 0
    put(dev, buf, PACKET)
    clock.advance_ms(999)
    assert not dev.can_send()
    clock.advance_ms(1)
    assert dev.can_send()
    assert count(dev, "tx_stalled") == 1
    put(dev, buf, PACKET)  # still nobody there: this one is lost at once
    assert dev.can_send()
    assert count(dev, "tx_stalled") == 2
    line.room = None
    del line.sent[:]
    put(dev, buf, PACKET)
    assert drained(dev)
    assert line.sent == bytes([END]) + PACKET + bytes([END])
    assert count(dev, "tx_stalled") == 2


@pytest.mark.parametrize("seed", range(20))
def test_both_ways_at_once_over_a_jerky_line(dev, line, buf, seed):
    rng = random.Random(seed)
    there = [rng.randbytes(rng.randrange(20, 577)) for _ in range(20)]
    back = [rng.randbytes(rng.randrange(20, 577)) for _ in range(20)]
    peer = sliplib.Driver()
    coming = bytearray(b"".join(peer.send(packet) for packet in there))
    line.room = 0
    to_send, got = list(back), []
    while coming or to_send or line.inbound or dev._sending:
        n = rng.randrange(40)
        line.inbound += coming[:n]
        del coming[:n]
        line.room = rng.randrange(40)
        if dev.can_send():
            packet = received(dev, buf)
            if packet:
                got.append(packet)
            elif to_send:
                put(dev, buf, to_send.pop(0))
    got += everything(dev, buf)
    assert got == there
    peer.receive(bytes(line.sent))
    assert [peer.get(block=False) for _ in back] == back


def test_garbage_never_raises_and_a_packet_after_it_is_received(dev, line, buf):
    rng = random.Random(9)
    for _ in range(200):
        line.inbound += rng.randbytes(rng.randrange(1, 300))
        everything(dev, buf)
    line.inbound += bytes([END]) + PACKET + bytes([END])
    assert everything(dev, buf)[-1] == PACKET


def test_the_driver_reads_no_clock_while_it_is_idle(dev, buf, monkeypatch):
    monkeypatch.setattr(slip, "time", None)  # a read of it would raise
    assert dev.recv_into(buf) == 0
    assert dev.can_send()


# The generator


@pytest.fixture
def move(dev, buf):
    step = dev.frames(buf).send
    step(None)
    return step


def test_one_step_sends_the_answer_and_receives_the_next(dev, line, buf, move):
    for k in range(2):
        line.inbound += sliplib.Driver().send(bytes([k + 1]) * 40)
    assert move(0) == 40
    assert move(40) == 40 and buf[2:42] == bytes([2]) * 40
    assert move(-40) == 0 and move(-1) == 1 and move(0) == 0
    peer = sliplib.Driver()
    peer.receive(bytes(line.sent))
    assert [peer.get(block=False) for _ in range(2)] == [bytes([1]) * 40, bytes([2]) * 40]


def test_while_the_line_takes_nothing_a_packet_waits_and_who_asks_for_it_gets_it(
    dev, line, buf, move
):
    line.inbound += PACKET + bytes([END])
    line.room = 0
    assert move(-40) == 0
    assert move(0) == -1 and move(-1) == 0 and move(0) == -1
    assert move(-2) == len(PACKET) and buf[2 : 2 + len(PACKET)] == PACKET
    line.room = None
    assert move(-1) == 1 and move(0) == 0


def test_another_generator_goes_on_where_an_exception_ended_one(dev, line, buf, move):
    def stop(view):
        raise KeyboardInterrupt

    line.inbound += PACKET
    assert move(0) == 0
    line.inbound.append(END)
    dev._readinto, good = stop, dev._readinto
    with pytest.raises(KeyboardInterrupt):
        move(0)
    with pytest.raises(StopIteration):
        move(0)
    dev._readinto = good
    again = dev.frames(buf).send
    again(None)
    assert again(0) == len(PACKET) and buf[2 : 2 + len(PACKET)] == PACKET
