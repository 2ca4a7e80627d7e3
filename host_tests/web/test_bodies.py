"""Bodies of requests: Content-Length and chunked, limits, Expect, and what must be refused."""

import pytest
from lab.routed import Conn, answers, ask, chunked, request, routes
from uipy.web.routes import Handler

TEXT = bytes(range(256)) * 3


class Sink(Handler):
    """Takes a body piece by piece, `most` octets at a time."""

    methods = "POST PUT"
    kept = False
    limit = 5000

    def __init__(self):
        self.got = b""
        self.calls = []
        self.most = 1 << 20

    def begin(self, req):
        self.calls.append("begin")
        self.got = b""

    def received(self, req, buf, start, n):
        n = min(n, self.most)
        self.got += bytes(buf[start : start + n])
        return n

    def answer(self, req):
        self.calls.append("answer")
        return "%d" % len(self.got)

    def ended(self, req):
        self.calls.append("ended")


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def site(sink):
    site, web = routes()
    web.route("/sink", sink)
    web.route("/text", lambda req: req.text().upper(), "POST", limit=1000)
    web.route("/small", lambda req: req.text(), "PUT", limit=4)
    web.route("/none", lambda req: "none", "DELETE", limit=0)
    site.web = web
    return site


@pytest.fixture
def conn(site):
    return Conn(site())


def post(path=b"/sink", *fields, body=None, method=b"POST", **more):
    return request(path, *fields, method=method, body=body, **more)


CHUNKED = b"Transfer-Encoding: chunked"


# What is read


def test_a_body_with_a_length_is_streamed_to_its_handler(conn, sink):
    answer = ask(conn, post(body=TEXT))
    assert answer.status == 200 and answer.body == b"768" and sink.got == TEXT
    assert sink.calls == ["begin", "answer", "ended"] and not conn.finishing


def test_a_body_that_is_kept_is_the_text_of_the_request(conn):
    assert ask(conn, post(b"/text", body=b"hello")).body == b"HELLO"
    assert ask(conn, post(b"/text", body=b"")).status == 200
    assert ask(conn, post(b"/text")).body == b""


@pytest.mark.parametrize("n", [1, 2, 7, 255, 256, 5000])
def test_a_chunked_body_is_put_together(conn, sink, n):
    answer = ask(conn, post(b"/sink", CHUNKED) + chunked(TEXT, n))
    assert answer.body == b"768" and sink.got == TEXT and not conn.finishing


def test_extensions_and_trailers_are_passed_over(conn, sink):
    body = b'3;a=b\r\nabc\r\n002 ;x="\t y"\r\nde\r\n0;last\r\nX: y\r\nZ: \r\n\r\n'
    assert ask(conn, post(b"/sink", CHUNKED) + body).body == b"5"
    assert sink.got == b"abcde"
    assert ask(conn, post(body=b"x")).body == b"1"


BODIES = {
    "length": post(body=TEXT[:90]),
    "chunked": post(b"/sink", CHUNKED) + chunked(TEXT[:60], 13),
    "trailers": post(b"/sink", CHUNKED) + b"3;e\r\nabc\r\n0\r\nA: b\r\n\r\n",
    "kept": post(b"/text", body=b"kept text"),
    "too long": post(b"/small", body=b"12345", method=b"PUT"),
    "chunk too long": post(b"/small", CHUNKED, method=b"PUT") + chunked(b"123456", 3),
    "not chunked": post(b"/sink", CHUNKED) + b"3\r\nabcd\r\n0\r\n\r\n",
    "both": post(b"/sink", CHUNKED, body=b"0\r\n\r\n"),
}


@pytest.mark.parametrize("text", BODIES.values(), ids=BODIES.keys())
def test_a_request_with_a_body_may_be_cut_anywhere(site, text):
    behind = request(b"/hello")
    whole = seen(site, [text + behind])
    for cut in range(1, len(text)):
        assert seen(site, [text[:cut], text[cut:] + behind]) == whole, cut
    assert seen(site, [bytes([c]) for c in text + behind]) == whole


def seen(site, parts):
    conn = Conn(site())
    for part in parts:
        assert conn.feed(part) == b""
    return [(a.status, a.fields, a.body) for a in answers(conn)], conn.fin


def test_what_a_handler_does_not_take_stays_with_the_client(conn, sink):
    sink.most = 10
    rest = conn.feed(post(body=TEXT))
    for _ in range(200):
        if not rest:
            break
        rest = conn.feed(rest)
    assert answers(conn)[0].body == b"768" and sink.got == TEXT


@pytest.mark.parametrize("method", [b"POST", b"PUT"])
def test_an_answer_before_the_body_ends_the_connection(conn, sink, method):
    sink.begin = lambda req: 403
    answer = ask(conn, post(method=method, body=TEXT) + request(b"/"))
    assert answer.status == 403 and answer.body == b"Forbidden" and conn.fin and not conn.deaf


def test_ended_comes_when_the_connection_is_lost(conn, sink):
    conn.feed(post(body=TEXT)[:-1])
    conn.reset()
    assert sink.calls == ["begin", "ended"]


