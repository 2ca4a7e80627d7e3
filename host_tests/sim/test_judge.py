"""The judge of the wire (tools/judge/tcpcheck.py) says no to each thing that it claims to see."""

import pytest
from judge import segment
from judge.segment import (
    ACK,
    CWR,
    ECE,
    FIN,
    MSS,
    PSH,
    RST,
    SACK,
    SACK_OK,
    STAMP,
    SYN,
    URG,
    WSCALE,
    Illegal,
    option,
)
from judge.tcpcheck import WireCheck

US, PEER = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))
ISS, IRS = 0xFFFFFFF0, 0x7FFFFFFA
MSS536 = option(MSS, b"\2\x18")


def stamps(val, ecr):
    return b"\1\1" + option(STAMP, val.to_bytes(4, "big") + ecr.to_bytes(4, "big"))


class Line:
    """A connection that we opened; each call is one segment."""

    def __init__(self, ours=MSS536, theirs=MSS536, wnd=4000, flags=0, flags2=0):
        self.judge = WireCheck(US, 0)
        self.send(0, 0, SYN | flags, opts=ours, wnd=5000)
        self.hear(0, 1, SYN | ACK | flags2, opts=theirs, wnd=wnd)

    def send(self, seq, ack, flags=ACK, wnd=5000, **more):
        tos = more.pop("tos", 0)
        a = IRS + ack if flags & ACK else more.pop("rawack", 0)
        body = segment.tcp(US, PEER, 1000, 7, more.pop("rawseq", ISS + seq), a, flags, wnd, **more)
        return self.judge.emitted(segment.ipv4(US, PEER, body, tos=tos))

    def hear(self, seq, ack, flags=ACK, wnd=4000, **more):
        body = segment.tcp(PEER, US, 7, 1000, IRS + seq, ISS + ack, flags, wnd, **more)
        self.judge.arrived(segment.ipv4(PEER, US, body))


@pytest.fixture
def line():
    made = Line()
    made.send(1, 1)
    return made


def says_no(line, match, *args, **more):
    with pytest.raises(Illegal, match=match):
        line.send(*args, **more)


def test_a_plain_conversation_is_legal(line):
    line.send(1, 1, ACK | PSH, data=b"x" * 100)
    line.hear(1, 101, ACK, data=b"y" * 50)
    line.send(101, 51)
    line.send(1, 51, ACK | PSH, data=b"x" * 100)
    line.send(101, 51, ACK | FIN)
    line.hear(51, 102, ACK | FIN)
    line.send(102, 52)
    line.judge.finished()


@pytest.mark.parametrize(
    "match, args, more",
    (
        ("reserved", (1, 1), {"reserved": 4}),
        ("exclude", (1, 1, SYN | FIN | ACK), {}),
        ("neither", (1, 1, FIN), {}),
        ("urgent pointer without", (1, 1), {"urp": 3}),
        ("points at nothing", (1, 1, ACK | URG), {}),
        ("hole", (2, 1), {"data": b"x"}),
        ("beyond the window", (1, 1), {"data": b"x" * 500, "seq": 1}),
        ("over the MSS", (1, 1), {"data": b"x" * 537}),
        ("acknowledges 2", (1, 2), {}),
        ("went back", (1, 0), {}),
        ("right edge", (1, 1), {"wnd": 4999}),
        ("option 2 outside", (1, 1), {"opts": MSS536}),
        ("timestamps", (1, 1), {"opts": stamps(1, 1)}),
        ("not permitted", (1, 1), {"opts": option(SACK, bytes(8))}),
        ("ECN was not agreed", (1, 1, ACK | ECE), {}),
        ("ECN was not agreed", (1, 1), {"data": b"x", "tos": 2}),
        ("illegal length", (1, 1), {"opts": b"\x08\3\0\0"}),
        ("padding", (1, 1), {"opts": b"\0\0\0\1"}),
        ("RST with", (1, 1, RST), {"data": b"x"}),
        ("SND.NXT", (2, 1, RST), {}),
    ),
)
def test_it_says_no_to(line, match, args, more):
    if match == "beyond the window":
        line.hear(1, 1, wnd=100)  # nothing new: the edge that was offered stays usable
        for k in range(8):
            line.send(1 + 500 * k, 1, data=b"x" * 500)
        args, more = (4001, 1), {"data": b"xx"}
    says_no(line, match, *args, **more)


def test_a_probe_of_one_octet_beyond_a_closed_window_is_legal():
    line = Line(wnd=0)
    line.send(1, 1, ACK | PSH, data=b"x")
    says_no(line, "beyond the window", 1, 1, data=b"xy")


def test_other_octets_in_a_retransmission(line):
    line.send(1, 1, data=b"abc")
    line.send(1, 1, data=b"ab")
    says_no(line, "another one", 1, 1, data=b"aXc")


def test_a_fin_that_moves_and_octets_behind_it(line):
    line.send(1, 1, ACK | FIN, data=b"abc")
    says_no(line, "FIN moved", 1, 1, ACK | FIN, data=b"ab")
    says_no(line, "behind the FIN", 4, 1, data=b"x")


