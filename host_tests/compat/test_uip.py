"""uIP's names (uipy/compat/uip.py), event by event on a virtual clock."""

import re
from pathlib import Path

import pytest
import uipy.compat.uip as uip
from lab import packets
from lab.packets import addr
from lab.pythons import run_unix
from lab.tcp import BOARD, PEER, Lab, Peer, datagram, mss, one
from uipy.compat import udp as compat_udp
from uipy.compat.psock import Psock
from uipy.compat.uip import Uip, uip_conn

EVENTS = ["connected", "newdata", "acked", "rexmit", "poll", "closed", "aborted", "timedout"]


class Call:
    """An appcall that notes the events, and does what `on[event]` says."""

    def __init__(self, **on):
        self.on, self.events, self.data = on, [], b""

    def __call__(self):
        for name in EVENTS:
            if getattr(uip, "uip_" + name)():
                self.events.append(name)
                if name == "newdata":
                    self.data += uip.uip_appdata()
                self.on.get(name, lambda: None)()


def board(call, **options):
    """A lab whose port 7 is that appcall's."""
    lab = Lab(listeners=0, udp=2)
    Uip(lab.stack, call, conns=1, **options)
    uip.uip_listen(7)
    return lab


def opened(call, **options):
    p = Peer(board(call, **options), wnd=8192)
    p.open(opts=mss(500))
    return p


def test_every_name_of_the_issue_is_there():
    names = "connected newdata acked rexmit poll closed aborted timedout send close abort stop"
    names += " restart listen unlisten connect mss conn datalen appdata"
    for name in names.split():
        assert callable(getattr(uip, "uip_" + name))
    for name in ["new", "bind", "remove", "send", "periodic_conn"]:
        assert callable(getattr(compat_udp, "uip_udp_" + name))
    spelled = re.findall(r"PSOCK_(\w+)", Psock.__doc__)
    for name in set(spelled) - {"INIT", "BEGIN", "END", "SEND_STR", "CLOSE_EXIT"}:
        assert hasattr(Psock, name.lower()), name


def test_connection_data_and_end_are_events():
    call = Call()
    p = opened(call)
    p.send("PA", b"hello")
    p.run(600)
    p.send("R")
    assert call.events == ["connected", "newdata", "poll", "aborted"] and call.data == b"hello"


def test_one_segment_is_in_flight_and_acked_asks_for_the_next():
    call = Call(connected=lambda: uip.uip_send(bytes(600)))
    call.on["acked"] = lambda: uip.uip_send(b"next")
    p = opened(call)
    first = one([s for s in p.after if s.data])
    assert len(first.data) == 500  # of 600: uip_mss()
    assert one(p.send("A")).data == b"next"


def test_no_poll_while_anything_is_unacknowledged():
    call = Call(connected=lambda: uip.uip_send(b"x"))
    p = opened(call)
    p.run(1900)
    assert "poll" not in call.events
    p.send("A")
    p.run(600)
    assert call.events.index("acked") < call.events.index("poll")


def test_rexmit_produces_the_octets_anew():
    made = []

    def make():
        made.append(bytearray(b"generated"))
        uip.uip_send(made[-1])

    call = Call(connected=make, rexmit=make)
    p = opened(call)
    made[0][:] = b"forgotten"
    assert one(p.run(1500)).data == b"generated" and len(made) == 2


def test_rexmit_of_a_segment_that_arrived_in_part_goes_on_where_it_ended():
    text = bytes(range(100))
    call = Call(connected=lambda: uip.uip_send(text), rexmit=lambda: uip.uip_send(bytes(text)))
    p = opened(call)
    p.send("A", ack=p.iss + 1 + 40)
    assert one(p.run(1500)).data == text[40:]


def test_rexmit_may_be_left_unanswered():
    call = Call(connected=lambda: uip.uip_send(b"kept"))
    p = opened(call)
    assert one(p.run(1500)).data == b"kept" and "rexmit" in call.events


