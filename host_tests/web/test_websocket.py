"""The WebSocket's frames: the cases of Autobahn's sections 1 to 7 by number (framing, ping and
pong, reserved bits, opcodes, fragmentation, UTF-8, close), and what RFC 6455 wants besides.
"""

import random
import struct

import pytest
from lab.wsclient import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Log,
    Oracle,
    Talk,
    close,
    frame,
)
from uipy.errors import NotConnected
from uipy.source import Bytes
from uipy.web.websocket import WebSocket

rfc = pytest.mark.rfc

SIZES = (0, 125, 126, 127, 128, 65535, 65536)
GOOD = "κόσμε \U0001f600 \ud7ff\ue000\ufffd\U0010ffff"


def end_of(talk, code):
    """The server's part of the end: a Close with this code (None: without one), then its FIN."""
    sent = talk.hear()
    assert sent[-1] == (CLOSE, 1, b"" if code is None else struct.pack(">H", code)), sent
    assert talk.conn.fin
    return sent[:-1]


def messages(sent):
    """The data messages among frames."""
    found, part = [], b""
    for op, fin, data in sent:
        if op < CLOSE:
            part += data
            if fin:
                found.append(part)
                part = b""
    assert not part
    return found


@rfc("6455 5.4-4")
@pytest.mark.parametrize("cut", [None, 997, 1460])
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("op", [TEXT, BINARY])
def test_1_a_message_of_any_length_comes_back(op, n, cut):
    talk = Talk(echo=True)
    data = bytes(32 + i % 95 for i in range(n))
    sent = messages(talk.say(frame(op, data), cut).hear())
    assert sent == [data]
    assert talk.app.got == [data.decode() if op == TEXT else data]


@rfc("6455 5.5.2-1", "6455 5.5.3-1")
@pytest.mark.parametrize("cut", [None, 1])
@pytest.mark.parametrize("data", [b"", b"Hello", bytes(range(0xFE - 125, 0xFE)), b"\0\xff\xfe"])
def test_2_a_ping_is_answered_with_its_payload(data, cut):
    talk = Talk().say(frame(PING, data), cut)
    assert talk.hear() == [(PONG, 1, data)]


@rfc("6455 5.5-1")
def test_2_5_a_ping_of_126_octets_is_refused():
    talk = Talk().say(frame(PING, bytes(126)))
    assert end_of(talk, 1002) == []


def test_2_7_a_pong_that_nobody_asked_for_is_ignored():
    talk = Talk().say(frame(PONG) + frame(PONG, b"x") + frame(PING, b"y"))
    assert talk.hear() == [(PONG, 1, b"y")]


@pytest.mark.parametrize("cut", [None, 1])
def test_2_10_ten_pings_get_ten_pongs_in_order(cut):
    pings = [b"payload-%d" % i for i in range(10)]
    talk = Talk().say(b"".join(frame(PING, p) for p in pings), cut)
    assert talk.hear() == [(PONG, 1, p) for p in pings]


def test_pings_that_find_no_room_wait_and_none_is_lost():
    talk = Talk(size=256)
    pings = b"".join(frame(PING, bytes([i]) * 100) for i in range(9))
    left = talk.conn.feed(pings)
    assert len(left) == len(pings) - 3 * 106, "two are answered, the third waits"
    assert talk.conn.feed(left) == left
    talk.say(left)
    assert [p[2][0] for p in talk.hear()] == list(range(9))


def test_pongs_leave_room_for_our_close():
    talk = Talk(size=256)
    for n in (120, 125, 2):
        talk.conn.feed(frame(PING, bytes(n)))
    assert talk.ws.tx.ring.room == 7, "the last one waits"
    talk.ws.close()
    assert talk.hear()[-1] == (CLOSE, 1, b"\x03\xe8")


@rfc("6455 5.2-1", "6455 7.1.7-2")
@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("op", [TEXT, BINARY, CLOSE, PING, PONG])
def test_3_reserved_bits_are_refused(op, rsv):
    talk = Talk().say(frame(TEXT, b"before") + frame(op, b"", rsv=rsv) + frame(PING))
    assert end_of(talk, 1002) == [] and talk.app.got == ["before"]


