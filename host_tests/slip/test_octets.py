"""The SLIP driver at its edges: which reads and writes it makes of the line, the least and the
largest packets, and what an exception or a line that stands still leaves behind."""

import pytest
import sliplib
from slip.line import END, ESC, PACKET, count, drained, everything, put, received
from uipy.drivers.slip import Slip

pytestmark = pytest.mark.usefixtures("clock")


def decoded(line):
    peer = sliplib.Driver()
    peer.receive(bytes(line.sent))
    return peer.get(block=False)


# Receiving


@pytest.mark.parametrize(
    "waiting, sizes",
    [(1, [1]), (2, [2]), (3, [2, 1]), (100, [64, 32, 4]), (129, [64, 64, 1])],
)
def test_what_waits_is_read_in_powers_of_two(dev, line, buf, waiting, sizes):
    reads = []

    def readinto(view):
        reads.append(len(view))
        return line.readinto(view)

    dev._readinto = readinto
    line.inbound += bytes(waiting)
    dev.recv_into(buf)
    assert reads == sizes


def test_a_line_that_gives_an_octet_at_a_time_is_read_256_times_in_a_call(dev, line, buf):
    dev._any = lambda: 1
    line.inbound += b"x" * 1000
    dev.recv_into(buf)
    assert len(line.inbound) == 1000 - 256


def test_a_read_that_gives_nothing_after_all_is_nothing(dev, line, buf):
    dev._any = lambda: 1
    dev._readinto = lambda view: None
    assert dev.recv_into(buf) == 0
    dev._any, dev._readinto = line.any, line.readinto
    line.inbound += PACKET + bytes([END])
    assert received(dev, buf) == PACKET
    assert dict(dev.counters()) == dict.fromkeys(Slip.NAMES, 0) | {"rx": 1}


@pytest.mark.parametrize("octet", [0, 1, 0x7F, 0xFF])
def test_the_octet_of_a_violation_stays(dev, line, buf, octet):
    line.inbound += PACKET + bytes([ESC, octet]) + PACKET + bytes([END])
    assert received(dev, buf) == PACKET + bytes([octet]) + PACKET
    assert count(dev, "rx_bad") == 1


def test_a_buffer_without_an_octet_to_spare_takes_and_gives_a_packet_of_mtu(dev, line):
    tight = bytearray(2 + 576)
    line.inbound += b"m" * 576 + bytes([END])
    assert everything(dev, tight) == [b"m" * 576] and count(dev, "rx_long") == 0
    put(dev, tight, b"n" * 576)
    assert drained(dev) and decoded(line) == b"n" * 576


def test_one_generator_serves_every_call(line, buf):
    made = []

    class Counted(Slip):
        def frames(self, buf):
            made.append(buf)
            return super().frames(buf)

    dev = Counted(line)
    for _ in range(5):
        put(dev, buf, PACKET)
        dev.recv_into(buf)
    assert len(made) == 1


def test_a_packet_is_received_after_an_exception_has_ended_the_generator(dev, line, buf):
    def stop(view):
        dev._readinto = line.readinto
        raise KeyboardInterrupt

    dev.recv_into(buf)
    line.inbound += PACKET + bytes([END])
    dev._readinto = stop
    with pytest.raises(KeyboardInterrupt):
        dev.recv_into(buf)
    assert received(dev, buf) == PACKET


# Sending


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_least_packets_are_sent_too(dev, line, buf, n):
    put(dev, buf, b"abcd"[:n])
    assert line.sent == bytes([END]) + b"abcd"[:n] + bytes([END]) and count(dev, "tx") == 1


@pytest.mark.parametrize("m", [1, 3, -3, -4])
def test_the_least_packets_are_sent_by_the_generator(dev, line, buf, m):
    move = dev.frames(buf).send
    assert move(None) == 0
    buf[2:6] = b"abcd"
    assert move(m) == 0
    assert line.sent == bytes([END]) + b"abcd"[: abs(m)] + bytes([END]) and count(dev, "tx") == 1


@pytest.mark.parametrize("last", [0x11, END, ESC])
@pytest.mark.parametrize("n", range(55, 72))
def test_an_escape_may_end_the_chunk_and_the_packet(dev, line, buf, n, last):
    packet = b"\x11" * n + bytes([last])
    put(dev, buf, packet)
    assert drained(dev) and decoded(line) == packet


def test_a_packet_goes_onto_the_line_at_once(dev, line, buf):
    put(dev, buf, PACKET)
    assert line.sent == bytes([END]) + PACKET + bytes([END])


def test_a_line_that_moves_an_octet_a_second_is_not_given_up(dev, line, buf, clock):
    line.room = 0
    put(dev, buf, PACKET)
    for _ in range(len(PACKET) + 2):
        clock.advance_ms(999)
        line.room = 1
        done = dev.can_send()
    assert done and decoded(line) == PACKET and count(dev, "tx_stalled") == 0


def test_of_a_packet_that_was_given_up_nothing_follows(dev, line, buf, clock):
    line.room = 0
    put(dev, buf, b"a" * 500)
    clock.advance_ms(1000)
    assert dev.can_send() and count(dev, "tx_stalled") == 1
    line.room = None
    for _ in range(10):
        assert dev.can_send()
    assert not line.sent
    put(dev, buf, PACKET)
    assert drained(dev) and line.sent == bytes([END]) + PACKET + bytes([END])
    assert count(dev, "tx") == 2 and count(dev, "tx_stalled") == 1
