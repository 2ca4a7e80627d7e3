"""The counters: what each kind of segment adds to them, and that it adds nothing else."""

import pytest
from lab.tcp import HalfCloser, Lab, Peer, mss, stamps, wscale
from uipy import Bytes
from uipy.stat import NAMES


def moved(lab, step):
    """What `step()` adds to TCP's counters, and to that of callbacks that raise."""
    names = [n for n in NAMES if n.startswith("tcp_") or n == "app_error"]
    before = [lab.wire.count(n) for n in names]
    step()
    after = [lab.wire.count(n) for n in names]
    return {n: b - a for n, a, b in zip(names, before, after, strict=True) if a != b}


ANSWERED = {"tcp_in": 1, "tcp_out": 1}
TAKEN = {"tcp_in": 1}
RESET = ANSWERED | {"tcp_rst_out": 1}
CHALLENGED = ANSWERED | {"tcp_challenge": 1}
OUTSIDE = CHALLENGED | {"tcp_old": 1}

ONE_SEGMENT = {
    # in place
    "an ACK of nothing": (("A",), {}, TAKEN),
    "text, whose ACK is delayed": (("PA", b"x"), {}, TAKEN),
    "a FIN": (("FA",), {}, ANSWERED),
    # out of place
    "a bare ACK below the window": (("A",), {"seq": -1}, OUTSIDE),
    "a bare ACK above it": (("A",), {"seq": 100_000}, OUTSIDE),
    "text that was taken": (("PA", b"x"), {"seq": -1}, ANSWERED | {"tcp_old": 1}),
    "text above the window": (("PA", b"x"), {"seq": 100_000}, ANSWERED | {"tcp_old": 1}),
    "a FIN below the window": (("FA",), {"seq": -1}, ANSWERED | {"tcp_old": 1}),
    "text above a gap": (("PA", b"x"), {"seq": 1}, ANSWERED | {"tcp_ooo": 1}),
    "an ACK of what was not sent": (("A",), {"ack": 1}, CHALLENGED),
    "text with an ACK of what was not sent": (("PA", b"x"), {"ack": 1}, CHALLENGED),
    "text without an ACK": (("P", b"x"), {}, TAKEN),
    # RST and SYN
    "a RST in place": (("R",), {}, TAKEN | {"tcp_rst_in": 1}),
    "a RST with an ACK": (("RA",), {}, TAKEN | {"tcp_rst_in": 1}),
    "a RST in the window": (("R",), {"seq": 1}, CHALLENGED),
    "a RST at the window's last octet": (("R",), {"seq": 5839}, CHALLENGED),
    "a RST at the window's edge": (("R",), {"seq": 5840}, TAKEN | {"tcp_old": 1}),
    "a RST below the window": (("R",), {"seq": -1}, TAKEN | {"tcp_old": 1}),
    "a SYN": (("S",), {"seq": 0}, CHALLENGED),
    "a SYN below the window": (("S",), {"seq": -1}, CHALLENGED),
    "a SYN-ACK above it": (("SA",), {"seq": 100_000}, CHALLENGED),
    # not sound
    "a wrong checksum": (("PA", b"x"), {"bad": 1}, TAKEN | {"tcp_bad": 1}),
}


@pytest.mark.parametrize("what", ONE_SEGMENT)
def test_a_segment_adds_to_these_counters_and_to_no_other(peer, lab, what):
    args, off, counts = ONE_SEGMENT[what]
    where = {k: getattr(peer, k) + v if k in ("seq", "ack") else v for k, v in off.items()}
    out = []
    assert moved(lab, lambda: out.extend(peer.send(*args, **where))) == counts
    assert len(out) == counts.get("tcp_out", 0)


TO_NOBODY = {
    "a SYN": (("S",), RESET),
    "a SYN-ACK": (("SA",), RESET),
    "text": (("PA", b"x"), RESET),
    "neither SYN nor ACK": (("P", b"x"), RESET),
    "a RST": (("R",), TAKEN),
    "a RST with an ACK": (("RA",), TAKEN),
}


@pytest.mark.parametrize("what", TO_NOBODY)
def test_a_segment_to_a_closed_port_adds_to_these(lab, what):
    args, counts = TO_NOBODY[what]
    nobody = Peer(lab, to=9999)
    assert moved(lab, lambda: nobody.send(*args)) == counts


def test_a_challenge_that_is_held_back_is_counted_as_muted(peer, lab):
    def two():
        assert len(peer.send("S", seq=peer.seq) + peer.send("S", seq=peer.seq)) == 1

    assert moved(lab, two) == {
        "tcp_in": 2,
        "tcp_out": 1,
        "tcp_challenge": 1,
        "tcp_muted": 1,
    }
    again = {"tcp_in": 2, "tcp_old": 2, "tcp_muted": 2}
    assert moved(lab, lambda: [peer.send("A", seq=peer.seq - 1) for _ in range(2)]) == again