def test_a_missing_push_at_the_end(line):
    line.send(1, 1, ACK, data=b"abc")
    line.send(4, 1, ACK | FIN)
    with pytest.raises(Illegal, match="PSH"):
        line.judge.finished()


def test_the_initial_window():
    line = Line(wnd=65535)
    line.send(1, 1)
    for k in range(10):
        line.send(1 + 536 * k, 1, data=b"x" * 536)
    says_no(line, "initial window", 1 + 5360, 1, data=b"x" * 536)


def test_ack_of_what_lies_behind_a_hole(line):
    line.hear(3, 1, data=b"cd")
    says_no(line, "acknowledges 5", 1, 5)
    line.hear(1, 1, data=b"ab")
    line.send(1, 5)


def test_syn_options_that_the_syn_did_not_have():
    judge = WireCheck(US, 0)

    def syn(opts, flags=0):
        judge.arrived(
            segment.ipv4(PEER, US, segment.tcp(PEER, US, 7, 1000, IRS, 0, SYN | flags, opts=opts))
        )

    def answer(opts, flags=0):
        body = segment.tcp(US, PEER, 1000, 7, ISS, IRS + 1, SYN | ACK | flags, opts=opts)
        judge.emitted(segment.ipv4(US, PEER, body))

    for extra in (option(WSCALE, b"\1"), option(SACK_OK), stamps(1, 0)):
        syn(MSS536)
        with pytest.raises(Illegal, match="not in the SYN"):
            answer(MSS536 + extra)
    with pytest.raises(Illegal, match="without MSS"):
        answer(b"")
    with pytest.raises(Illegal, match="ECN in the SYN-ACK"):
        answer(MSS536, ECE)
    answer(MSS536)


def test_sack_blocks_must_have_arrived():
    line = Line(ours=MSS536 + option(SACK_OK), theirs=MSS536 + option(SACK_OK))
    line.hear(11, 1, data=b"x" * 10)

    def block(a, b):
        return option(SACK, (IRS + a).to_bytes(4, "big") + (IRS + b).to_bytes(4, "big"))

    line.send(1, 1, opts=block(11, 21))
    says_no(line, "did not arrive", 1, 1, opts=block(11, 22))
    says_no(line, "empty or not beyond", 1, 1, opts=block(1, 5))


def test_timestamps_agreed_on_are_in_every_segment_and_never_go_back():
    line = Line(ours=MSS536 + stamps(100, 0), theirs=MSS536 + stamps(7, 100))
    line.send(1, 1, opts=stamps(105, 7))
    says_no(line, "agreed True", 1, 1)
    says_no(line, "TSval went back", 1, 1, opts=stamps(104, 7))
    says_no(line, "never received", 1, 1, opts=stamps(106, 8))


def test_a_window_is_scaled_only_when_both_sides_asked():
    line = Line(
        ours=MSS536 + option(WSCALE, b"\2"), theirs=MSS536 + option(WSCALE, b"\3"), wnd=100
    )
    line.send(1, 1, wnd=1250)
    line.hear(1, 1, wnd=100)
    line.send(1, 1, ACK, wnd=1250, data=b"x" * 500)
    says_no(line, "right edge", 501, 1, wnd=1249)


def test_ecn_needs_both_setups():
    line = Line(flags=ECE | CWR, flags2=ECE)
    line.send(1, 1, ACK, data=b"x", tos=2)
    says_no(line, "pure ACK", 2, 1, ACK, tos=2)
    line = Line(flags=ECE | CWR, flags2=ECE | CWR)
    says_no(line, "not agreed", 1, 1, ACK, data=b"x", tos=2)


def test_the_form_of_a_reset():
    judge = WireCheck(US, 0)

    def hear(flags, seq, ack, data=b""):
        judge.arrived(
            segment.ipv4(PEER, US, segment.tcp(PEER, US, 7, 1000, seq, ack, flags, data=data))
        )

    def send(flags, seq, ack):
        judge.emitted(segment.ipv4(US, PEER, segment.tcp(US, PEER, 1000, 7, seq, ack, flags)))

    hear(ACK, 5, 99)
    send(RST, 99, 0)
    with pytest.raises(Illegal):
        send(RST, 98, 0)
    hear(SYN, 5, 0, b"abc")
    send(RST | ACK, 0, 9)
    with pytest.raises(Illegal, match="answers nothing"):
        send(RST | ACK, 0, 8)
    hear(RST, 5, 0)
    with pytest.raises(Illegal, match="answers nothing"):
        send(RST | ACK, 0, 5)


def test_a_bad_checksum_and_a_foreign_address():
    judge = WireCheck(US, 0)
    body = bytearray(segment.tcp(US, PEER, 1, 2, 3, 0, SYN, opts=MSS536))
    body[16] ^= 1
    with pytest.raises(Illegal, match="TCP checksum"):
        judge.emitted(segment.ipv4(US, PEER, bytes(body)))
    body = segment.tcp(PEER, US, 1, 2, 3, 0, SYN, opts=MSS536)
    with pytest.raises(Illegal, match="not ours"):
        judge.emitted(segment.ipv4(PEER, US, body))