def test_the_next_client_finds_nothing_of_the_body_before(site, sink):
    app = site()
    Conn(app).feed(post(body=TEXT)[:-1])
    app.conn.reset()
    assert ask(Conn(app), post(body=b"x")).body == b"1"


def test_a_handler_that_raises_in_a_body_is_a_500(conn, sink):
    sink.received = lambda *a: 1 // 0
    answer = ask(conn, post(body=TEXT))
    assert answer.status == 500 and conn.fin and len(conn.errors) == 1
    assert sink.calls == ["begin", "ended"]


# Limits


@pytest.mark.parametrize("n", [5001, 1 << 20, 10**9, 1 << 30, 10**11, 10**40])
def test_413_for_a_length_over_the_limit(conn, sink, n):
    answer = ask(conn, request(b"/sink", b"Content-Length: %d" % n, method=b"POST"))
    assert answer.status == 413 and conn.fin and not sink.calls


def test_the_limit_itself_is_taken(conn):
    assert ask(conn, post(b"/small", body=b"1234", method=b"PUT")).body == b"1234"
    assert ask(conn, post(b"/small", CHUNKED, method=b"PUT") + chunked(b"1234", 1)).status == 200
    assert ask(conn, post(b"/small", body=b"12345", method=b"PUT")).status == 413


def test_413_for_chunks_that_come_to_more_than_the_limit(conn):
    answer = ask(conn, post(b"/small", CHUNKED, method=b"PUT") + chunked(b"12345", 2))
    assert answer.status == 413 and conn.fin


def test_413_where_no_body_is_taken(conn):
    assert ask(conn, request(b"/none", method=b"DELETE")).status == 200
    assert ask(conn, post(b"/none", method=b"DELETE", body=b"x")).status == 413


def test_411_where_a_length_is_wanted_first(site, conn, sink):
    sink.sized = True
    assert ask(conn, post(body=b"x")).status == 200
    assert ask(conn, post(b"/sink", CHUNKED) + chunked(b"x", 1)).status == 411
    assert ask(Conn(site()), post(b"/sink")).status == 411


BAD_CHUNKS = {
    "no digit": b"\r\n",
    "not a digit": b"g\r\n",
    "sign": b"+3\r\nabc\r\n0\r\n\r\n",
    "0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "blank first": b" 3\r\nabc\r\n0\r\n\r\n",
    "bare LF": b"3\nabc\r\n0\r\n\r\n",
    "bare CR": b"3\rabc\r\n0\r\n\r\n",
    "LF in an extension": b"3;a\nabc\r\n0\r\n\r\n",
    "NUL in an extension": b"3;\0\r\nabc\r\n0\r\n\r\n",
    "data too long": b"3\r\nabcd\r\n0\r\n\r\n",
    "data too short": b"3\r\nab\r\n0\r\n\r\n",
    "no CR behind data": b"3\r\nabc\n0\r\n\r\n",
    "another octet for CR": b"3\r\nabcx\n0\r\n\r\n",
    "eight digits": b"00000003\r\nabc\r\n0\r\n\r\n",
    "CR CR": b"3\r\nabc\r\r0\r\n\r\n",
    "bare LF at the end": b"0\r\n\n",
    "bare LF in a trailer": b"0\r\nA: b\n\r\n",
    "CR in a trailer": b"0\r\nA: \rb\r\n\r\n",
    "no LF at the end": b"0\r\n\rx",
    "zeros without end": b"0" * 30,
    "extension without end": b"3;" + b"a" * 300,
    "trailer without end": b"0\r\nA: " + b"b" * 1100,
    "trailers without end": b"0\r\n" + b"A: b\r\n" * 300,
}


@pytest.mark.parametrize("body", BAD_CHUNKS.values(), ids=BAD_CHUNKS.keys())
def test_400_for_what_is_not_chunked_as_it_should_be(conn, sink, body):
    answer = ask(conn, post(b"/sink", CHUNKED) + body)
    assert answer.status == 400 and conn.fin and "answer" not in sink.calls


def test_a_size_may_have_seven_digits(conn, sink):
    body = b"0000003\r\nabc\r\n0000000\r\n\r\n"
    assert ask(conn, post(b"/sink", CHUNKED) + body).body == b"3"


@pytest.mark.parametrize("size", [b"fffffff", b"10000000", b"ffffffffffffffff"])
def test_413_for_a_chunk_of_any_size(conn, size):
    assert ask(conn, post(b"/sink", CHUNKED) + size + b"\r\n").status == 413


# Smuggling


@pytest.mark.parametrize("path", [b"/sink", b"/", b"/hello", b"/nothing"])
def test_400_for_a_length_beside_a_transfer_coding(site, sink, path):
    for fields in (
        [CHUNKED, b"Content-Length: 5"],
        [b"Content-Length: 5", CHUNKED],
        [b"content-length: 0", b"Accept: a", b"TRANSFER-encoding: identity"],
    ):
        conn = Conn(site())
        answer = ask(conn, post(path, *fields) + b"0\r\n\r\n" + request(b"/"))
        assert answer.status == 400 and conn.fin and not sink.calls


