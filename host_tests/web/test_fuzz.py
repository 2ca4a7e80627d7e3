"""Ten thousand requests with bodies, good ones, torn ones and mutated ones: whatever the cuts in
which they arrive, the answers are the same, nothing raises, and nothing is lost.
"""

import random
from collections import Counter

from lab.routed import Conn, chunked, request, routes
from uipy.web.auth import Basic
from uipy.web.routes import Handler

CONVERSATIONS = 2500
AHEAD = 4  # requests in each


class Sum(Handler):
    """Its answer says what the body was."""

    methods = "POST"
    kept = False
    limit = 700
    fields = ("X-Some",)

    def begin(self, req):
        req.data = bytearray()

    def received(self, req, buf, start, n):
        req.data += buf[start : start + n]

    def answer(self, req):
        return bytes(req.data) + req.field("X-Some", "-").encode("latin-1")


class Slow(Sum):
    """Takes its body in pieces."""

    def received(self, req, buf, start, n):
        n = (n + 1) // 2
        req.data += buf[start : start + n]
        return n


def board(ahead):
    site, web = routes(ahead=ahead)
    web.route("/sum", Sum())
    web.route("/slow", Slow())
    web.route("/text/{a}/{n:int}", lambda r: "%s %s" % (r.arg("a"), r.query("q")), "GET DELETE")
    web.route("/form", lambda r: "%s %s" % (r.form("a"), r.form("b")), "POST", limit=100)
    web.route("/files/{n:path}", lambda r: r.arg("n"))
    web.guard("/files/secret", Basic("a", "b"))
    return site


FIELDS = (
    b"Expect: 100-continue", b"Expect: x", b"X-Some: y", b"x-some: %zz", b"Connection: close",
    b"Authorization: Basic YTpi", b"Transfer-Encoding: chunked", b"Content-Length: 3", b"A: b",
)  # fmt: skip
TARGETS = (
    b"/", b"/hello", b"/sum", b"/slow", b"/form", b"/text/a%20b/7?q=%41+b", b"/text/x/y",
    b"/files/x/y", b"/files/secret/x", b"/files/../x", b"/nothing", b"http://h/sum", b"*",
)  # fmt: skip
METHODS = (b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"BREW")


def make(dice):
    """A request, often a good one."""
    body = bytes(dice.choices(b"a=&b%4+\r\n0x", k=dice.choice((0, 5, 50, 200, 699, 701, 900))))
    fields = [b"X-Some: %d" % dice.randrange(99)] * dice.randrange(2)
    if dice.randrange(6) == 0:
        fields.append(dice.choice(FIELDS))
    target = dice.choice(TARGETS[2:6] if dice.randrange(3) else TARGETS)
    method = b"POST" if dice.randrange(4) else dice.choice(METHODS)
    kind = dice.randrange(4)
    if kind == 0:
        text = request(target, *fields, method=method)
    elif kind == 1:
        head = request(target, b"Transfer-Encoding: chunked", *fields, method=method)
        text = head + chunked(body, dice.choice((1, 9, 300)))
    else:
        text = request(target, *fields, method=method, body=body)
    if dice.randrange(6) == 0:
        text = bytearray(text)
        for _ in range(dice.randrange(1, 4)):
            text[dice.randrange(len(text))] = dice.choice(b"\r\n\0 :;0123456789abcxyz\xff%/")
    return bytes(text)


def talk(site, text, dice):
    """All that the board answers when the text comes in pieces, and those that it left come
    again."""
    conn = Conn(site())
    at = 0
    idle = 0
    while at < len(text) and idle < 40:
        n = 1 + dice.randrange(dice.choice((1, 8, 90, 1460))) if dice else len(text)
        piece = text[at : at + n]
        took = len(piece) - len(conn.feed(piece))
        at += took
        idle = 0 if took else idle + 1
        if not took or (dice and dice.randrange(3) == 0):
            conn.pump(turns=1 if dice else 99)
    conn.pump().half_close()
    sent = conn.pump().take_sent()
    assert not conn.errors and conn.end == ""
    assert all(not a for a in (site.kind.__self__.held.owner,)), "the buffer was not given back"
    return sent.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b""), conn.fin


def test_whatever_the_cuts_the_answers_are_the_same():
    dice, seen = random.Random(9112), Counter()
    large, small = board(5840), board(150)
    for _ in range(CONVERSATIONS):
        text = b"".join(make(dice) for _ in range(AHEAD))
        wanted = talk(large, text, None)
        assert talk(large, text, dice) == wanted, text
        if dice.randrange(4) == 0:
            assert talk(small, text, dice) == wanted, text
        for line in wanted[0].split(b"HTTP/1.1 ")[1:]:
            seen[line[:3]] += 1
        del large.clients[:], small.clients[:]
    for status in (200, 204, 400, 401, 404, 405, 413, 417, 501):
        assert seen[b"%d" % status] > 20, seen
