"""TCP options (RFC 9293 3.1, 3.2): in any segment, at any alignment, known or not."""

import pytest
from lab import packets
from lab.tcp import Lab, Peer, is_ack, mss, one, stamps
from uipy import Bytes

rfc = pytest.mark.rfc


ALL = {"timestamps": True, "sack": True, "window_scale": True}
WANTED = {"mss": 1000, "sack_ok": True, "ts": (1, 0), "ws": 2}


def first_size(p):
    """The size of the segments that the board sends, once it is asked for a lot."""
    p.conn.send(Bytes(bytes(5000)))
    return p.run(0)[0].len


@rfc("9293 MUST-4", "9293 MUST-14", "9293 MUST-64")
@pytest.mark.parametrize("pad", [b"", b"\1", b"\1\1", b"\1\1\1", b"\1" * 7])
def test_mss_is_understood_at_any_alignment(lab, pad):
    p = Peer(lab)
    p.open(opts=pad + mss(700))
    assert first_size(p) == 700


@rfc("9293 MUST-4")
@pytest.mark.parametrize("end", [b"\0\1\1\1", b"\0\2\0\0", b"\0\4\0\0", b"\1\0\3\0", bytes(4)])
def test_nothing_behind_end_of_option_list_is_read(lab, end):
    p = Peer(lab)
    p.open(opts=end + mss(700))
    assert first_size(p) == 536


@rfc("9293 MUST-6", "9293 MUST-68")
@pytest.mark.parametrize(
    "unknown",
    [b"\xfd\x02", b"\x1e\x0c" + bytes(10), b"\x22\x04ab", b"\x13\x12" + bytes(16), b"\xfe\x03x"],
)
def test_unknown_option_is_skipped_by_its_length(lab, unknown):
    p = Peer(lab)
    p.open(opts=unknown + mss(700))
    assert first_size(p) == 700


@rfc("9293 MUST-5")
@pytest.mark.parametrize(
    "opts", [b"\1" * 40, b"\xfd\x04ab" * 10, stamps(1, 2), mss(100) + b"\1" * 4, b"\0" * 40]
)
def test_options_may_stand_in_any_segment(peer, lab, opts):
    """Data, a bare ACK, a FIN; what stands behind them is where it was."""
    peer.send("PA", b"one", opts=opts)
    peer.send("A", opts=opts)
    peer.send("FPA", b"two", opts=opts)
    assert lab.app.data == b"onetwo" and peer.state == "CLOSE-WAIT"


@rfc("9293 MUST-5")
def test_a_reset_with_options_is_a_reset(peer, lab):
    assert not peer.send("R", opts=b"\xfd\x08abcdef")
    assert lab.app.said("closed") == ["reset"]


@rfc("9293 MUST-7")
@pytest.mark.parametrize(
    "bad",
    [
        b"\x02\x00\x05\xb4",
        b"\x02\x01\x05\xb4",
        b"\xfd\x00",
        b"\xfd\x01\x01\x01",
        b"\x01\x01\x01\xfd",
        b"\xfd\x09\x01\x01",
        b"\x02\x04\x05"[:2] + b"\0\0",
    ],
)
def test_illegal_option_length_is_coped_with(lab, bad):
    """Zero, one, beyond the header, cut off: no hang, no crash, and the connection opens."""
    p = Peer(lab)
    p.open(opts=bad)
    p.send("PA", b"data", opts=bad)
    assert lab.app.data == b"data"
    assert is_ack(p.run(500)[-1], p)


@rfc("9293 MUST-7")
@pytest.mark.parametrize("n", [3, 5, 10])
def test_mss_option_of_a_wrong_length_is_not_an_mss(lab, n):
    p = Peer(lab)
    p.open(opts=bytes((2, n)) + b"\x02\xbc" + bytes(max(0, n - 4)))
    assert first_size(p) == 536


def lengths(kind, right):
    """The option in each length but the right one."""
    return [bytes((kind, n)) + (b"\1\2" * 9)[: n - 2] for n in range(2, 20) if n != right]


@rfc("9293 MUST-7")
@pytest.mark.parametrize(
    "bad",
    [o for n, right in ((2, 4), (3, 3), (4, 2), (8, 10), (254, 0)) for o in lengths(n, right)],
    ids=bytes.hex,
)
def test_an_option_of_another_length_or_kind_offers_nothing(bad):
    lab = Lab(tcp_options=ALL)
    p = Peer(lab)
    assert p.open(opts=bad).opts == {"mss": 1460}
    assert first_size(p) == 536