@rfc("6455 5.2-2", "6455 7.1.7-2")
@pytest.mark.parametrize("op", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_4_reserved_opcodes_are_refused(op):
    talk = Talk().say(frame(TEXT, b"before") + frame(op, b"x") + frame(PING))
    assert end_of(talk, 1002) == [] and talk.app.got == ["before"]


@rfc("6455 5.4-1")
@pytest.mark.parametrize("op", [PING, PONG, CLOSE])
def test_5_1_a_control_frame_in_two_is_refused(op):
    talk = Talk().say(frame(op, b"", fin=0) + frame(CONT, b""))
    assert end_of(talk, 1002) == []


@rfc("6455 5.4-3", "6455 5.4-4")
@pytest.mark.parametrize("cut", [None, 1, 2, 3])
def test_5_3_to_5_8_a_message_in_fragments_with_pings_between(cut):
    talk = Talk().say(
        frame(TEXT, b"frag", fin=0)
        + frame(PING, b"now")
        + frame(CONT, b"", fin=0)
        + frame(PING)
        + frame(CONT, b"ment"),
        cut,
    )
    assert talk.app.got == ["fragment"]
    assert talk.hear() == [(PONG, 1, b"now"), (PONG, 1, b"")]


@pytest.mark.parametrize("fin", [0, 1])
def test_5_9_to_5_14_a_continuation_of_nothing_is_refused(fin):
    talk = Talk().say(frame(CONT, b"x", fin=fin) + frame(TEXT, b"y"))
    assert end_of(talk, 1002) == [] and talk.app.got == []
    talk = Talk().say(frame(TEXT, b"a") + frame(CONT, b"x", fin=fin))
    assert end_of(talk, 1002) == [] and talk.app.got == ["a"]


@rfc("6455 5.4-2")
def test_5_15_and_5_18_a_message_inside_another_is_refused():
    talk = Talk().say(frame(TEXT, b"a", fin=0) + frame(TEXT, b"b"))
    assert end_of(talk, 1002) == [] and talk.app.got == []


@rfc("6455 5.4-3")
def test_5_19_pings_between_fragments_are_answered_before_the_message_ends():
    talk = Talk(echo=True).say(frame(TEXT, b"a", fin=0) + frame(PING, b"p"))
    assert talk.hear() == [(TEXT, 0, b"a"), (PONG, 1, b"p")]
    talk.say(frame(CONT, b"b"))
    assert talk.hear() == [(CONT, 1, b"b")]


@pytest.mark.parametrize("cut", [None, 1])
def test_6_1_empty_text_in_any_number_of_fragments(cut):
    talk = Talk().say(frame(TEXT), cut)
    talk.say(frame(TEXT, fin=0) + frame(CONT, fin=0) + frame(CONT), cut)
    talk.say(frame(TEXT, fin=0) + frame(CONT, b"middle", fin=0) + frame(CONT), cut)
    assert talk.app.got == ["", "", "middle"]


@rfc("6455 5.6-1")
def test_6_2_text_cut_anywhere_between_fragments():
    data = GOOD.encode("utf-8", "surrogatepass")
    data = b"".join(c.encode() for c in GOOD if not 0xD800 <= ord(c) < 0xE000)
    for k in range(len(data) + 1):
        talk = Talk().say(frame(TEXT, data[:k], fin=0) + frame(CONT, data[k:]))
        assert talk.app.got == [data.decode()]
    talk = Talk().say(b"".join(frame(TEXT if i == 0 else CONT, data[i : i + 1], fin=0)
                               for i in range(len(data))) + frame(CONT))  # fmt: skip
    assert talk.app.got == [data.decode()]


@rfc("6455 5.6-1", "6455 7.1.7-1", "6455 8.1-1")
@pytest.mark.parametrize(
    "bad",
    [
        "cebae1bdb9cf83cebcceb5eda080656469746564",  # 6.3: a surrogate
        "cebae1bdb9cf83cebcceb5f4908080656469746564",  # 6.4: above U+10FFFF
        "80", "bf", "8080", "fe", "ff", "c0af", "e080af", "f08080af", "f8808080af", "c1bf",
        "fc80808080af", "e09fbf", "f08fbfbf", "c080", "eda080", "edbfbf", "f4908080", "f5808080",
        "c020", "e08020", "e1bd20", "f0908020", "41c3", "e1bd", "f09080", "edafbf",
    ],
)  # fmt: skip
@pytest.mark.parametrize("cut", [None, 1])
def test_6_3_to_6_21_what_is_not_utf8_ends_with_1007(bad, cut):
    talk = Talk().say(frame(TEXT, bytes.fromhex(bad)) + frame(TEXT, b"never"), cut)
    assert end_of(talk, 1007) == [] and talk.app.got == []
    talk = Talk().say(close(1000, bytes.fromhex(bad)), cut)
    assert end_of(talk, 1007) == []
    talk = Talk().say(frame(BINARY, bytes.fromhex(bad)), cut)
    assert talk.app.got == [bytes.fromhex(bad)]


def test_6_4_bad_text_is_refused_at_the_octet_not_at_the_end():
    talk = Talk().say(frame(TEXT, b"abc\xff", fin=0))
    assert end_of(talk, 1007) == [] and talk.app.part == b"abc"
    talk = Talk().say(frame(TEXT, b"abc\xff" + bytes(1000))[:12])
    assert end_of(talk, 1007) == [] and talk.app.part == b"abc"


def test_every_character_is_text_and_no_surrogate():
    every = [chr(c) for c in range(0x800)] + [chr(c) for c in range(0x800, 0x110000, 61)]
    every = [c for c in every if not 0xD800 <= ord(c) < 0xE000]
    talk = Talk(limit=1 << 24).say(frame(TEXT, "".join(every).encode()), 1459)
    assert talk.app.got == ["".join(every)]


@rfc("6455 5.5.1-3", "6455 5.5.1-4")
@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012,
                                  1013, 1014, 3000, 3999, 4000, 4999])  # fmt: skip
