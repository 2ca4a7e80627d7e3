"""Keep-alives (RFC 9293 3.8.4)."""

import pytest
from lab.tcp import Lab, Peer, is_ack, one
from uipy import Bytes

rfc = pytest.mark.rfc
HOUR = 3600_000


@rfc("9293 MUST-25")
def test_off_by_default(peer):
    assert not peer.run(48 * HOUR)
    assert peer.conn.keepalive_s == 0


@rfc("9293 MUST-25")
def test_off_for_the_next_connection_of_the_same_row(lab):
    """What one application asked for does not stay for another."""
    lab = Lab(tcp=1)
    first, second = Peer(lab, port=40000), Peer(lab, port=40001)
    first.open()
    first.conn.keepalive_s = 60
    first.send("R")
    second.open()
    assert second.conn.keepalive_s == 0 and not second.run(10 * HOUR)


@rfc("9293 MUST-24", "9293 MAY-5", "9293 MUST-27")
def test_application_turns_it_on_with_an_interval(peer):
    peer.conn.keepalive_s = 60
    start = peer.lab.ms
    assert one(peer.run(100_000)).at - start >= 60_000


@rfc("9293 MUST-24")
def test_application_turns_it_off_again(peer):
    peer.conn.keepalive_s = 60
    peer.conn.keepalive_s = 0
    assert not peer.run(HOUR)


@rfc("9293 MUST-28")
def test_the_default_interval_is_two_hours(peer):
    """Turned on without an interval."""
    peer.conn.keepalive()
    start = peer.lab.ms
    s = one(peer.run(3 * HOUR, until=lambda s: True))
    assert s.at - start >= 2 * HOUR


@rfc("9293 SHLD-12", "9293 MAY-5")
def test_probe_has_no_data_and_the_number_before_snd_nxt(peer):
    peer.conn.keepalive_s = 60
    s = one(peer.run(61_000))
    assert s.flags == "A" and not s.data and s.seq == peer.ack - 1 and s.ack == peer.seq


@rfc("9293 MUST-26")
def test_only_after_an_interval_in_which_nothing_was_heard(peer):
    peer.conn.keepalive_s = 60
    for _ in range(10):
        assert not [s for s in peer.run(50_000) if s.seq == peer.ack - 1]
        peer.send("PA", b"x")
        peer.run(500)
    for _ in range(10):
        assert not peer.run(50_000)
        peer.send("A")


@rfc("9293 MUST-26")
def test_not_while_data_is_outstanding(peer):
    peer.conn.keepalive_s = 10
    peer.conn.send(Bytes(b"data"))
    out = peer.run(60_000)
    assert out and all(s.data == b"data" for s in out)


@rfc("9293 MUST-29")
def test_one_unanswered_probe_kills_nothing(peer, lab):
    peer.conn.keepalive_s = 60
    peer.run(61_000)
    peer.run(74_000)
    assert not lab.app.said("closed")
    assert not peer.send("A")
    peer.run(59_000)
    assert not lab.app.said("closed") and peer.state == "ESTABLISHED"


@rfc("9293 MUST-29")
def test_lost_answers_are_forgiven_again_and_again(peer, lab):
    """Every third answer arrives."""
    peer.conn.keepalive_s = 60
    for k in range(60):
        peer.run(200_000, until=lambda s: True)
        if k % 3 == 0:
            peer.send("A")
    assert not lab.app.said("closed")


def test_peer_that_never_answers_is_given_up_in_the_end(peer, lab):
    peer.conn.keepalive_s = 60
    out = peer.run(2 * HOUR)
    assert len(out) >= 3 and lab.app.said("closed") == ["timeout"]


def test_answer_of_a_rebooted_peer_ends_it(peer, lab):
    peer.conn.keepalive_s = 60
    s = one(peer.run(61_000))
    peer.send("R", seq=s.ack)
    assert lab.app.said("closed") == ["reset"]


def test_our_answer_to_a_peers_keep_alive(peer):
    """Both forms: no data, and one garbage octet below RCV.NXT."""
    assert is_ack(one(peer.send("A", seq=peer.seq - 1)), peer)
    assert is_ack(one(peer.send("A", b"\0", seq=peer.seq - 1)), peer)


def test_probes_go_every_75_seconds_and_the_eighth_is_the_last(peer, lab):
    peer.conn.keepalive_s = 60
    start = lab.ms
    assert [s.at - start for s in peer.run(659_999)] == [60_000 + 75_000 * k for k in range(8)]
    assert not lab.app.said("closed")
    assert not peer.run(1)
    assert lab.app.said("closed") == ["timeout"]


def test_an_answer_starts_the_count_anew(peer, lab):
    """Seven probes in vain, an answer, and again eight may be in vain."""
    peer.conn.keepalive_s = 60
    peer.run(60_000 + 6 * 75_000)
    assert not peer.send("A")
    start = lab.ms
    assert [s.at - start for s in peer.run(659_999)] == [60_000 + 75_000 * k for k in range(8)]
    assert not lab.app.said("closed")


def test_longest_interval_is_kept(peer, lab):
    """65535 s are more than 2**25 ms; 18 hours without a word."""
    peer.conn.keepalive_s = 65535
    start = lab.ms
    assert one(peer.run(65_535_000)).at - start == 65_535_000


@pytest.mark.parametrize(
    "setting, bad", [("keepalive_s", (-1, 65536)), ("user_timeout_s", (0, 65536))]
)
def test_seconds_that_the_row_cannot_hold_are_refused(peer, setting, bad):
    before = getattr(peer.conn, setting)
    for s in bad:
        with pytest.raises(ValueError, match="65535"):
            setattr(peer.conn, setting, s)
    assert getattr(peer.conn, setting) == before
    setattr(peer.conn, setting, 65535)
    assert getattr(peer.conn, setting) == 65535
