"""Lines over TCP for callbacks (uipy/lines.py)."""

import pytest
from lab.tcp import Lab, Log, Peer
from uipy import NotConnected, TableFull
from uipy.lines import Lines


class Server(Lines):
    """Notes what it is told, and does what the line says."""

    longest = 20
    ahead = 44
    replies = 64

    def __init__(self):
        Lines.__init__(self)
        self.got, self.events, self.reasons = [], [], []

    def connected(self, conn):
        Lines.connected(self, conn)
        self.c = conn
        Log.births += 1
        self.born = Log.births
        self.events.append("connected")

    def line(self, conn, text):
        self.got.append(text)
        word, _, rest = text.partition(" ")
        if word == "say":
            self.say(rest)
        elif word == "quit":
            self.say("bye")
            self.bye()
        elif word == "leave":
            self.bye()
        elif word in ("close", "abort", "shutdown"):
            getattr(conn, word)()
        elif word == "fail":
            raise ValueError("oh")

    def closed(self, conn, reason):
        self.reasons.append(reason)


@pytest.fixture
def lab():
    made = Lab(app=Server)
    yield made
    assert not made.errors, made.errors


@pytest.fixture
def peer(lab):
    p = Peer(lab)
    p.open()
    return p


def data(segs):
    return b"".join(s.data for s in segs)


def flags(segs):
    return "".join(s.flags for s in segs)


def test_a_line_is_given_without_its_end(lab, peer):
    peer.send("A", b"one\r\ntwo\n")
    assert lab.app.got == ["one", "two"]


def test_a_line_may_come_octet_by_octet(lab, peer):
    for octet in b"hello\r\n":
        assert not lab.app.got
        peer.send("A", bytes([octet]))
    assert lab.app.got == ["hello"]


def test_an_empty_line_is_a_line(lab, peer):
    peer.send("A", b"\r\n\n")
    assert lab.app.got == ["", ""]


def test_a_cr_elsewhere_belongs_to_the_line(lab, peer):
    peer.send("A", b"a\rb\r\r\n")
    assert lab.app.got == ["a\rb\r"]


def test_utf8_comes_as_text_and_other_octets_one_by_one(lab, peer):
    peer.send("A", "\u00fcber\n".encode() + b"\xfcber\n")
    assert lab.app.got == ["\u00fcber", "\u00fcber"]


def test_an_answer_goes_out_with_crlf(lab, peer):
    assert data(peer.send("A", b"say hello\n")) == b"hello\r\n"


