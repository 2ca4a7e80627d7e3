"""CLOSE-WAIT: the peer has closed its side; ours stays open for as long as the application wants
(RFC 9293 3.6, case 2)."""

import pytest
from lab.tcp import Lab, Peer, is_ack, is_reset, mss, one
from uipy import Bytes

rfc = pytest.mark.rfc


def test_data_can_be_sent_for_as_long_as_the_application_likes(close_wait):
    text = bytes(range(250)) * 8
    got = b""
    for _ in range(5):
        close_wait.run(600_000)
        close_wait.conn.send(Bytes(text))
        for _ in range(6):
            got += b"".join(s.data for s in close_wait.run(0))
            close_wait.send("A")
    assert got == text * 5 and close_wait.state == "CLOSE-WAIT"


def test_shutdown_leads_to_last_ack(close_wait):
    close_wait.conn.shutdown()
    assert one(close_wait.run(0), "FA").ack == close_wait.seq
    assert close_wait.state == "LAST-ACK"


def test_last_data_carries_the_fin(close_wait):
    close_wait.conn.finish(Bytes(b"answer"))
    s = one(close_wait.run(0), "FPA")
    assert s.data == b"answer" and close_wait.state == "LAST-ACK"


def test_fin_again_is_acknowledged_again_and_told_once(close_wait, lab):
    assert is_ack(one(close_wait.send("FA", seq=close_wait.seq - 1)), close_wait)
    assert lab.app.said("peer_closed") == [None] and close_wait.state == "CLOSE-WAIT"


def test_text_behind_the_fin_is_ignored(close_wait, lab):
    close_wait.send("PA", b"beyond the end", seq=close_wait.seq)
    close_wait.run(500)
    assert lab.app.data == b"" and close_wait.state == "CLOSE-WAIT"


def test_urgent_pointer_behind_the_fin_is_ignored(close_wait, lab):
    close_wait.send("UA", up=10)
    assert not lab.app.said("urgent")


def test_acks_and_windows_are_still_heeded(close_wait, lab):
    close_wait.send("A", wnd=2000)
    close_wait.conn.send(Bytes(bytes(5000)))
    assert sum(s.len for s in close_wait.run(0)) == 2000
    close_wait.send("A", wnd=3000)
    assert sum(lab.app.said("acked")) == 2000


def test_lost_data_is_sent_again(close_wait):
    close_wait.conn.send(Bytes(b"answer"))
    a = one(close_wait.run(0))
    b = one(close_wait.run(1000))
    assert (a.seq, a.data) == (b.seq, b.data)


@rfc("9293 MUST-12")
def test_rst_ends_it(close_wait, lab):
    assert not close_wait.send("R")
    assert lab.app.said("closed") == ["reset"]


# The essay's story: the client is long gone, and its port is used again (RFC 9293 3.5.1, figure 9;
# RFC 5961 4).


def reuse(stale, isn):
    """A new client on the old one's port: SYN, and what RFC 9293 says about the answers. Returns
    the new peer."""
    new = Peer(stale.lab, isn=isn)
    one(new.send("S", opts=mss(1000)))
    return new


@rfc("5961 4.2-1", "5961 4.2-3")
@pytest.mark.parametrize("inside", [False, True])
def test_port_reuse_challenge_reset_and_the_retried_syn_connects(close_wait, lab, inside):
    old = lab.app
    isn = (close_wait.seq + 100 if inside else close_wait.seq + 0x30000000) % 2**32
    new = Peer(lab, isn=isn)
    challenge = one(new.send("S", seq=isn), "A")
    assert is_ack(challenge, close_wait) and challenge.seq == close_wait.ack
    assert close_wait.state == "CLOSE-WAIT"
    assert not new.send("R", seq=challenge.ack)
    assert old.said("closed") == ["reset"]
    new.open()
    assert new.state == "ESTABLISHED"


@rfc("5961 4.2-1")
def test_port_reuse_survives_a_lost_challenge_ack_and_a_lost_rst(close_wait, lab):
    """The client's SYN is sent again after a second; each time it meets the challenge, until the
    RST arrives."""
    isn = close_wait.seq + 0x30000000
    for lost in ("challenge", "rst", None):
        new = Peer(lab, isn=isn)
        challenge = one(new.send("S", seq=isn), "A")
        if lost:
            close_wait.run(1000)
    new.send("R", seq=challenge.ack)
    new.open()
    assert new.state == "ESTABLISHED"


def test_peer_that_is_gone_is_found_by_keep_alive(close_wait, lab):
    app = lab.app
    close_wait.conn.keepalive_s = 60
    out = close_wait.run(60_000)
    assert out and not out[-1].data
    assert not close_wait.send("R", seq=out[-1].ack)
    assert app.said("closed") == ["reset"]


def test_listener_with_an_idle_limit_finds_a_forgotten_close_wait():
    lab = Lab(listen={"idle_ms": 60_000})
    p = Peer(lab)
    p.open()
    app = lab.app
    p.send("FA")
    p.run(59_000)
    assert not app.said("closed")
    out = p.run(5000)
    assert app.said("closed") == ["idle"] and "R" in out[-1].flags
    is_reset(one(p.send("A")), p.ack)