def test_7_7_a_close_comes_back_with_its_code(code):
    talk = Talk().say(close(code, b"bye") + frame(TEXT, b"late"))
    assert end_of(talk, code) == [] and talk.app.got == []
    talk.conn.half_close()
    talk.conn._over("done")
    assert talk.app.ends == [code] and talk.ws.reason() == "bye"


@rfc("6455 7.4.1-1")
@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000,
                                  65535])  # fmt: skip
def test_7_9_codes_that_may_not_be_sent_are_refused(code):
    talk = Talk().say(close(code))
    assert end_of(talk, 1002) == []


@rfc("6455 5.5-1", "6455 5.5.1-1")
@pytest.mark.parametrize("cut", [None, 1])
def test_7_3_close_without_a_code_with_half_of_one_and_of_full_length(cut):
    talk = Talk().say(close(), cut)
    assert end_of(talk, None) == []
    talk.conn._over("done")
    assert talk.app.ends == [1005] and talk.ws.reason() == ""
    assert end_of(Talk().say(frame(CLOSE, b"\3"), cut), 1002) == []
    stale = Talk().say(frame(PING, b"\3\xe8") + frame(CLOSE, b"\3"), cut)
    assert end_of(stale, 1002) == [(PONG, 1, b"\3\xe8")]
    assert end_of(Talk().say(close(1000, b"r" * 123), cut), 1000) == []
    assert end_of(Talk().say(close(1000, b"r" * 124), cut), 1002) == []


@rfc("6455 5.5.1-2", "6455 5.5.2-1")
def test_7_1_nothing_is_answered_behind_a_close():
    talk = Talk(echo=True)
    talk.say(frame(TEXT, b"a") + close(1000) + frame(TEXT, b"b") + frame(PING) + close(1000))
    assert end_of(talk, 1000) == [(TEXT, 1, b"a")] and talk.app.got == ["a"]


def test_7_1_5_a_close_between_fragments_ends_the_message_unfinished():
    talk = Talk().say(frame(TEXT, b"a", fin=0) + close(1000) + frame(CONT, b"b"))
    assert end_of(talk, 1000) == [] and talk.app.got == []


# Masks, lengths, limits


