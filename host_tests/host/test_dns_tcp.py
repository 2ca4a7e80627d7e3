"""A truncated reply is asked for again by TCP: the question and our FIN are one segment."""

import pytest
from host.dns_server import NAME, Lab, Question, lower, message, rr
from uipy import App

rfc = pytest.mark.rfc

TRUNCATED = 0x8380
MANY = ["192.0.2.%d" % k for k in range(1, 101)]


@pytest.fixture
def lab(wire):
    return Lab(wire, room=1000, stack={"tcp": 2})


def truncated(lab, *answers):
    """Asks, and gets no more than a part of the answer; returns the question."""
    q = lab.question()
    lab.server.reply(q, *answers, flags=TRUNCATED)
    return q


def dialled(lab):
    """The server takes the connection that the board opens; the segments that come then."""
    server = lab.server
    syn = server.expect("S", dport=53)
    server.port, server.to = 53, syn.tcp.sport
    server.seg("SA", opts={"mss": 1460})
    return [f.tcp for f in server.heard if f.tcp]


def asked(lab):
    """The question that came by TCP."""
    last = dialled(lab)[-1]
    lab.server.heard.clear()
    assert int.from_bytes(last.data[:2], "big") == len(last.data) - 2
    frame = type("Frame", (), {"at": 0, "udp": None})
    return Question(frame, last.data[2:])


def answer(q, *answers, **more):
    data = message(q.number, q.section, answers, **more)
    return len(data).to_bytes(2, "big") + data


@rfc("1035 4.2.2-1", "7766 6.2.1-1", "7766 6.2.2-1", "7766 6.2.3-1", "7766 8-1")
def test_the_question_the_ack_and_our_fin_are_one_segment(lab):
    first = truncated(lab)
    segments = dialled(lab)
    assert [s.flags for s in segments] == ["FPA"]
    q = Question(type("Frame", (), {"at": 0, "udp": None}), segments[0].data[2:])
    assert (q.name, q.kind, q.flags) == (first.name, 1, 0x0100)
    assert [c.state_name for c in lab.stack.tcp.conns if c.state] == ["FIN-WAIT-1"]


@rfc("7766 5-1", "7766 5-2")
def test_the_answer_is_read_in_fin_wait_2_and_time_wait_is_ours(lab):
    truncated(lab)
    q = asked(lab)
    lab.server.seg("A")
    assert [c.state_name for c in lab.stack.tcp.conns if c.state] == ["FIN-WAIT-2"]
    data = answer(q, *[rr(b"\xc0\x0c", "A", ip) for ip in MANY])
    lab.server.seg("A", data=data[:700])
    assert lab.told.errors == []
    lab.server.seg("PA", data=data[700:])
    assert lab.told.records == [MANY] and lab.count("tcp") == 1
    lab.server.seg("FA")
    lab.server.expect("A")
    lab.server.heard.clear()
    lab.wire.run(100)
    assert not any(c.state for c in lab.stack.tcp.conns)
    assert lab.stack.tcp.wait.used() == 1
    assert lab.settled()
    lab.server.nothing()


def test_the_answer_may_come_with_the_servers_fin(lab):
    truncated(lab)
    q = asked(lab)
    lab.server.seg("FPA", data=answer(q, rr(NAME, "A", "192.0.2.1")))
    assert lab.told.records == [["192.0.2.1"]]
    lab.wire.run(100)
    assert not any(c.state for c in lab.stack.tcp.conns)


@rfc("1035 4.2.2-1")
def test_the_answer_may_come_octet_by_octet(lab):
    truncated(lab)
    q = asked(lab)
    for octet in answer(q, rr(NAME, "A", "192.0.2.1")):
        assert lab.told.errors == []
        lab.server.seg("A", data=bytes([octet]))
    assert lab.told.records == [["192.0.2.1"]]


def test_a_connection_whose_server_never_closes_ends_by_itself(lab):
    truncated(lab)
    q = asked(lab)
    lab.server.seg("A", data=answer(q, rr(NAME, "A", "192.0.2.1")))
    assert any(c.state for c in lab.stack.tcp.conns)
    lab.wire.run(130_000)
    assert not any(c.state for c in lab.stack.tcp.conns)


@rfc("1035 7.4-1")
def test_a_server_without_tcp_leaves_the_part_that_there_is(lab):
    truncated(lab, rr(NAME, "A", "192.0.2.1"))
    cut = []
    lab.told.then = lambda a: cut.append(a.cut)
    syn = lab.server.expect("S")
    lab.server.port, lab.server.to = 53, syn.tcp.sport
    lab.server.seg("RA", ack=syn.tcp.end)
    assert lab.told.records == [["192.0.2.1"]] and cut == [True]
    assert lab.question()  # which is not kept


