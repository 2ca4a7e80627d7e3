"""What a handler reads of a request: parameters, queries, forms, fields; and the routes' paths."""

import http
import random
import urllib.parse

import pytest
from lab.routed import Conn, answers, ask, request, routes
from uipy.source import Source
from uipy.web.answer import reason
from uipy.web.head import strays, take_apart
from uipy.web.routes import Handler, compiled, mask


def ask_one(path, func, target, *fields, method=b"GET", body=None):
    site, web = routes()
    web.route(path, func, "GET PUT POST", limit=2000)
    return ask(Conn(site()), request(target, *fields, method=method, body=body))


# Which route


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (b"/a/1", b"int 1"),
        (b"/a/1x", b"any 1x"),
        (b"/a/%31", b"int 1"),
        (b"/a/x%2Fy", b"any x/y"),
        (b"/a/%zz", b"any %zz"),
        (b"/a/b/c", b"two b c"),
        (b"/a//c", None),
        (b"/a/", None),
        (b"/a", None),
        (b"/A/1", None),
        (b"/f/", b"rest "),
        (b"/f/x/y.txt", b"rest x/y.txt"),
        (b"/f/x/", b"rest x/"),
        (b"/f", None),
        (b"/v2/x", b"v x"),
        (b"http://board/a/1?x=y", b"int 1"),
    ],
)
def test_the_first_route_that_fits_serves(target, wanted):
    site, web = routes()
    web.route("/a/{n:int}", lambda r: "int %d" % r.number("n"))
    web.route("/a/{n}", lambda r: "any " + r.arg("n"))
    web.route("/a/{n}/{m}", lambda r: "two %s %s" % (r.arg("n"), r.arg("m")))
    web.route("/f/{n:path}", lambda r: "rest " + r.arg("n"))
    web.route("/v{k:int}/{n}", lambda r: "v " + r.arg("n"))
    answer = ask(Conn(site()), request(target))
    assert (answer.body if answer.status == 200 else None) == wanted


@pytest.mark.parametrize(
    "rest",
    ["..", "../x", "a/../b", "a/..", ".", "./a", "a/./b", "a//b", "/a", "a\\b", "..\\a"]
    + ["%2e%2e/x", "a/%2E./b", "a%2f..%2fb", "%2Fetc", "a%5Cb", "a%00b", "a/%2e"],
)
def test_no_rest_of_a_path_leads_elsewhere(rest):
    def never(req):
        raise AssertionError

    assert ask_one("/f/{n:path}", never, b"/f/" + rest.encode()).status == 404


@pytest.mark.parametrize("rest", ["", "a", "a/", "...", ".a", "a.", "..a", "a/b.c/..d"])
def test_dots_in_names_do_no_harm(rest):
    assert strays(rest.encode(), 0, len(rest)) == 0
    answer = ask_one("/f/{n:path}", lambda r: r.arg("n"), b"/f/" + rest.encode())
    assert answer.status == 200 and answer.body == rest.encode()


@pytest.mark.parametrize(
    "path",
    ["x", "", "/a{n", "/a{}", "/{n}b", "/{n:float}", "/{p:path}/x", "/a b", "/a?b", "/a%20", "/ä"]
    + ["/{a}/{b}/{c}/{d}/{e}", "/a}"],
)
def test_a_path_that_cannot_be_is_refused_at_once(path):
    _, web = routes()
    with pytest.raises(ValueError, match="a "):
        web.route(path, lambda req: 200)


def test_a_method_that_cannot_be_is_refused_at_once():
    for methods in ("GETS", "TRACE", ["CONNECT"]):
        with pytest.raises(ValueError, match="method"):
            mask(methods)
    assert mask("get, put") == mask(["PUT", "GET"]) == 2 | 4 | 16
    assert compiled("/a/{n}/{m:int}") == (b"/a/\1/\2", ["n", "m"])


def test_routes_and_classes_are_wanted_in_time_and_as_objects():
    site, web = routes()
    with pytest.raises(ValueError, match="object"):
        web.route("/x", dict)
    site()
    with pytest.raises(ValueError, match="before listen"):
        web.route("/x", lambda req: 200)


def test_decorators_leave_the_function_as_it_is():
    site, web = routes()

    @web.get("/x/{n:int}")
    def shown(req):
        return "shown"

    for name in ("post", "put", "patch", "delete"):
        getattr(web, name)("/x/{n:int}")(lambda req, name=name: name)
    conn = Conn(site())
    assert shown(None) == "shown" and ask(conn, request(b"/x/1")).body == b"shown"
    for name in ("post", "put", "patch", "delete"):
        text = request(b"/x/1", method=name.upper().encode(), body=b"x" * (name != "delete"))
        assert ask(conn, text).body in (name.encode(), b"Content Too Large")
    answer = ask(conn, request(b"/x/1", method=b"OPTIONS"))
    assert answer.status == 204
    assert answer.fields["allow"] == "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"
    assert ask(conn, request(b"/x/y", method=b"OPTIONS")).status == 404


