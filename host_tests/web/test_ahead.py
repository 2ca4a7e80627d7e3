"""Requests with bodies behind others: their order, what is kept of them, and the window."""

import pytest
from lab.routed import Conn, answers, ask, chunked, request, routes
from uipy.apps.site import View

BODY = bytes(range(256)) * 10


class Log:
    """What happened on the board, in its order."""

    def __init__(self):
        self.site, self.web = routes()
        self.done = []
        self.web.route("/put/{n}", self.put, "PUT", limit=4000)
        self.web.route("/get/{n}", self.get)
        log = self.done

        class Shown(View):
            need = 1

            def note(self, snap):
                log.append("view")

            def write(self, out, snap):
                out.put(b"shown " * 500)

        self.site.add("/view", Shown())

    def put(self, req):
        self.done.append("put %s %d" % (req.arg("n"), req.size))
        return req.body[: req.size]

    def get(self, req):
        self.done.append("get " + req.arg("n"))
        return "got"


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def conn(log):
    return Conn(log.site())


def put(n, body=BODY, *fields):
    return request(b"/put/%d" % n, *fields, method=b"PUT", body=body)


FLIGHT = request(b"/view") + put(1) + request(b"/get/2") + request(b"/view") + put(3, b"x" * 99)
DONE = ["view", "put 1 2560", "get 2", "view", "put 3 99"]


def flight_is_answered(conn, log):
    found = answers(conn)
    bodies = [b"shown " * 500, BODY, b"got", b"shown " * 500, b"x" * 99]
    assert [a.status for a in found] == [200] * 5 and [a.body for a in found] == bodies
    assert log.done == DONE


def test_a_body_behind_another_request_is_taken_at_once(conn, log):
    assert conn.feed(FLIGHT) == b""
    flight_is_answered(conn, log)
    assert not conn.finishing and conn.room == 5840


@pytest.mark.parametrize("n", [1, 13, 536, 1460])
def test_requests_with_bodies_may_come_in_pieces(conn, log, n):
    for i in range(0, len(FLIGHT), n):
        assert conn.feed(FLIGHT[i : i + n]) == b""
    flight_is_answered(conn, log)


def test_chunked_bodies_too(conn, log):
    text = request(b"/put/1", b"Transfer-Encoding: chunked", method=b"PUT") + chunked(BODY, 99)
    assert conn.feed(request(b"/view") + text + text + request(b"/get/5")) == b""
    assert [a.body for a in answers(conn)][1:] == [BODY, BODY, b"got"]


def test_what_is_done_has_the_order_in_which_it_was_sent(conn, log):
    """RFC 9112 9.3.2: a request that is not safe is not done before those ahead of it."""
    conn.feed(request(b"/view") + request(b"/view") + put(1))
    assert log.done == ["view"]
    conn.pump()
    assert log.done == ["view", "view", "put 1 2560"]


def test_the_window_follows_the_room_of_the_buffer(conn, log):
    conn.feed(request(b"/view") + put(1)[:1000])
    head = put(1).index(b"\r\n\r\n") + 4
    assert conn.room == 5840 - (1000 - head)
    conn.feed(put(1)[1000:])
    assert conn.room == 5840 - len(BODY)
    conn.pump()
    assert conn.room == 5840


def test_what_finds_no_room_is_left_to_be_sent_again(log):
    log.web.held.buf = bytearray(100)
    conn = Conn(log.site())
    rest = conn.feed(FLIGHT)
    assert rest == FLIGHT[-len(rest) :] and rest
    assert dict(log.web.counters())["web_left_octets"] == len(rest)
    sent = b""
    while rest:
        sent += conn.pump().take_sent()
        rest = conn.feed(rest)
    conn.sent = sent + conn.sent
    flight_is_answered(conn, log)


def test_one_connection_has_the_buffer_and_the_others_lose_nothing(log):
    first, second = Conn(log.site()), Conn(log.site())
    assert first.feed(request(b"/view") + put(1)) == b""
    rest = second.feed(request(b"/view") + put(2))
    assert len(rest) == len(BODY) and second.room == 0
    assert [a.body for a in answers(first)][1:] == [BODY]
    second.sent = second.pump().take_sent()
    assert second.feed(rest) == b""
    assert [a.body for a in answers(second)][1:] == [BODY]


def test_who_is_reset_gives_the_buffer_back(log):
    first, second = Conn(log.site()), Conn(log.site())
    first.feed(request(b"/view") + put(1))
    first.reset()
    assert second.feed(request(b"/view") + put(2)) == b""
    assert [a.body for a in answers(second)][1:] == [BODY]
    assert log.done == ["view", "view", "put 2 2560"]


def test_a_client_that_shuts_its_side_gets_all_that_it_asked_for(conn, log):
    conn.feed(FLIGHT)
    conn.half_close()
    flight_is_answered(conn, log)
    assert conn.fin


def test_a_client_that_shuts_its_side_in_a_body_that_waits_gets_a_400(conn, log):
    conn.feed(request(b"/view") + put(1)[:-1])
    conn.half_close()
    assert [a.status for a in answers(conn)] == [200, 400] and conn.fin


def test_a_client_that_shuts_its_side_behind_the_head_of_a_body_gets_a_400(conn, log):
    conn.feed(request(b"/view") + put(1, b"x")[:-1])
    conn.half_close()
    assert [a.status for a in answers(conn)] == [200, 400] and conn.fin


def test_behind_the_last_request_everything_is_thrown_away(conn, log):
    conn.feed(request(b"/view") + put(1, BODY, b"Connection: close") + request(b"/get/1") + put(2))
    found = answers(conn)
    assert [a.body for a in found][1:] == [BODY] and conn.fin and not conn.deaf
    assert found[1].fields["connection"] == "close"
    assert log.done == ["view", "put 1 2560"]
    assert conn.feed(b"more" * 1000) == b""


def test_a_body_that_is_refused_is_not_taken_for_requests(conn, log):
    smuggled = request(b"/get/66")
    text = request(b"/put/1", b"Content-Length: 5000", method=b"PUT") + smuggled * 9
    conn.feed(request(b"/view") + text)
    assert [a.status for a in answers(conn)] == [200, 413] and conn.fin
    assert log.done == ["view"]


def test_a_connection_handed_over_gets_what_was_held(log):
    got = []

    class Guest:
        conn = None

        def connected(self, conn, _=0):
            pass

        def received(self, conn, buf, start, n):
            got.append(bytes(buf[start : start + n]))
            return n

        acked = closed = connected

    log.web.route("/ws", lambda req: req.hand_over(Guest()))
    conn = Conn(log.site())
    conn.feed(request(b"/view") + request(b"/ws") + b"frames")
    conn.pump()
    conn.feed(b"more")
    assert got == [b"frames", b"more"]


def test_many_routes_ahead(conn, log):
    text = b"".join(request(b"/get/%d" % n) for n in range(50))
    assert conn.feed(text) == b""
    assert len(answers(conn)) == 50 and log.done == ["get %d" % n for n in range(50)]
    assert ask(conn, request(b"/")).status == 200


def test_a_full_queue_of_pages_still_closes(conn):
    assert conn.feed(request(b"/nothing") * 120) == b""
    found = answers(conn)
    assert [a.status for a in found] == [404] * 97 and conn.fin