def test_options_of_a_syn_are_not_those_of_the_syn_before():
    lab = Lab(tcp_options=ALL)
    first, second = Peer(lab, port=40000), Peer(lab, port=40001)
    assert set(first.open(opts=packets.pack_options(WANTED), opts3=stamps(1)).opts) == set(WANTED)
    assert second.open(opts=b"\1\1\1\1").opts == {"mss": 1460}
    assert first_size(second) == 536


@pytest.mark.parametrize("last", ["sack_ok", "mss", "ts", "ws"])
def test_the_last_option_may_end_with_the_header(last):
    """And each is read that stands behind another."""
    lab = Lab(tcp_options=ALL)
    opts = packets.pack_options({k: WANTED[k] for k in (*(k for k in WANTED if k != last), last)})
    opts = b"\1" * (-len(opts) % 4) + opts
    s = Peer(lab).open(opts=opts, opts3=stamps(1))
    assert set(s.opts) == set(WANTED) and s.opts["ts"][1] == 1


@pytest.mark.parametrize("sack", [False, True])
@pytest.mark.parametrize("reassembly", [0, 2])
@pytest.mark.parametrize("ts", [False, True])
def test_sack_is_sent_where_it_is_agreed_on_and_something_is_kept(sack, reassembly, ts):
    lab = Lab(tcp_options={"sack": sack, "reassembly": reassembly, "timestamps": ts})
    p = Peer(lab)
    p.open(opts=packets.pack_options(WANTED), opts3=stamps(1))
    opts = stamps(1) if ts else b""
    s = one(p.send("A", bytes(10), seq=p.seq + 100, opts=opts), "A")
    blocks = [(p.seq + 100, p.seq + 110)] if sack and reassembly else None
    assert s.opts.get("sack") == blocks and ("ts" in s.opts) == ts and s.ack == p.seq
    assert p.state == "ESTABLISHED" and s.doff == 20 + 12 * ts + 12 * bool(blocks)


@rfc("9293 MUST-65")
def test_mss_is_never_sent_without_syn(peer):
    peer.conn.send(Bytes(bytes(3000)))
    peer.conn.shutdown()
    out = peer.run(20_000) + peer.send("PA", b"x", seq=peer.seq - 1)
    assert out and not any("mss" in s.opts for s in out)


@rfc("9293 MUST-65", "9293 MUST-14")
def test_mss_that_comes_without_syn_is_ignored(peer):
    peer.send("A", opts=mss(100))
    assert first_size(peer) == 1000


@rfc("9293 MUST-68", "9293 MUST-69")
@pytest.mark.parametrize("order", [list(WANTED), list(WANTED)[::-1]])
@pytest.mark.parametrize("ours", [{}, *({k: True} for k in ALL), ALL])
def test_what_we_send_is_well_formed_and_padded(ours, order):
    """Judged by packets.decode: every option but EOL and NOP has its length, padding is NOPs or
    zeros. What was in the buffer before, options in another order and place, does not show."""
    lab = Lab(tcp_options=dict(ours, reassembly=2))
    p = Peer(lab)
    theirs = b"\xfd\x05abc" + packets.pack_options({k: WANTED[k] for k in order})
    s = p.open(opts=theirs, opts3=stamps(2))
    agreed = {"mss", *(k for k, o in zip(("ts", "sack_ok", "ws"), ALL, strict=True) if o in ours)}
    assert set(s.opts) == agreed and s.doff == 20 + len(s.rawopts)
    p.conn.send(Bytes(bytes(1500)))
    out = p.run(0) + p.send("PA", b"gap", seq=p.seq + 50, opts=stamps(3))
    assert out and all(len(x.rawopts) % 4 == 0 for x in out)


@rfc("9293 MUST-50", "1122 3.2.1.8-1")
@pytest.mark.parametrize(
    "options",
    [
        b"\1\1\1\0",
        b"\x94\x04\0\0",
        b"\x07\x07\x04\0\0\0\0\0",
        b"\x44\x08\x05\0\0\0\0\0",
        b"\x83\x07\x08\x0a\0\0\x09\0",
        b"\x88\x04\0\1",
    ],
)
def test_ip_options_are_ignored(lab, options):
    """Router alert, record route, timestamp, a completed source route, stream id."""
    p = Peer(lab)
    one(p.send("S", options=options), "SA")
    p.send("A", options=options)
    p.send("PA", b"data", options=options)
    assert lab.app.data == b"data"


def test_answers_bear_no_ip_options(lab):
    """Timestamp and Record Route in a SYN are ignored, not answered."""
    p = Peer(lab)
    s = one(p.send("S", options=b"\x07\x07\x04\0\0\0\0\0"))
    assert s.frame[0] == 0x45