def test_a_page_and_a_route_share_a_path():
    site, web = routes()
    web.post("/")(lambda req: "posted")
    conn = Conn(site())
    assert ask(conn, request(b"/")).body == b"<p>root</p>"
    assert ask(conn, request(b"/", method=b"POST", body=b"")).body == b"posted"
    answer = ask(conn, request(b"/", method=b"PUT"))
    assert answer.status == 405 and answer.fields["allow"] == "GET, HEAD, POST, OPTIONS"


# Queries and forms

PAIRS = "a=1&b=two+words&c=%26%3D%25&&d=&e&=f&a=2&long=" + "x" * 50 + "&%67=h%C3%A9&k%=%4"


def test_a_query_is_read_by_name():
    def read(req):
        names = ("a", "b", "c", "d", "e", "long", "g", "k%", "nothing", "x")
        return "|".join([req.query(n, "none") for n in names])

    answer = ask_one("/q", read, b"/q?" + PAIRS.encode())
    wanted = "1|two words|&=%|||" + "x" * 50 + "|h\xe9|%4|none|none"
    assert answer.body.decode() == wanted


def test_a_form_is_read_by_name():
    def read(req):
        return "%s %s %s" % (req.form("b"), req.form("c"), req.form("nothing", "-"))

    answer = ask_one("/q", read, b"/q", method=b"POST", body=PAIRS.encode())
    assert answer.body == b"two words &=% -"


def test_a_value_is_read_where_it_lies():
    def read(req):
        assert req.find_query(b"a") and req.as_number() == 17 and req.value_is(b"17")
        assert req.as_number(0, 16) == -1 and not req.value_is(b"18") and not req.value_is(b"1")
        assert req.find_query(b"b") and req.as_number() == -1
        assert not req.find_query(b"c") and req.as_number() == -1 and req.n == 0
        assert req.find_query(b"big") and req.as_number() == -1
        assert req.find_path() and req.value() == "/q/7" and req.number("n") == 7
        return 204

    assert ask_one("/q/{n}", read, b"/q/7?a=17&b=x1&big=99999999999").status == 204


def test_a_query_is_as_python_reads_it():
    dice = random.Random(5)
    for _ in range(3000):
        text = "".join(dice.choice("ab=&+%4 1\x7fC3A9") for _ in range(dice.randrange(30)))
        buf = bytearray(b"##" + text.encode() + b"##")
        n = take_apart(buf, 2, len(text))
        assert buf[:2] == b"##" and buf[2 + len(text) :] == b"##"
        found = [p.partition(b"\xfe") for p in bytes(buf[2 : 2 + n]).split(b"\xff")]
        wanted = [p.partition("=") for p in text.split("&")]
        assert [(a, c) for a, _, c in found] == [
            tuple(urllib.parse.unquote_to_bytes(v.replace("+", " ")) for v in (a, c))
            for a, _, c in wanted
        ]


def test_json_in_and_out():
    answer = ask_one("/j", lambda r: r.json(), b"/j", method=b"POST", body=b'{"a": [1, 2]}')
    assert answer.body == b'{"a": [1, 2]}'
    assert answer.fields["content-type"] == "application/json"
    answer = ask_one("/j", lambda r: 400 if r.json() is None else 200, b"/j", body=b"{")
    assert answer.status == 400 and answer.body == b"Bad Request"


# Answers


@pytest.mark.parametrize(
    ("value", "status", "body"),
    [
        ("text", 200, b"text"),
        (b"octets", 200, b"octets"),
        (bytearray(b"more"), 200, b"more"),
        ("", 200, b""),
        (None, 204, b""),
        (201, 201, b""),
        (404, 404, b"Not Found"),
        (("made", 201), 201, b"made"),
        (("made", 201, {"Location": "/x", "Content-Type": "text/x"}), 201, b"made"),
        ([1, {"a": None}], 200, b'[1, {"a": null}]'),
        (object(), 500, b"Internal Server Error"),
        (7, 500, b"Internal Server Error"),
        (("x", 200, {"X": "a\r\nSet-Cookie: b"}), 500, b"Internal Server Error"),
        (("x", 200, {"Content-Type": "t" * 72}), 200, b"x"),
        (("x", 200, {"Content-Type": "t" * 73}), 500, b"Internal Server Error"),
        (("x", 200, {"X": "a" * 200}), 500, b"Internal Server Error"),
    ],
)
def test_what_is_returned_is_the_answer(value, status, body):
    answer = ask_one("/x", lambda req: value, b"/x")
    assert (answer.status, answer.body) == (status, body)
    if status == 201 and isinstance(value, tuple) and len(value) == 3:
        assert answer.fields["location"] == "/x" and answer.fields["content-type"] == "text/x"
    if status == 500:
        assert "x" not in answer.fields and "set-cookie" not in answer.fields


