"""Syslog: what a message looks like, and what becomes of those that cannot be sent."""

import logging
import random
import re

import pytest
from host.ntp import Bench
from lab import packets
from lab.net import BOARD, PEER, Station, Wire
from uipy import BadAddress, Error
from uipy.host import Syslog

rfc = pytest.mark.rfc

# RFC 5424 6
FORM = re.compile(
    rb"<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) "
    rb"([!-~]{1,255}) ([!-~]{1,48}) - - -(?: (.*))?",
    re.DOTALL,
)
# RFC 3164 4.1
OLD = re.compile(rb"<(\d{1,3})>(?:(\w{3} [ \d]\d \d\d:\d\d:\d\d) (\S+) )?([!-~]+): (.*)")


class Bed:
    """A board with a log, and its server."""

    def __init__(self, wire=None, server=PEER, mtu=1500, **options):
        self.wire = wire or Wire(mtu=mtu)
        self.stack = getattr(self.wire, "stack", None) or self.wire.board(udp=4)
        self.wire.run()
        self.server = Station(self.wire)
        self.said: list[str] = []
        self.log = Syslog(self.stack, server, say=self.said.append, **options)

    def got(self, ms=0) -> list[bytes]:
        """The datagrams that reach the server."""
        self.wire.run(ms)
        out, self.server.heard[:] = list(self.server.heard), []
        assert all(f.udp.dport == 514 for f in out if f.udp)
        return [f.udp.data for f in out]

    def one(self, msg, form=FORM):
        self.log.info(msg)
        (data,) = self.got()
        return form.fullmatch(data).groups()

    def count(self, name):
        return dict(self.log.counters())["syslog_" + name]


@rfc("5424 5.1-2", "5424 6.2.1-1", "5424 6.3-1")
def test_a_message_is_that_of_rfc_5424():
    b = Bed(host="board-7", app="heating", facility=16)
    b.log.info("the tank is at %d degrees", 80)
    assert b.got() == [b"<134>1 - board-7 heating - - - the tank is at 80 degrees"]


def test_names_that_nobody_gave_are_nil():
    assert Bed().one(b"x") == (b"14", b"-", b"-", b"-", b"x")


@rfc("5424 6.2.1-1", "5424 6.2.1-2", "5424 6.2.1-4")
@pytest.mark.parametrize("facility", [0, 1, 23])
def test_a_facility_is_eight_severities(facility):
    assert Bed(facility=facility).one(b"x")[0] == b"%d" % (8 * facility + 6)


@rfc("5424 6.2.1-3")
@pytest.mark.parametrize(
    ("level", "severity"),
    [(0, 7), (10, 7), (19, 7), (20, 6), (25, 5), (30, 4), (40, 3), (50, 2), (99, 2)],
)
def test_levels_are_severities(level, severity):
    b = Bed(facility=3)
    b.log.log(level, "x")
    assert b.got()[0].startswith(b"<%d>1 " % (24 + severity))


def test_each_method_has_its_level():
    b = Bed(level=10)
    for name in ("debug", "info", "warning", "error", "critical"):
        getattr(b.log, name)("%s", name)
    assert [int(FORM.fullmatch(m)[1]) & 7 for m in b.got()] == [7, 6, 4, 3, 2]


def test_what_is_below_the_level_is_dropped():
    b = Bed()
    b.log.setLevel(30)
    b.log.info("quiet")
    b.log.warning("loud")
    assert [m[-4:] for m in b.got()] == [b"loud"]


@rfc("5424 6.2.3-1", "5424 6.2.3-2", "5424 6.2.3-3")
def test_the_time_is_that_of_the_clock_when_the_message_was_made():
    bench = Bench()
    b = Bed(bench.wire, clock=bench.sntp)
    assert b.one("early")[1] == b"-"
    bench.run(10)
    b.server.heard.clear()
    now = "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % bench.sntp.utc()
    assert b.one("late")[1] == now.encode()


def test_the_old_form_is_that_of_rfc_3164():
    bench = Bench(began=(2026, 2, 3, 4, 5, 6))
    b = Bed(bench.wire, clock=bench.sntp, old=True, host="board", app="heat")
    assert b.one("early", OLD) == (b"14", None, None, b"heat", b"early")
    bench.run(10)
    b.server.heard.clear()
    pri, when, host, tag, text = b.one("gr\xfc\xdfe", OLD)
    assert re.fullmatch(rb"Feb  3 04:05:[01]\d", when)
    assert (pri, host, tag, text) == (b"14", b"board", b"heat", "gr\xfc\xdfe".encode())
    b.log.info("x" * 2000)
    assert len(b.got()[0]) <= 1024
    bench.run(20 * 86400)
    b.server.heard.clear()
    assert b.one("later", OLD)[1].startswith(b"Feb 23 ")