def test_lost_patience_is_timedout():
    call = Call(connected=lambda: (uip.uip_send(b"x"), uip.uip_close()))
    p = opened(call)
    p.run(400_000)
    assert call.events[-1] == "timedout"


@pytest.mark.parametrize("auto", [False, True])
def test_peers_fin_closes_our_side_only_if_it_was_asked_for(auto):
    call = Call()
    p = opened(call, auto_close=auto)
    out = p.send("FA") + p.run(400)
    assert call.events[-1] == "closed"
    assert any("F" in s.flags for s in out) == auto
    assert p.lab.stack.tcp.conns[0].state_name == ("LAST-ACK" if auto else "CLOSE-WAIT")


def test_after_uip_closed_the_answer_can_still_be_sent():
    call = Call(closed=lambda: uip.uip_send(b"answer"), acked=uip.uip_close)
    p = opened(call)
    out = p.send("FA") + p.run(0)
    assert out[-1].data == b"answer"
    assert one(p.send("A"), "FA")
    p.send("A")
    assert p.lab.stack.tcp.conns[0].state_name == "CLOSED" and "aborted" not in call.events


def test_send_behind_close_is_ignored():
    call = Call(connected=lambda: (uip.uip_close(), uip.uip_send(b"late")))
    p = opened(call)
    assert p.after[-1].flags == "FA" and not p.lab.errors


def test_abort_resets():
    call = Call(newdata=uip.uip_abort)
    p = opened(call)
    assert (p.send("PA", b"x") + p.run(0))[-1].flags == "R" and call.events[-1] == "aborted"


def test_stop_takes_what_has_come_and_nothing_more_until_restart():
    call = Call(newdata=uip.uip_stop)
    p = opened(call)
    p.send("PA", b"one")
    assert uip.uip_stopped(p.lab.stack.tcp.conns[0].app)
    seq = p.seq
    p.send("PA", b"two")
    out = p.run(400)
    assert call.data == b"one" and (out or [one(p.send("PA", b"t", seq=seq))])[-1].ack == seq
    call.on = {"poll": uip.uip_restart}
    p.run(600)
    p.send("PA", b"two", seq=seq)
    assert call.data == b"onetwo"


def test_window_closes_after_stop_and_opens_after_restart():
    call = Call(newdata=uip.uip_stop)
    p = opened(call)
    p.send("PA", bytes(1460))
    out = p.run(400)
    assert out[-1].wnd == 5840 - 1460  # what was offered; the right edge never moves to the left
    call.on = {"poll": uip.uip_restart}
    assert p.run(700)[-1].wnd == 5840


def test_connect_is_an_event_of_the_same_appcall():
    call = Call()
    lab = board(call)
    c = uip.uip_connect(PEER, 80)
    c.appstate = "mine"
    syn = one(lab.run(0), "S")
    p = Peer(lab, port=80, to=syn.sport)
    p.ack = syn.end
    call.on["connected"] = lambda: call.events.append(uip_conn().appstate)
    p.send("SA")
    assert call.events == ["connected", "mine"] and c.rport == 80 and c.ripaddr == PEER


def test_refused_connect_is_aborted():
    call = Call()
    lab = board(call)
    uip.uip_connect(PEER, 80)
    syn = one(lab.run(0), "S")
    Peer(lab, port=80, to=syn.sport).send("RA", seq=0, ack=syn.end)
    assert call.events == ["aborted"]


def test_unlisten_refuses_and_leaves_the_connection():
    call = Call()
    p = opened(call)
    uip.uip_unlisten(7)
    one(Peer(p.lab, port=41000).send("S"), "RA")
    p.send("PA", b"still here")
    assert call.data == b"still here"


# UDP.


def udp(lab, data, sport, dport, src=PEER):
    body = packets.udp(src, BOARD, sport, dport, data)
    return lab.give(datagram(src, BOARD, 17, body))