def test_a_server_without_tcp_and_without_a_part_is_passed_over(wire):
    lab = Lab(wire, servers=2, stack={"tcp": 2})
    truncated(lab)
    syn = lab.server.expect("S")
    lab.server.port, lab.server.to = 53, syn.tcp.sport
    lab.server.seg("RA", ack=syn.tcp.end)
    assert len(lab.servers[1].asked()) == 1


@rfc("7766 6.2.3-1")
def test_a_connection_that_is_silent_is_given_up_after_10_seconds(wire):
    lab = Lab(wire, servers=2, stack={"tcp": 2})
    truncated(lab)
    dialled(lab)
    lab.server.heard.clear()
    lab.wire.run(9_900)
    assert not lab.servers[1].asked()
    lab.wire.run(200)
    assert len(lab.servers[1].asked()) == 1
    assert not any(c.state for c in lab.stack.tcp.conns)


@rfc("7766 6.2.4-1", "7766 7-2")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],  # the end is missing
        lambda data: data[:3] + b"\xff\xff" + data[5:],  # another number
        lambda data: b"\0\5" + data[2:],  # the length is a lie
        lambda data: b"",
        lambda data: data[:4] + b"\x83\x80" + data[6:],  # truncated, by TCP
    ],
)
def test_nonsense_by_tcp_is_counted_and_the_next_server_is_asked(wire, spoil):
    lab = Lab(wire, servers=2, stack={"tcp": 2})
    truncated(lab)
    q = asked(lab)
    lab.server.seg("FPA", data=spoil(answer(q, rr(NAME, "A", "192.0.2.1"))))
    assert lab.told.errors == []
    assert len(lab.servers[1].asked()) == 1


@rfc("7766 7-3")
@pytest.mark.parametrize("at", [-1, -3, 2])
def test_another_question_by_tcp_is_no_answer(wire, at):
    """Another class, type, name."""
    lab = Lab(wire, servers=2, stack={"tcp": 2})
    truncated(lab)
    q = asked(lab)
    section = bytearray(q.section)
    section[at] ^= 1
    data = message(q.number, bytes(section), [rr(q.asked, "A", "192.0.2.1")])
    lab.server.seg("FPA", data=len(data).to_bytes(2, "big") + data)
    assert lab.told.errors == [] and lab.count("stray") == 1
    assert len(lab.servers[1].asked()) == 1


def test_of_a_longer_answer_than_2_kb_the_beginning_is_taken(wire):
    lab = Lab(wire, room=4000, stack={"tcp": 2})
    truncated(lab)
    q = asked(lab)
    cut = []
    lab.told.then = lambda a: cut.append(a.cut)
    data = answer(q, *[rr(b"\xc0\x0c", "A", "192.0.2.%d" % (k % 250)) for k in range(500)])
    for at in range(0, 2800, 1400):
        lab.server.seg("A", data=data[at : at + 1400])
    assert cut == [True] and 120 < len(lab.told.records[0]) < 128


@rfc("7766 6.2.2-1")
def test_a_cancelled_question_takes_its_connection_with_it(lab):
    ticket = lab.ask()
    lab.server.reply(lab.server.one(), flags=TRUNCATED)
    dialled(lab)
    lab.server.heard.clear()
    lab.r.cancel(ticket)
    lab.wire.settle()
    assert "R" in lab.server.heard[-1].tcp.flags
    assert lab.settled() and not any(c.state for c in lab.stack.tcp.conns)


def test_a_full_table_of_connections_is_said(wire):
    lab = Lab(wire, stack={"tcp": 1})
    lab.stack.connect(App(), "192.168.1.9", 80)
    for _ in range(3):
        lab.server.reply(lab.server.one() if lab.told.errors else question(lab), flags=TRUNCATED)
        lab.wire.run(10)
    assert lab.told.errors == ["no free port"]


def question(lab):
    found = lab.server.asked()
    return found[-1] if found else lab.question()


def test_without_tcp_the_part_is_the_answer(wire):
    lab = Lab(wire)
    truncated(lab, rr(NAME, "A", "192.0.2.1"))
    assert lab.told.records == [["192.0.2.1"]]
    lab.told.errors.clear()
    for _ in range(3):
        lab.server.reply(question(lab), flags=TRUNCATED)
    assert lab.told.errors == ["truncated"]


def test_a_server_that_changes_letters_is_asked_by_tcp(lab):
    q = lab.question("wwwwwwwwwwwwwwwwwwwwwww.example.org")
    lab.server.say(q, lower(q))
    assert lab.told.errors == []
    q = asked(lab)
    data = lower(q)
    lab.server.seg("FPA", data=len(data).to_bytes(2, "big") + data)
    assert lab.told.records == [["192.0.2.1"]]


def test_without_memory_for_the_buffer_the_part_is_the_answer(lab, monkeypatch):
    def full(*args):
        raise MemoryError

    monkeypatch.setattr("uipy.host.dns_tcp.Talk.__init__", full)
    truncated(lab, rr(NAME, "A", "192.0.2.1"))
    assert lab.told.records == [["192.0.2.1"]]