@rfc("5424 6.4-1", "5424 6.4-2", "5424 6.4-3")
@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("plain", b"plain"),
        ("", b""),
        ("gr\xfcn \u20ac \U0001f600", b"\xef\xbb\xbf" + "gr\xfcn \u20ac \U0001f600".encode()),
        (b"caf\xe9", b"caf\xe9"),
        (b"\xe9\n\1\0 \xf0\t", b"\xe9\\n\\x01\\x00 \xf0\\t"),
        (b"\xc0\x80 \xed\xa0\x80 \xf5", None),
        (b"\x80", None),
        (b"\xe0\x9f\xbf", None),
        (b"\xf0\x8f\xbf\xbf", None),
        (b"\xf4\x90\x80\x80", None),
        (b"\xf5\x80\x80\x80", None),
        (b"\xef\xbb\xbf\xff", b"\xff"),
        ("\ufeffgr\xfcn", b"\xef\xbb\xbfgr\xc3\xbcn"),
        (b"\xef\xbb", None),
        (
            "\u0800 \ud7ff \U00010000 \U0010ffff",
            "\ufeff\u0800 \ud7ff \U00010000 \U0010ffff".encode(),
        ),
        ("a\nb\rc\td\0e\x1b[31m\x7f", rb"a\nb\rc\td\x00e\x1b[31m" + b"\x7f"),
        ("\u0101\n", b"\xef\xbb\xbf\xc4\x81\\n"),
        ("100 %", b"100 %"),
        (42, b"42"),
        (bytearray(b"octets"), b"octets"),
    ],
)
def test_text_is_utf_8_with_a_bom_or_any_octets_and_has_no_control_characters(text, sent):
    assert Bed().one(text)[4] == (text if sent is None else sent)


def test_a_long_message_is_cut_between_two_characters():
    for k in range(4):
        b = Bed(mtu=300)
        data = b.one("x" * k + "\u20ac" * 100)[4]
        text = data.decode("utf-8-sig")
        assert text == ("x" * k + "\u20ac" * 100)[: len(text)] and 75 < len(text) < 100
        assert b.count("cut") == 1
        assert "\u20ac" * 100 not in b.one("y")[4].decode()


def test_escapes_are_not_cut_either():
    for k in range(4):
        b = Bed(mtu=300)
        data = b.one(b"x" * k + b"\1" * 300)[4]
        assert re.fullmatch(rb"x*(\\x01)+", data)


def test_a_message_that_the_ring_has_no_room_for_is_cut():
    b = Bed(ring=200)
    data = b.one("\xe4" * 500)[4]
    assert data.decode("utf-8-sig") == "\xe4" * 61 and b.count("cut") == 1
    data = b.one("x" + "\xe4" * 500)[4]
    assert data.decode("utf-8-sig") == "x" + "\xe4" * 60


def test_a_ring_that_is_full_of_the_least_has_no_room_for_its_report_at_once():
    b = Bed(ring=64)
    for k in range(7):
        b.log.warning(b"")
    texts = [FORM.fullmatch(m)[5] for m in b.got(50)]
    assert texts == [b""] * 5 + [b"2 messages were lost here: the ring was full"]
    assert b.log.waiting == 0 and b.count("overflow") == 2


def test_messages_wait_for_one_another_and_keep_their_order():
    b = Bed(ring=2000)
    for k in range(60):
        b.log.info("message %d", k)
    assert [m.rsplit(b" ", 1)[1] for m in b.got(50)] == [b"%d" % k for k in range(60)]
    assert b.log.waiting == 0 and b.count("out") == 60


def test_what_the_ring_has_no_room_for_is_counted_and_told_in_its_place():
    b = Bed(ring=256)
    for k in range(30):
        b.log.info("message %d", k)
    lost = b.count("overflow")
    assert 10 < lost < 25
    first = b.got(50)
    b.log.info("message after")
    texts = [FORM.fullmatch(m)[5] for m in first + b.got(50)]
    kept = 30 - lost
    assert texts[:kept] == [b"message %d" % k for k in range(kept)]
    assert texts[kept:] == [
        b"%d messages were lost here: the ring was full" % lost,
        b"message after",
    ]
    assert int(FORM.fullmatch(first[kept])[1]) == 8 + 4


def test_the_last_quarter_of_the_ring_is_kept_for_warnings():
    b = Bed(ring=400)
    for k in range(30):
        b.log.info("message %d", k)
    b.log.error("it burns")
    texts = [FORM.fullmatch(m)[5] for m in b.got(50)]
    assert re.fullmatch(rb"\d+ messages were lost here: the ring was full", texts[-2])
    assert texts[-1] == b"it burns" and 5 < len(texts) < 20


def test_a_log_in_a_callback_is_sent_afterwards():
    b = Bed()

    class Talks:
        def received(self, port, buf, start, n):
            b.log.info("%d octets came", n)

    b.stack.bind(7, Talks())
    b.server.udp(b"hello")
    assert [FORM.fullmatch(m)[5] for m in b.got()] == [b"5 octets came"]


def test_messages_wait_until_there_is_an_address_and_a_server():
    server = bytearray(4)
    b = Bed(server=server)
    b.stack.ifaces[0].configure()
    b.log.info("early")
    assert b.got(60_000) == []
    b.stack.ifaces[0].configure(BOARD + "/24")
    assert b.got(60_000) == []
    server[:] = packets.addr(PEER)
    assert len(b.got(5000)) == 1 and b.said == []