def test_udp_connection_hears_its_peer_and_no_other():
    lab = board(Call())
    call = Call(newdata=lambda: compat_udp.uip_udp_send(b"re: " + uip.uip_appdata()))
    conn = compat_udp.uip_udp_new(PEER, 53, call)
    compat_udp.uip_udp_bind(conn, 1053)
    assert conn.lport == 1053
    assert not udp(lab, b"forged", 54, 1053) and not udp(lab, b"forged", 53, 1053, "10.0.0.3")
    out = one(udp(lab, b"hi", 53, 1053))
    assert out.dst == addr(PEER) and out.frame[28:] == b"re: hi"
    assert call.events == ["newdata"]


def test_udp_periodic_and_remove():
    lab = board(Call())
    call = Call(poll=lambda: compat_udp.uip_udp_send(b"question", 4))
    conn = compat_udp.uip_udp_new(PEER, 53, call)
    compat_udp.uip_udp_periodic_conn(conn)
    assert one(lab.run(0)).frame[28:] == b"ques"
    port = conn.lport
    compat_udp.uip_udp_remove(conn)
    out = one(udp(lab, b"hi", 53, port))
    assert out.proto == 1 and call.events == ["poll"]  # port unreachable


# Protosockets.


def protosocket(thread, size=10):
    """An appcall that runs one."""

    def appcall():
        if uip.uip_connected():
            appcall.s = Psock(size)
            appcall.s.start(thread(appcall.s))
        appcall.s.run()

    return appcall


def test_readbuf_waits_for_a_full_buffer_or_the_end():
    got = []

    def thread(s):
        while True:
            yield from s.readbuf()
            if not s.datalen():
                break
            got.append(s.data())
        s.close()

    p = opened(protosocket(thread, 4))
    p.send("PA", b"abcdef")
    assert got == [b"abcd"]
    p.send("PA", b"gh")
    assert got == [b"abcd", b"efgh"]
    out = p.send("FPA", b"i") + p.run(0)
    assert got[-1] == b"i" and "F" in out[-1].flags


def test_readto_stops_at_the_octet():
    got = []

    def thread(s):
        while not s.eof:
            yield from s.readto(10)
            got.append(s.data())

    p = opened(protosocket(thread))
    p.send("PA", b"one\ntwo\nlonger than ten\n")
    assert got == [b"one\n", b"two\n", b"longer tha", b"n ten\n"]


def test_generator_send_makes_the_segment_again_when_it_was_lost():
    made = []

    def make(arg):
        made.append(arg)
        return b"page %d" % arg

    def thread(s):
        yield from s.generator_send(make, 5)
        yield from s.send(b"end")
        s.close()

    p = opened(protosocket(thread))
    assert p.after[-1].data == b"page 5"
    assert one(p.run(1500)).data == b"page 5" and made == [5, 5]
    assert one(p.send("A")).data == b"end"
    assert one(p.send("A"), "FA")


def test_send_of_more_than_a_segment_goes_in_pieces():
    text = bytes(k % 251 for k in range(1700))

    def thread(s):
        yield from s.send(text)
        s.close()

    p = opened(protosocket(thread))
    got, out = b"", p.after
    while "F" not in out[-1].flags:
        got += one([s for s in out if s.data]).data
        out = p.send("A")
    assert got == text


def test_wait_until_and_newdata():
    said = []

    def thread(s):
        yield from s.wait_until(s.newdata)
        said.append("data")
        yield from s.wait_until(lambda: len(said) > 1)
        said.append("go")

    p = opened(protosocket(thread))
    p.run(1200)
    assert not said
    p.send("PA", b"x")
    said.append("set")
    p.run(600)
    assert said == ["data", "set", "go"]


def test_end_of_the_connection_ends_the_thread():
    p = opened(protosocket(lambda s: s.readto(10)))
    call = p.lab.stack.tcp.conns[0].app.uip.appcall
    p.send("R")
    assert call.s.thread is None


def test_on_micropython():
    out = run_unix(Path(__file__).with_name("board_uip.py"))
    assert out.split() == ["b'Hello", "Adam'", "stop", "0", "rexmit", "[3,", "3]"]
