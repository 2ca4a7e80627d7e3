"""Routes: which handler gets a request, what it can read of it, and what becomes of its answer."""

import pytest
from lab.routed import Conn, answers, ask, request, routes
from uipy.source import Bytes
from uipy.web.held import HELP
from uipy.web.routes import Handler


def served(path, func, target=None, *fields, **more):
    """What a client gets that asks `target` of a site with this one route."""
    site, web = routes()
    web.route(path, func, methods=more.pop("methods", None))
    conn = Conn(site())
    answer = ask(conn, request(target or path.encode(), *fields, **more))
    answer.conn = conn
    return answer


def test_a_function_answers_with_text():
    answer = served("/on", lambda req: "grün")
    assert answer.status == 200 and answer.body == "grün".encode()
    assert answer.fields["content-type"] == "text/plain; charset=utf-8"
    assert not answer.conn.finishing


def test_pages_beside_routes_are_served_as_ever():
    site, web = routes()
    web.route("/on", lambda req: "on")
    conn = Conn(site())
    assert ask(conn, request(b"/")).body == b"<p>root</p>"
    assert ask(conn, request(b"/hello")).body == b"hello "
    assert ask(conn, request(b"/nothing")).status == 404


def test_a_path_parameter_is_read():
    def led(req):
        return "%s %d" % (req.arg("name"), req.number("n"))

    assert served("/led/{n:int}/{name}", led, b"/led/7/a%20b%2Fc").body == b"a b/c 7"


def test_the_rest_of_a_path_is_one_parameter():
    assert served("/files/{name:path}", lambda r: r.arg("name"), b"/files/a/b.txt").body == (
        b"a/b.txt"
    )


def test_a_handler_sees_the_fields_that_it_wants():
    class Want(Handler):
        fields = ("If-None-Match", "Range")

        def answer(self, req):
            return "%s|%s" % (req.field("If-None-Match"), req.field("Range", "none"))

    assert served("/x", Want(), None, b'IF-NONE-MATCH:  "a"').body == b'"a"|none'


def test_a_field_that_comes_twice_is_one_list():
    class Want(Handler):
        fields = ("If-None-Match", "X")

        def answer(self, req):
            return req.field("If-None-Match")

    more = (b'If-None-Match: "a"', b"X: y", b'If-None-Match: "b"')
    assert served("/x", Want(), None, *more).body == b'"a", "b"'


def test_an_answer_has_its_own_status_fields_and_source():
    class Part(Handler):
        def answer(self, req):
            req.add(b"Content-Range", b"bytes 0-4/9")
            req.answer.kind = b"text/x"
            req.answer.source = Bytes(b"01234")
            req.answer.size = 5
            return 206

    answer = served("/x", Part())
    assert answer.status == 206 and answer.body == b"01234"
    assert answer.fields["content-range"] == "bytes 0-4/9"
    assert answer.fields["content-type"] == "text/x"


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body_and_no_length(status):
    answer = served("/x", lambda req: status)
    assert answer.status == status and answer.body == b""
    assert "content-length" not in answer.fields


class Taker:
    """Gets a connection."""

    def __init__(self):
        self.calls = []
        self.conn = None

    def connected(self, conn):
        self.calls.append("connected")

    def received(self, conn, buf, start, n):
        self.calls.append(bytes(buf[start : start + n]))

    def acked(self, conn, n):
        self.calls.append("acked")

    def peer_closed(self, conn):
        self.calls.append("peer_closed")

    def poll(self, conn):
        self.calls.append("poll")

    def closed(self, conn, reason):
        self.calls.append(reason)


def test_a_connection_is_handed_over_behind_the_head():
    app = Taker()

    def upgrade(req):
        req.add(b"Connection", b"Upgrade")
        req.add(b"Upgrade", b"websocket")
        return req.hand_over(app)

    site, web = routes()
    web.route("/ws", upgrade)
    conn = Conn(site())
    conn.feed(request(b"/ws") + b"\x81\x80")
    head = conn.pump().take_sent()
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n")
    assert head.endswith(b"\r\n\r\n") and b"Content" not in head
    conn.feed(b"more")
    conn.app.poll(conn)
    conn.half_close()
    conn.reset()
    assert app.calls == [
        "connected",
        b"\x81\x80",
        "acked",
        b"more",
        "poll",
        "peer_closed",
        "reset",
    ]
    second = Conn(conn.app)
    assert ask(second, request(b"/")).status == 200


def test_405_names_the_methods_of_the_path():
    site, web = routes()
    web.route("/led/{n}", lambda req: "x", methods="PUT")
    web.route("/led/{n}", lambda req: "x", methods="GET")
    conn = Conn(site())
    answer = ask(conn, request(b"/led/1", method=b"DELETE"))
    assert answer.status == 405 and answer.fields["allow"] == "GET, HEAD, PUT, OPTIONS"


def test_a_handler_that_raises_is_a_500_and_the_stack_is_told():
    answer = served("/x", lambda req: 1 // 0)
    assert answer.status == 500 and answer.conn.fin
    assert isinstance(answer.conn.errors[0], ZeroDivisionError)


def test_head_is_get_without_the_body():
    site, web = routes()
    web.route("/x", lambda req: "hello")
    conn = Conn(site())
    answer = ask(conn, request(b"/x", method=b"HEAD"), "HEAD")
    assert answer.status == 200 and answer.fields["content-length"] == "5"
    assert answer.body == b"" and not conn.finishing


def test_requests_sent_ahead_are_answered_in_order():
    site, web = routes()
    web.route("/x/{n}", lambda req: req.arg("n"))
    conn = Conn(site())
    conn.feed(b"".join(request(t) for t in (b"/", b"/x/1", b"/x/2", b"/hello", b"/x/3", b"/no")))
    found = answers(conn)
    assert [a.body for a in found] == [b"<p>root</p>", b"1", b"2", b"hello ", b"3"] + [
        b"404 Not Found\n"
    ]


def test_counters_have_names_and_wrap():
    site, web = routes()
    web.route("/x", lambda req: 1 // 0, "PUT")
    web.stat[0] = 2**30 - 1
    web.stat[1] = 2**30 - 3
    for _ in range(2):
        ask(Conn(site()), request(b"/x", method=b"PUT", body=b"hello"))
    found = dict(web.counters())
    assert len(found) == len(HELP) == 7
    assert (found["web_requests"], found["web_body_octets"], found["web_failed"]) == (1, 7, 2)