@rfc("6455 5.1-1")
@pytest.mark.parametrize("op", [TEXT, PING, CLOSE])
def test_a_frame_without_a_mask_is_refused(op):
    talk = Talk().say(frame(op, b"\3\xe8", mask=b""))
    assert end_of(talk, 1002) == [] and talk.app.got == []


@rfc("6455 6.2-1")
@pytest.mark.parametrize("mask", [bytes(4), b"\xff" * 4, b"\1\2\3\4"])
@pytest.mark.parametrize("cut", range(1, 9))
def test_every_phase_of_the_mask(mask, cut):
    data = bytes(range(256))
    assert Talk().say(frame(BINARY, data, mask=mask), cut).app.got == [data]


@rfc("6455 5.2-4")
@pytest.mark.parametrize("n, form", [(0, 126), (125, 126), (5, 127), (126, 127), (65535, 127)])
def test_a_length_that_has_a_shorter_form_is_refused(n, form):
    assert end_of(Talk().say(frame(BINARY, bytes(n), form=form)[:20]), 1002) == []


@rfc("6455 7.1.7-1")
def test_the_limit_is_of_the_message_and_known_from_the_header():
    talk = Talk(limit=1000).say(frame(BINARY, bytes(1000)))
    assert talk.app.got == [bytes(1000)]
    assert end_of(talk.say(frame(BINARY, length=1001)), 1009) == []
    talk = Talk(limit=1000).say(frame(BINARY, bytes(600), fin=0) + frame(CONT, bytes(400), fin=0))
    assert end_of(talk.say(frame(CONT, length=1)), 1009) == []


@pytest.mark.parametrize("n", [1 << 20, (1 << 30) - 1, 1 << 30, 1 << 32, (1 << 63) - 1])
def test_a_length_that_no_message_may_have_is_1009(n):
    talk = Talk(limit=(1 << 20) - 1)
    assert end_of(talk.say(frame(BINARY, length=n, form=127)), 1009) == []


@rfc("6455 5.2-3")
def test_a_length_of_64_bits_is_refused():
    assert end_of(Talk().say(frame(BINARY, length=1 << 63)), 1002) == []


# Flow and the sender's side


@pytest.mark.parametrize("take", [0, 1, 7, 100])
def test_what_is_not_taken_comes_again_and_is_right(take):
    text = (GOOD.replace("\ud7ff\ue000", "") * 20).encode("utf-8", "ignore")
    talk = Talk()
    talk.app.take = take
    data = frame(TEXT, text[:50], fin=0) + frame(PING, b"x") + frame(CONT, text[50:])
    for _ in range(3 * len(data)):
        data = talk.conn.feed(data[:97]) + data[97:]
        if not data:
            break
        if take == 0:
            talk.app.take = 30
    assert talk.app.got == [text.decode()] and talk.hear() == [(PONG, 1, b"x")]


def test_the_octets_of_a_piece_that_was_refused_are_as_they_came():
    talk = Talk()
    talk.app.take = 3
    data = frame(BINARY, b"0123456789")
    buf = bytearray(data)
    assert talk.ws.received(talk.conn, buf, 0, len(buf)) == 9
    assert buf[9:] == data[9:]


def test_an_empty_end_that_finds_no_room_comes_again():
    talk = Talk(size=256, echo=True)
    talk.ws.send(bytes(200))
    talk.ws.send(bytes(46))
    data = frame(TEXT, fin=0) + frame(CONT)
    left = talk.conn.feed(data)
    assert left == data[-1:] and talk.app.got == []
    talk.hear()
    talk.say(left)
    assert talk.hear() == [(TEXT, 1, b"")] and talk.app.got == [""]


def test_send_says_whether_there_is_room_and_keeps_some_for_the_close():
    talk = Talk(size=256)
    assert talk.ws.room == 248
    assert talk.ws.send(b"x" * 200) is True and talk.ws.send("y" * 51) is False
    assert talk.ws.room == 46 and talk.ws.send(b"z" * 46) is True
    assert talk.ws.room == 0 and not talk.ws.send(b"") and talk.ws.tx.ring.room >= 4
    talk.ws.close(1001, b"a reason for which there is no room")
    assert [f[0] for f in talk.hear()] == [BINARY, BINARY, CLOSE]