def test_a_challenge_is_due_again_after_half_a_second_at_the_latest(peer, lab):
    """250 ms, and up to 255 more (RFC 5961 7)."""
    peer.send("S", seq=peer.seq)
    lab.run(249)
    assert moved(lab, lambda: peer.send("S", seq=peer.seq)) == TAKEN | {"tcp_muted": 1}
    lab.run(256)
    assert moved(lab, lambda: peer.send("S", seq=peer.seq)) == CHALLENGED


def test_a_handshake_is_counted_once(lab):
    p = Peer(lab)
    assert moved(lab, p.open) == {"tcp_in": 2, "tcp_out": 1, "tcp_passive": 1}


@pytest.fixture
def stamped():
    lab = Lab(tcp_options={"timestamps": True})
    p = Peer(lab)
    p.open(opts=mss(1000) + stamps(1000), opts3=stamps(1000))
    return p


PAWS = {
    "in place": ("PA", 0, stamps(1000), TAKEN),
    "text that is older": ("PA", 0, stamps(999), ANSWERED | {"tcp_paws": 1}),
    "an ACK that is older": ("A", 0, stamps(999), CHALLENGED | {"tcp_paws": 1}),
    "older, at another number": ("PA", 9, stamps(999), ANSWERED | {"tcp_paws": 1}),
    "a SYN that is older": ("S", 0, stamps(999), CHALLENGED | {"tcp_paws": 1}),
    "a SYN without the option": ("S", 0, b"", CHALLENGED | {"tcp_paws": 1}),
    "a SYN with a newer one": ("S", 0, stamps(1001), CHALLENGED),
    "without the option": ("PA", 0, b"", TAKEN | {"tcp_paws": 1}),
    "a RST without the option": ("R", 0, b"", TAKEN | {"tcp_rst_in": 1}),
    "a RST that is older": ("R", 0, stamps(999), TAKEN | {"tcp_rst_in": 1}),
}


@pytest.mark.parametrize("what", PAWS)
def test_a_segment_with_timestamps_adds_to_these(stamped, what):
    flags, off, opts, counts = PAWS[what]
    data = b"text" if "P" in flags else b""
    seq = stamped.seq + off

    def send():
        stamped.send(flags, data, seq=seq, opts=opts)

    assert moved(stamped.lab, send) == counts
    assert stamped.app.data == (b"text" if what == "in place" else b"")


def test_what_the_application_does_not_take_is_counted(peer, lab):
    peer.app.take = 3
    want = ANSWERED | {"tcp_partial": 1}
    assert moved(lab, lambda: peer.send("PA", b"12345")) == want  # the plain way
    peer.seq -= 2
    assert moved(lab, lambda: peer.send("PA", b"45", up=1)) == TAKEN
    assert moved(lab, lambda: peer.send("UPA", b"12345", up=1)) == want  # and the other


@pytest.mark.parametrize("options", [{}, {"urgent": False, "sack": True, "reassembly": 2}])
def test_three_duplicates_are_one_fast_retransmit(options):
    lab = Lab(tcp_options=options)
    p = Peer(lab, wnd=60000)
    p.open()
    p.conn.send(Bytes(bytes(9000)))
    p.run(0)
    dup = [moved(lab, lambda: p.send("A", ack=p.iss + 1)) for _ in range(4)]
    assert [d.get("tcp_fast", 0) for d in dup] == [0, 0, 1, 0]
    assert [d.get("tcp_rexmt", 0) for d in dup] == [0, 0, 1, 0]


def test_duplicates_are_known_by_their_scaled_window():
    """RFC 5681 2: the window is that of the last segment; both are scaled alike (RFC 7323 2.3)."""
    lab = Lab(tcp_options={"window_scale": True})
    p = Peer(lab, wnd=5000)
    p.open(opts=mss(1000) + wscale(3))
    p.conn.send(Bytes(bytes(9000)))
    p.run(0)
    dup = [moved(lab, lambda: p.send("A", ack=p.iss + 1)) for _ in range(3)]
    assert [d.get("tcp_fast", 0) for d in dup] == [0, 0, 1]


class Raises(HalfCloser):
    def received(self, conn, buf, start, n):
        raise ValueError("received")

    def acked(self, conn, n):
        raise ValueError("acked")


@pytest.mark.parametrize("flags", ["PA", "UPA"])
def test_a_callback_that_raises_is_counted_and_resets_its_connection(flags):
    lab = Lab(app=Raises)
    p = Peer(lab)
    p.open()
    want = RESET | {"app_error": 1}
    assert moved(lab, lambda: p.send(flags, b"x", up=1)) == want
    assert [str(e) for e in lab.errors] == ["received"] and p.app.said("closed") == ["error"]


@pytest.mark.parametrize("flags", ["A", "PA", "UPA"])
def test_of_two_callbacks_the_second_is_not_called_when_the_first_raises(flags):
    lab = Lab(app=Raises)
    p = Peer(lab)
    p.open()
    p.conn.send(Bytes(b"abc"))
    p.run(0)
    want = RESET | {"app_error": 1}
    assert moved(lab, lambda: p.send(flags, b"x" if "P" in flags else b"", up=1)) == want
    assert [str(e) for e in lab.errors] == ["acked"] and p.app.said("closed") == ["error"]
