"""Echo, discard, chargen and daytime (RFC 862, 863, 864, 867)."""

import re
import time

import pytest
from apps.fakes import FakeConn
from uipy.apps.chargen import Chargen
from uipy.apps.daytime import Daytime
from uipy.apps.discard import Discard
from uipy.apps.echo import Echo, UdpEcho


def test_echo_returns_what_it_gets():
    conn = FakeConn(Echo())
    assert conn.feed(b"hello") == b""
    assert conn.pump().take_sent() == b"hello"
    assert not conn.fin


def test_echo_takes_what_fits_and_offers_the_room_again():
    conn = FakeConn(Echo(100))
    assert conn.room == 100
    assert conn.feed(bytes(130)) == bytes(30)
    assert conn.room == 0
    conn.pump(40, turns=1)
    assert conn.room == 40 and conn.resumed == 1


def test_echo_of_much_data_in_pieces_is_byte_for_byte():
    conn = FakeConn(Echo(97))
    data = bytes(i * 31 % 256 for i in range(5000))
    left = data
    while left:
        left = conn.feed(left[:64]) + left[64:]
        conn.pump(23, turns=2)
    conn.half_close()
    assert conn.pump(23).sent == data and conn.fin


def test_echo_to_a_client_that_closed_first_is_whole():
    conn = FakeConn(Echo())
    conn.feed(b"last words")
    conn.half_close()
    assert conn.pump(3).sent == b"last words" and conn.fin and not conn.deaf


def test_echo_begins_empty_with_the_next_client():
    echo = Echo()
    first = FakeConn(echo)
    first.feed(b"secret")
    first.half_close()
    first.reset()
    second = FakeConn(echo)
    second.feed(b"x")
    assert second.pump().sent == b"x" and not second.fin


class Port:
    cast = 0

    def __init__(self, sport):
        self.sport = sport


def test_udp_echo_answers_in_place():
    assert UdpEcho().received(Port(50000), bytearray(b"hello"), 1, 4) == 4
    assert UdpEcho().received(Port(50000), bytearray(b"hello"), 5, 0) == 0  # RFC 862: empty, too


@pytest.mark.parametrize("sport", [7, 9, 13, 17, 19, 37])
def test_udp_echo_starts_no_loop_with_another_service(sport):
    assert UdpEcho().received(Port(sport), bytearray(b"hello"), 0, 5) is None


def test_udp_echo_does_not_answer_a_broadcast():
    port = Port(50000)
    port.cast = True
    assert UdpEcho().received(port, bytearray(b"hello"), 0, 5) is None


def test_discard_takes_everything_and_says_nothing():
    conn = FakeConn(Discard())
    assert conn.feed(bytes(3000)) == b""
    assert conn.pump().sent == b"" and not conn.fin
    conn.half_close()
    assert conn.finishing


def rfc_864(lines):
    ring = bytes(range(32, 127)) * 2
    return b"".join(ring[k % 95 :][:72] + b"\r\n" for k in range(lines))


def test_chargen_shows_the_pattern_of_rfc_864():
    conn = FakeConn(Chargen())
    conn.pump(1460, turns=15)
    assert conn.sent == rfc_864(300)[: 15 * 1460]
    assert conn.sent.startswith(b" !\"#$%&'()*+,-./0123456789:;<=>?@ABC")


@pytest.mark.parametrize("mss", [1, 7, 73, 74, 75, 536])
def test_chargen_is_right_in_segments_of_any_size(mss):
    conn = FakeConn(Chargen())
    conn.pump(mss, turns=300)
    assert conn.sent == rfc_864(3000)[: 300 * mss]


def test_chargen_throws_away_what_it_is_told():
    conn = FakeConn(Chargen())
    assert conn.feed(b"stop!") == b""
    assert conn.pump(10, turns=3).sent == rfc_864(1)[:30]


def test_chargen_ends_where_it_was_when_the_client_closes():
    conn = FakeConn(Chargen())
    conn.pump(100, turns=3)
    buf = bytearray(600)
    conn.src.fill(0, buf, 0, 500)  # on its way, so it may be asked for again
    conn.half_close()
    conn.pump(100)
    assert conn.fin and conn.sent == rfc_864(20)[:800]


def test_chargen_begins_at_the_first_line_again():
    app = Chargen()
    first = FakeConn(app)
    first.pump(100, turns=3)
    first.half_close()
    first.reset()
    assert FakeConn(app).pump(74, turns=1).sent == rfc_864(1)


def test_daytime_is_one_line_and_the_end():
    conn = FakeConn(Daytime(lambda: (2026, 3, 1, 4, 5, 59, 0, 0)))
    assert conn.pump().sent == b"2026-03-01 04:05:59\r\n" and conn.fin


def test_daytime_tells_the_time_of_this_machine():
    line = FakeConn(Daytime()).pump(5).sent.decode()
    assert re.fullmatch(r"\d{4}(-\d\d){2} \d\d(:\d\d){2}\r\n", line)
    then = time.mktime(time.strptime(line.strip(), "%Y-%m-%d %H:%M:%S"))
    assert abs(time.time() - then) < 5