@rfc("6455 5.1-2", "6455 6.1-1", "6455 6.1-2")
def test_text_and_octets_have_their_opcodes():
    talk = Talk()
    talk.ws.send("é")
    talk.ws.send(b"\xff")
    talk.ws.write(b"-abc-", 1, 3, text=True, last=False)
    talk.ws.write(b"de", 0, 2)
    talk.ws.write(b"", 0, 0, text=True)
    assert talk.hear() == [
        (TEXT, 1, "é".encode()),
        (BINARY, 1, b"\xff"),
        (TEXT, 0, b"abc"),
        (CONT, 1, b"de"),
        (TEXT, 1, b""),
    ]


@rfc("6455 5.2-4")
@pytest.mark.parametrize("n", [0, 1, 125, 126, 5000, 70000])
def test_a_source_of_any_length_between_other_messages(n):
    talk = Talk(size=256)
    data = bytes(i * 7 % 251 for i in range(n))
    assert talk.ws.send("before") and talk.ws.stream(Bytes(data)) and talk.ws.send("behind")
    if n:
        assert not talk.ws.stream(Bytes(b"x")), "one at a time"
    talk.say(frame(PING, b"p"))
    assert [f[2] for f in talk.hear()] == [b"before", data, b"behind", b"p"]
    assert talk.ws.stream(Bytes(b"again"), text=True)
    assert talk.hear() == [(TEXT, 1, b"again")]


@rfc("6455 5.4-2", "6455 5.5.1-2", "6455 7.4.1-1")
def test_what_cannot_be_sent_is_said_at_the_call():
    talk = Talk(size=256)
    with pytest.raises(ValueError, match="more than the ring"):
        talk.ws.send(bytes(243))
    for code in (999, 1004, 1005, 1006, 1015, 5000):
        with pytest.raises(ValueError, match="code of 1000"):
            talk.ws.close(code)
    talk.ws.write(b"ab", 0, 2, last=False)
    with pytest.raises(ValueError, match="has not ended"):
        talk.ws.send(b"x")
    with pytest.raises(ValueError, match="256 octets at least"):
        WebSocket(Log(), 200)
    talk.ws.close()
    for call in (lambda: talk.ws.send(b"x"), lambda: talk.ws.write(b"x", 0, 1)):
        with pytest.raises(NotConnected):
            call()
    talk.ws.close()  # a second one is nothing


# The end


@rfc("6455 5.5.1-4")
def test_our_close_waits_for_the_other_and_what_comes_between_is_thrown_away():
    talk = Talk()
    talk.ws.close(1001, b"going")
    assert talk.hear() == [(CLOSE, 1, b"\x03\xe9going")] and not talk.conn.fin
    talk.say(frame(TEXT, b"on its way") + frame(PING) + close(1001) + frame(TEXT, b"no"))
    assert talk.hear() == [] and talk.conn.fin and talk.app.got == []
    talk.conn.half_close()
    talk.conn._over("done")
    assert talk.app.ends == [1001]


def test_a_fin_without_a_close_is_1006_and_what_is_on_its_way_still_arrives():
    talk = Talk()
    talk.ws.send(b"last words")
    talk.conn.half_close()
    assert talk.hear() == [(BINARY, 1, b"last words")] and talk.conn.fin
    talk.conn._over("done")
    assert talk.app.ends == [1006]


def test_a_half_closed_client_still_gets_our_close():
    talk = Talk()
    talk.conn.feed(frame(TEXT, b"a") + close(1000))
    talk.conn.half_close()
    assert end_of(talk, 1000) == []


def test_a_reset_is_1006_and_told_once():
    talk = Talk()
    talk.conn.reset()
    talk.ws.closed(talk.conn, "again")
    assert talk.app.ends == [1006]


def tick(talk, seconds):
    for _ in range(seconds):
        if not talk.conn.end:
            talk.ws.poll(talk.conn)


