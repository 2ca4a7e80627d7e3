"""Connections in each state, one grown from another over the wire."""

import pytest
from lab.tcp import Lab, Peer, one
from uipy import Bytes


@pytest.fixture
def lab():
    return Lab()


@pytest.fixture
def peer(lab):
    """A peer whose handshake is complete: the board is in ESTABLISHED and has sent nothing."""
    p = Peer(lab)
    p.open()
    assert p.state == "ESTABLISHED"
    return p


@pytest.fixture
def syn_received(lab):
    """The board has answered a SYN."""
    p = Peer(lab)
    p.syn_ack = one(p.send("S"), "SA")
    p.iss = p.syn_ack.seq
    return p


@pytest.fixture
def fin_wait_1(peer):
    """The board's FIN is out and not acknowledged; its application reads on."""
    peer.conn.shutdown()
    peer.fin = one(peer.run(0), "FA")
    assert peer.state == "FIN-WAIT-1"
    return peer


@pytest.fixture
def fin_wait_2(fin_wait_1):
    """The board's FIN is acknowledged."""
    fin_wait_1.send("A")
    assert fin_wait_1.state == "FIN-WAIT-2"
    return fin_wait_1


@pytest.fixture
def close_wait(peer):
    """The peer's FIN is acknowledged; the board's application has not closed."""
    one(peer.send("FA"), "A")
    assert peer.state == "CLOSE-WAIT"
    return peer


@pytest.fixture
def last_ack(close_wait):
    """The board's FIN is out, behind the peer's."""
    close_wait.conn.shutdown()
    close_wait.fin = one(close_wait.run(0), "FA")
    assert close_wait.state == "LAST-ACK"
    return close_wait


@pytest.fixture
def closing(fin_wait_1):
    """Both FINs crossed."""
    p = fin_wait_1
    one(p.send("FA", ack=p.fin.seq), "A")
    assert p.state == "CLOSING"
    return p


@pytest.fixture
def time_wait(fin_wait_2):
    """The board closed first, and has acknowledged the peer's FIN."""
    p = fin_wait_2
    p.app = p.lab.app
    one(p.send("FA"), "A")
    assert p.app.said("closed") == ["done"]
    return p


@pytest.fixture
def bulk(lab):
    """A peer to whom the board sends 100 000 octets: the initial window is out. MSS 1000."""
    p = Peer(lab, wnd=60000)
    p.open()
    p.text = bytes(i * 7 % 251 for i in range(100_000))
    p.conn.send(Bytes(p.text))
    p.flight = p.run(0)
    assert len(p.flight) >= 2
    return p