def test_several_answers_to_one_packet_are_one_segment(lab, peer):
    out = peer.send("A", b"say a\nsay b\nsay c\n")
    assert [s.data for s in out] == [b"a\r\nb\r\nc\r\n"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_longest_line_is_given_and_one_more_octet_is_too_long(lab, peer, end):
    peer.send("A", b"x" * 20 + end)
    assert lab.app.got == ["x" * 20]
    assert data(peer.send("A", b"y" * 21 + end)) == b"a line has 20 octets at most\r\n"
    peer.acks()
    peer.send("A", b"z" + end)
    assert lab.app.got == ["x" * 20, "z"]


def test_of_a_line_that_never_ends_all_is_dropped_and_it_is_told_once(lab, peer):
    said = b""
    for _ in range(50):
        said += data(peer.send("A", b"y" * 30))
        said += data(peer.acks())
    assert said == b"a line has 20 octets at most\r\n" and not lab.app.got
    peer.send("A", b"yyy\nnext\n")
    assert lab.app.got == ["next"]


def test_what_stands_before_a_fin_is_a_line_and_the_answer_comes_before_ours(lab, peer):
    out = peer.send("FA", b"say last")
    assert lab.app.got == ["say last"]
    assert data(out) == b"last\r\n" and "F" in flags(out)
    peer.acks()
    assert lab.app.reasons == [] or lab.app.reasons == ["done"]
    assert peer.state == "CLOSED"


def test_a_query_with_an_early_fin_may_be_answered_late(lab):
    class Late(Server):
        def no_more(self, conn):
            self.got.append("no more")

    lab = Lab(app=Late)
    peer = Peer(lab)
    peer.open()
    assert not data(peer.send("FA", b"how many?\n"))
    assert lab.app.got == ["how many?", "no more"] and peer.state == "CLOSE-WAIT"
    lab.app.say("42")
    assert data(peer.run(0)) == b"42\r\n"
    lab.app.bye()
    peer.acks()
    assert "F" in flags(peer.run(100)) or peer.state == "LAST-ACK"


def test_after_bye_no_line_is_given_and_the_fin_comes_with_the_answer(lab, peer):
    out = peer.send("A", b"quit\nsay more\n")
    assert data(out) == b"bye\r\n" and "F" in flags(out)
    assert lab.app.got == ["quit"]
    peer.send("A", b"say again\n", ack=peer.iss + 1)  # it has not seen our answer yet
    assert lab.app.got == ["quit"] and not lab.app.reasons
    peer.send("FA")
    assert lab.app.got == ["quit"] and lab.app.reasons == ["done"]


def test_what_comes_when_the_last_answer_has_arrived_earns_a_rst(lab, peer):
    peer.send("A", b"quit\n")
    peer.acks()
    assert "R" in flags(peer.send("A", b"say more\n")) and lab.app.reasons == ["unread"]


def test_bye_without_an_answer_sends_the_fin_at_once(lab, peer):
    assert "F" in flags(peer.send("A", b"leave\n"))
    peer.send("FA")
    assert lab.app.reasons == ["done"]


def test_a_peer_that_does_not_close_is_left_alone_after_bye(lab, peer):
    peer.send("A", b"quit\n")
    peer.acks()
    assert peer.state == "FIN-WAIT-2"
    peer.run(120_000)
    assert lab.app.reasons == ["done"]  # FIN-WAIT-2 with nobody who reads has an end


@pytest.mark.parametrize("word", ["close", "shutdown"])
def test_close_and_shutdown_in_a_line_send_the_fin_behind_what_was_said(lab, peer, word):
    out = peer.send("A", b"say x\n%s\nsay no\n" % word.encode())
    assert data(out) == b"x\r\n" and "F" in flags(out)
    assert lab.app.got == ["say x", word]


def test_abort_in_a_line_resets(lab, peer):
    out = peer.send("A", b"abort\nsay no\n")
    assert "R" in flags(out) and lab.app.got == ["abort"]
    assert lab.app.reasons == ["aborted"]


def test_a_line_that_raises_loses_its_connection(lab, peer):
    out = peer.send("A", b"fail\nsay no\n")
    assert "R" in flags(out) and lab.app.reasons == ["error"]
    assert [str(exc) for exc in lab.errors] == ["oh"]
    lab.errors.clear()


def test_a_peer_that_reads_no_answers_is_given_no_more_and_nothing_is_lost(lab, peer):
    text = b"".join(b"say %02d 45678\n" % k for k in range(40))
    start, base, said = peer.seq, peer.ack, bytearray(1000)

    def send(n, **fields):
        """n octets from where the board has taken everything; how far it has now."""
        at = send.at
        out = peer.send("A", text[at : at + n], seq=start + at, **fields) + peer.run(500)
        for s in out:
            send.at = max(send.at, (s.ack - start) % 2**32)
            rel = (s.seq - base) % 2**32
            said[rel : rel + len(s.data)] = s.data
        return send.at

    send.at = 0
    held = send(len(text), ack=base)  # all at once, and it acknowledges no answer
    app = lab.app
    assert len(app.got) == 4 and app.tx.room < 32  # of 64: half is for one line's answers
    assert app.rx.room == 0 and held == 4 * 13 + 44
    assert send(20, ack=base) == held and len(app.got) == 4
    for _ in range(100):  # now it does
        send(20)
    assert app.got == [line.decode() for line in text.splitlines()]
    assert bytes(said).rstrip(b"\0") == b"".join(b"%02d 45678\r\n" % k for k in range(40))


def test_more_than_the_ring_holds_is_refused_as_a_whole(lab, peer):
    with pytest.raises(TableFull, match="replies"):
        lab.app.say("x" * 63)
    lab.app.say("x" * 62)
    assert data(peer.run(0)) == b"x" * 62 + b"\r\n"


def test_say_works_from_a_timer_and_from_outside(lab, peer):
    lab.app.say("outside")
    assert data(peer.run(0)) == b"outside\r\n"
    peer.acks()
    lab.stack.after(100, lambda: lab.app.say("timer"))
    assert data(peer.run(100)) == b"timer\r\n"


def test_say_to_nobody_is_not_connected(lab, peer):
    app = lab.app
    with pytest.raises(NotConnected):
        Server().say("x")
    peer.send("RA")
    assert app.reasons == ["reset"]
    with pytest.raises(NotConnected):
        app.say("x")
    app.bye()


def test_the_next_connection_finds_nothing_of_the_one_before(lab):
    lab = Lab(app=Server, listeners=1)
    peer = Peer(lab)
    peer.open()
    peer.send("A", b"y" * 30 + b"half")
    peer.send("RA")
    other = Peer(lab, port=40001)
    other.open()
    assert data(other.send("A", b"say new\n")) == b"new\r\n"


def test_two_clients_do_not_hear_each_other(lab, peer):
    other = Peer(lab, port=40001)
    other.open()
    peer.send("A", b"say o")
    assert data(other.send("A", b"say two\n")) == b"two\r\n"
    assert data(peer.send("A", b"ne\n")) == b"one\r\n"