def test_text_can_be_written_without_the_heap():
    def write(req):
        req.out.put(b"n = ")
        req.out.num(req.number("n"))

    assert ask_one("/x/{n}", write, b"/x/12").body == b"n = 12"
    answer = ask_one("/x/{n}", lambda r: r.out.put(b"x" * 257), b"/x/1")
    assert answer.status == 500


def test_a_redirection_has_a_location():
    answer = ask_one("/x", lambda req: req.redirect("/led/7"), b"/x")
    assert answer.status == 302 and answer.fields["location"] == "/led/7"
    assert ask_one("/x", lambda r: r.redirect("/", 303), b"/x", method=b"POST").status == 303


def test_a_page_can_be_an_answer(tmp_path):
    from uipy.apps.site import FilePage, Page

    (tmp_path / "f").write_bytes(b"0123456789" * 300)
    page, file = Page("<p>", more=b"X: y\r\n"), FilePage(str(tmp_path / "f"), "text/f")
    answer = ask_one("/x", lambda req: page, b"/x")
    assert answer.body == b"<p>" and answer.fields["x"] == "y"
    answer = ask_one("/x", lambda req: file, b"/x")
    assert answer.body == b"0123456789" * 300 and answer.fields["content-type"] == "text/f"


def test_fields_that_are_asked_for_and_do_not_fit_are_a_431():
    class Want(Handler):
        fields = ("Range",)

    site, web = routes(head=64)
    web.route("/x", Want())
    assert ask(Conn(site()), request(b"/x", b"Range: " + b"r" * 240)).status == 404
    more = (b"Range: " + b"r" * 200, b"range: " + b"s" * 200)
    assert ask(Conn(site()), request(b"/x", *more)).status == 431
    assert ask(Conn(site()), request(b"/x", b"Range: " + b"r" * 260)).status == 431
    assert ask(Conn(site()), request(b"/", *more)).status == 200


# From one request to the next, and what takes its time


def test_nothing_of_a_request_is_left_for_the_next():
    class Want(Handler):
        methods = "GET POST"
        fields = ("Range", "If-Match")
        limit = 99

        def answer(self, req):
            found = [req.field("Range"), req.field("If-Match"), req.form("a"), req.query("q")]
            return "%s %s %s %s" % tuple(found)

    site, web = routes()
    web.route("/x", Want())
    conn = Conn(site())
    text = request(b"/x?q=3", b"Range: 1", b"If-Match: 2", method=b"POST", body=b"a=4")
    assert ask(conn, text).body == b"1 2 4 3"
    assert ask(conn, request(b"/x", b"If-Match: 5")).body == b"None 5 None None"
    assert ask(conn, request(b"/x")).body == b"None None None None"
    assert ask(conn, text).body == b"1 2 4 3"


class Drops(Source):
    """Gives an octet a time until it is told to end."""

    ended = False

    def __init__(self, n):
        self.n = n
        self.left = n

    def fill(self, rel, buf, pos, n):
        n = min(n, self.n - rel)
        for i in range(n):
            buf[pos + i] = 65
        return n

    def acked(self, n):
        self.n -= n


def test_a_source_without_a_length_ends_with_the_connection():
    drops = Drops(3000)
    site, web = routes()
    web.route("/x", lambda req: drops)
    conn = Conn(site())
    conn.feed(request(b"/x"))
    conn.pump()
    assert not conn.fin and b"Content-Length" not in conn.sent
    assert b"Connection: close\r\n" in conn.sent
    drops.n, drops.ended = 7, True
    (answer,) = answers(conn)
    assert answer.body == b"A" * 3007 and conn.fin


def test_who_reads_an_answer_slowly_stays_and_one_that_stopped_does_not():
    site, web = routes()
    web.route("/x", lambda req: b"x" * 5000)
    conn = Conn(site())
    conn.feed(request(b"/x"))
    for _ in range(20):
        for _ in range(115):
            conn.app.poll(conn)
        conn.pump(50, turns=1)
    assert conn.end == ""
    for _ in range(121):
        conn.app.poll(conn)
    assert conn.end == "aborted"


def test_the_words_of_a_status_are_those_of_the_registry():
    known = {s.value: s.phrase for s in http.HTTPStatus}
    known.update({413: "Content Too Large", 416: "Range Not Satisfiable"})
    known[422] = "Unprocessable Content"
    found = {n: reason(n).decode() for n in range(600) if reason(n)}
    assert len(found) > 30 and found == {n: known[n] for n in found}