def test_who_answers_no_close_and_who_does_not_close_are_ended():
    talk = Talk()
    talk.ws.close()
    for _ in range(9):
        tick(talk, 1)
        talk.say(frame(TEXT, b"x"))
    assert not talk.conn.end
    tick(talk, 2)
    assert talk.conn.end == "aborted" and talk.app.ends == [1006]
    talk = Talk().say(close(1000))
    tick(talk, 11)
    assert talk.conn.end == "aborted" and talk.app.ends == [1000]


def test_a_silent_client_is_pinged_and_then_given_up():
    talk = Talk()
    tick(talk, 30)
    assert talk.hear() == [(PING, 1, b"")]
    talk.say(frame(PONG))
    tick(talk, 59)
    assert talk.hear() == [(PING, 1, b"")] and not talk.conn.end
    tick(talk, 1)
    assert talk.conn.end == "aborted" and talk.app.ends == [1006]
    talk = Talk()
    talk.app.ping_s = 0
    tick(talk, 1000)
    assert talk.hear() == [] and not talk.conn.end


def test_an_object_is_as_new_for_the_next_client():
    talk = Talk()
    talk.say(frame(TEXT, b"half of \xc3", fin=0) + frame(PING, b"abc")[:4])
    talk.conn.reset()
    talk.connect()
    talk.app.part = b""
    talk.conn.feed(frame(TEXT, b"new"))
    assert talk.hear() == [] and talk.app.got == ["new"]
    assert talk.app.opens == 2 and talk.app.ends == [1006]


# Everything at once


def story(dice):
    """A stream of frames, most of them right."""
    data, open_ = b"", 0
    for _ in range(dice.randrange(1, 7)):
        op = dice.choice([TEXT, BINARY, PING, PONG, CONT, TEXT] + [CLOSE] * (dice.random() < 0.2))
        if op in (TEXT, BINARY, CONT):
            op = CONT if open_ else dice.choice([TEXT, BINARY])
            fin = int(dice.random() < 0.6)
            open_ = not fin
        else:
            fin = 1
        body = "aé€\U0001f600".encode() * dice.choice([0, 0, 1, 2, 12, 13])
        body = body[dice.choice([0, 0, 0, 1]) : dice.choice([len(body), len(body), 3])]
        if op == CLOSE:
            body = struct.pack(">H", dice.choice([1000, 1000, 4000, 1005])) + body[:100]
        body = body[:125] if op >= CLOSE else body
        data += frame(op, body, fin, mask=dice.randbytes(4), rsv=dice.random() < 0.02)
    wrong = bytearray(data)
    for _ in range(dice.choice([0, 0, 1, 1, 2])):
        wrong[dice.randrange(len(wrong))] ^= 1 << dice.randrange(8)
    return bytes(wrong[: dice.choice([len(data), len(data), dice.randrange(len(data) + 1)])])


def outcome(data, cuts):
    """What the board makes of it, cut in these places."""
    talk = Talk(limit=300)
    for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True):
        if a < b:
            assert talk.conn.feed(data[a:b]) == b""
    sent = talk.hear()
    code = 0
    if sent and sent[-1][0] == CLOSE:
        code = int.from_bytes(sent.pop()[2], "big") or 1005
    assert bool(code) == talk.conn.fin
    assert all(op == PONG for op, _, _ in sent)
    return talk.app.got, talk.app.part, [p for _, _, p in sent], code


def wanted(data):
    o = Oracle(data, 300)
    return o.got, o.part, o.pings, o.code


def test_every_cut_of_a_stream_gives_the_same():
    dice = random.Random(3)
    for _ in range(60):
        data = story(dice)
        for k in range(len(data) + 1):
            assert outcome(data, [k]) == wanted(data), (data, k)
        assert outcome(data, list(range(len(data)))) == wanted(data), data


def test_ten_thousand_streams_random_and_mutated():
    dice = random.Random(6455)
    ends = set()
    for i in range(10_000):
        data = dice.randbytes(dice.randrange(40)) if i % 10 == 0 else story(dice)
        cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.randrange(4)))
        said = outcome(data, cuts)
        assert said == wanted(data), data
        ends.add(said[3])
    assert ends >= {0, 1000, 1002, 1007, 1009, 4000}