@pytest.mark.parametrize("value", [b"gzip", b"chunked, chunked", b"gzip, chunked", b"xchunk", b""])
def test_501_for_another_transfer_coding(conn, sink, value):
    answer = ask(conn, post(b"/sink", b"Transfer-Encoding: " + value) + request(b"/"))
    assert answer.status == 501 and conn.fin and not sink.calls


def test_501_for_two_transfer_codings(conn):
    assert ask(conn, post(b"/sink", CHUNKED, CHUNKED) + request(b"/")).status == 501


def test_400_for_a_transfer_coding_in_http_1_0(conn):
    text = post(b"/sink", CHUNKED, version=b"1.0") + chunked(b"x", 1)
    assert ask(conn, text).status == 400 and conn.fin


@pytest.mark.parametrize("value", [b"1, 1", b"-1", b"0x1", b"1 1", b"", b"1.0", b"\xb2"])
def test_400_for_a_length_that_is_none(conn, value):
    text = request(b"/sink", b"Content-Length: " + value, method=b"POST")
    assert ask(conn, text + b"x").status == 400 and conn.fin


def test_content_for_a_path_without_a_route_ends_the_connection(conn):
    for path, status in ((b"/nothing", 404), (b"/", 405)):
        other = Conn(conn.app.site())
        answer = ask(other, post(path, body=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        assert answer.status == status and other.fin and not other.deaf


# Expect


def test_100_before_the_body_and_then_the_answer(conn, sink):
    head = request(b"/sink", b"Expect: 100-Continue", b"Content-Length: 5", method=b"POST")
    assert conn.feed(head) == b""
    assert conn.pump().take_sent() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert ask(conn, b"hello").body == b"5" and sink.got == b"hello"
    assert ask(conn, post(body=b"x")).body == b"1"


def test_the_answer_waits_until_the_100_has_arrived(conn):
    head = request(b"/sink", b"Expect: 100-continue", b"Content-Length: 5", method=b"POST")
    conn.feed(head)
    conn.feed(b"hello" + request(b"/"))
    sent = conn.pump().take_sent()
    assert sent.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert sent.count(b"HTTP/1.1 200") == 2 and sent.endswith(b"<p>root</p>")


def test_no_100_when_the_body_is_there_or_none_is_to_come(conn):
    for more in (b"hello", b"h"):
        text = request(b"/sink", b"Expect: 100-continue", b"Content-Length: 5", method=b"POST")
        conn.feed(text + more)
        conn.feed(b"hello"[len(more) :])
        assert answers(conn)[0].status == 200
    text = request(b"/sink", b"Expect: 100-continue", method=b"POST")
    assert ask(conn, text).status == 200


def test_no_100_for_http_1_0_nor_before_a_refusal(site, conn):
    text = request(
        b"/sink", b"Expect: 100-continue", b"Content-Length: 5", method=b"POST", version=b"1.0"
    )
    conn.feed(text)
    assert conn.pump().take_sent() == b""
    for path, n, status in ((b"/sink", 9999, 413), (b"/nothing", 5, 404), (b"/", 5, 405)):
        fields = b"Expect: 100-continue", b"Content-Length: %d" % n
        assert ask(Conn(site()), request(path, *fields, method=b"POST")).status == status


@pytest.mark.parametrize("value", [b"200-ok", b"100-continue, 200", b"100-continue=1", b"1"])
def test_417_for_another_expectation(conn, sink, value):
    text = request(b"/sink", b"Expect: " + value, b"Content-Length: 5", method=b"POST")
    assert ask(conn, text).status == 417 and not sink.calls


# Time


def test_408_for_a_body_that_never_ends(conn, sink):
    conn.feed(post(body=TEXT)[:-1])
    for _ in range(30):
        conn.app.poll(conn)
        assert conn.pump().sent == b""
    conn.app.poll(conn)
    assert answers(conn)[0].status == 408 and conn.fin
    assert sink.calls == ["begin", "ended"]


def test_408_for_a_body_that_drips(conn):
    text = post(body=TEXT)
    conn.feed(text[:-600])
    for k in range(300):
        conn.app.poll(conn)
        if conn.pump().sent:
            break
        conn.feed(text[len(text) - 600 + k :][:1])
    assert 30 < k < 60 and answers(conn)[0].status == 408


def test_a_slow_body_has_its_time(conn):
    text = post(body=TEXT * 6)
    for i in range(0, len(text), 100):
        conn.app.poll(conn)
        conn.feed(text[i : i + 100])
    assert answers(conn)[0].body == b"4608"


def test_a_client_that_shuts_its_side_in_a_body_gets_a_400(conn, sink):
    conn.feed(post(body=TEXT)[:-1])
    conn.half_close()
    assert answers(conn)[0].status == 400 and conn.fin
    assert sink.calls == ["begin", "ended"]


def test_a_client_that_shuts_its_side_behind_a_body_gets_its_answer(conn):
    conn.feed(post(body=TEXT))
    conn.half_close()
    assert answers(conn)[0].body == b"768" and conn.fin