def test_a_server_that_is_not_there_loses_nothing_but_what_the_ring_cannot_keep():
    b = Bed()
    b.server.answers_arp = False
    b.log.info("early")
    for _ in range(20):
        assert b.got(60_000) == []
    assert len(b.said) == 1 and "unreachable" in b.said[0] and PEER in b.said[0]
    b.server.answers_arp = True
    assert [m[-5:] for m in b.got(120_000)] == [b"early"]


def test_a_server_that_refuses_is_left_alone_for_half_a_minute():
    b = Bed()
    b.log.info("first")
    (f,) = [f for f in b.wire.run() if f.udp]
    b.server.heard.clear()
    b.server.icmp_error(3, 3, f)
    b.log.info("second")
    assert b.got(29_000) == []
    assert len(b.got(2000)) == 1
    assert len(b.said) == 1 and "refused" in b.said[0] and "514" in b.said[0]
    assert b.count("refused") == 1
    b.wire.run(700_000)
    for _ in range(3):
        b.log.info("third")
        (f,) = [f for f in b.wire.run(31_000) if f.udp]
        b.server.icmp_error(3, 3, f)
    b.wire.run()
    assert len(b.said) == 2  # not each time


def test_what_say_raises_is_told():
    b = Bed()
    b.log.say = None
    b.log.refused("refused")
    b.wire.run()

    def say(line):
        raise ValueError("no console")

    b.log.trouble_at = -1
    b.log.say = say
    b.log.refused("refused")
    b.wire.run()
    assert [str(e) for e in b.wire.errors] == ["no console"]
    b.wire.errors.clear()


def test_a_closed_log_is_silent_and_has_no_port():
    b = Bed()
    b.log.info("lost")
    b.log.close()
    b.log.info("lost too")
    b.log.close()
    assert b.got(1000) == [] and not any(b.stack.udp.nums)
    assert b.log not in b.stack.layers


def test_another_port_of_the_server():
    b = Bed(port=5514)
    b.log.info("x")
    b.wire.run()
    assert b.server.heard[0].udp.dport == 5514


# What a caller can do wrong


@rfc("5424 6.2-1", "5424 6.2.1-2")
@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "two words"},
        {"host": ""},
        {"host": "x" * 256},
        {"app": "x" * 49},
        {"app": "gr\xfcn"},
        {"app": "tag" * 11, "old": True},
        {"facility": 24},
        {"facility": -1},
    ],
)
def test_names_that_cannot_be_are_told_at_once(wrong):
    with pytest.raises(Error):
        Bed(**wrong)


def test_an_address_that_is_none_is_told_at_once():
    with pytest.raises(BadAddress):
        Bed(server="1.2.3")


def test_counters_have_names_and_sentences():
    assert len(Syslog.NAMES) == len(Syslog.HELP) == len(Bed().log.stat)


# As a handler of logging


def test_it_is_a_handler_of_logging():
    b = Bed(level=20)
    logger = logging.getLogger("uipy.test.syslog")
    logger.setLevel(1)
    logger.propagate = False
    logger.addHandler(b.log)  # type: ignore[arg-type]
    try:
        logger.debug("not this")
        logger.info("hello %s", "world")
        b.log.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        try:
            raise ValueError("oops")
        except ValueError:
            logger.exception("it failed")
        logger.error("%d", "no number")
        b.log.flush()
    finally:
        logger.removeHandler(b.log)  # type: ignore[arg-type]
    texts = [FORM.fullmatch(m)[5] for m in b.got(50)]
    assert texts[0] == b"hello world" and len(texts) == 2
    assert texts[1].startswith(rb"ERROR it failed\nTraceback") and rb"ValueError: oops" in texts[1]
    assert len(b.wire.errors) == 1
    b.wire.errors.clear()


def test_it_takes_the_records_of_micropython_lib():
    class Record:
        levelno = 40
        message = "from a board"

    b = Bed()
    b.log.emit(Record())
    assert FORM.fullmatch(b.got()[0]).groups()[::4] == (b"11", b"from a board")


def is_utf8(octets):
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


@rfc("5424 6.2-1", "5424 6.2.1-3")
def test_five_thousand_messages_of_any_octets_have_the_form():
    rng = random.Random(5424)
    b = Bed(ring=4096, host="h", app="a")
    for k in range(5000):
        n = rng.choice([rng.randrange(20), rng.randrange(200), 1400 + rng.randrange(200)])
        if k % 2:
            data = rng.randbytes(n)
        else:
            points = (rng.choice([65, 10, 0xE9, 0x20AC, 0x1F600]) for _ in range(n))
            data = "".join(map(chr, points)).encode()
        b.log.log(rng.randrange(60), data)
        if rng.randrange(3):
            continue
        b.wire.polls = 0
        for m in b.got(30):
            text = FORM.fullmatch(m)[5] or b""
            assert len(m) <= 1472
            assert not re.search(rb"[\x00-\x1f]", text)
            assert text.startswith(b"\xef\xbb\xbf") == (not text.isascii() and is_utf8(text))
    assert not b.wire.errors and b.count("out") > 4000
