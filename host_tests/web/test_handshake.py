"""The WebSocket's handshake (RFC 6455 4.2), and a whole conversation on the real TCP."""

import pytest
from apps.test_on_stack import Pair
from lab.listeners import Web
from lab.net import C0
from lab.wsclient import CLOSE, PONG, TEXT, Log, close, frame, heard
from lab.wsclient import PING as PING_OP
from uipy.apps.site import Site
from uipy.web.routes import Routes
from uipy.web.websocket import WebSockets

rfc = pytest.mark.rfc

FIELDS = (
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version: 13",
)
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 1.3


def changed(name, value=None):
    """The fields of the handshake, one of them with another value or left out."""
    kept = [f for f in FIELDS if not f.startswith(name + b":")]
    return (*kept, name + b": " + value) if value is not None else kept


@pytest.fixture
def sockets():
    return WebSockets(lambda: Log(echo=True), 2, protocol="Chat", origins=("http://a",))


@pytest.fixture
def web(sockets):
    return Web("/ws", sockets)


def shake(web, *fields):
    """(status, fields, connection) of a handshake."""
    from apps.test_http import Answer, get

    conn = web.client()
    conn.feed(get(b"/ws", *fields))
    answer = Answer(conn.pump().take_sent())
    return answer.status, answer.fields, conn


@rfc("6455 4.2.2-3", "6455 4.2.2-4")
def test_the_example_of_the_rfc(web):
    status, fields, _ = shake(web, *FIELDS)
    assert status == 101 and fields["sec-websocket-accept"] == ACCEPT
    assert fields["upgrade"] == "websocket" and fields["connection"] == "Upgrade"
    assert "content-length" not in fields and "sec-websocket-protocol" not in fields


@pytest.mark.parametrize(
    "name, value",
    [
        (b"Upgrade", b"h2c, WebSocket"), (b"Connection", b"keep-alive, Upgrade"),
        (b"Connection", b"UPGRADE ,x"), (b"Origin", b"http://a"),
    ],
)  # fmt: skip
def test_what_is_a_handshake_too(web, name, value):
    assert shake(web, *changed(name, value))[0] == 101


@rfc("6455 4.2.1-1", "6455 4.2.2-1", "6455 4.2.2-2", "6455 10.2-1")
@pytest.mark.parametrize(
    "name, value, status",
    [
        (b"Upgrade", None, 426), (b"Upgrade", b"websockets", 426), (b"Upgrade", b"web", 426),
        (b"Upgrade", b"", 426), (b"Connection", None, 400), (b"Connection", b"close", 400),
        (b"Sec-WebSocket-Version", b"8", 426), (b"Sec-WebSocket-Version", None, 426),
        (b"Sec-WebSocket-Version", b"13, 8", 426),
        (b"Sec-WebSocket-Key", None, 400), (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZQ==", 400),
        (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZ!==", 400),
        (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQAA", 400),
        (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQA=", 400),
        (b"Origin", b"http://evil", 403), (b"Origin", b"http://a/", 403),
    ],
)  # fmt: skip
def test_what_is_none_is_told_what_is_wrong(web, sockets, name, value, status):
    got, fields, _ = shake(web, *changed(name, value))
    assert got == status
    if name == b"Upgrade":
        assert fields["upgrade"] == "websocket"
    if name == b"Sec-WebSocket-Version":
        assert fields["sec-websocket-version"] == "13"
    assert [s.state for s in sockets.sockets] == [3, 3], "nobody has one"
    assert dict(sockets.counters())["ws_refused"] == 1


@rfc("6455 4.2.1-1")
def test_no_other_method_or_version_opens_one(web):
    assert web.ask("/ws", *FIELDS, method=b"POST").status == 405
    assert web.ask("/ws", *FIELDS, method=b"HEAD").status == 400
    assert web.ask("/ws", *FIELDS, version=b"1.0").status == 400


@rfc("6455 4.2.2-3")
def test_the_subprotocol_is_told_to_who_offers_it(web):
    protocol = b"Sec-WebSocket-Protocol"
    assert shake(web, *changed(protocol, b"x, chat"))[1]["sec-websocket-protocol"] == "Chat"
    assert "sec-websocket-protocol" not in shake(web, *changed(protocol, b"x, chatter"))[1]


@rfc("6455 9-1")
def test_no_extension_is_taken(web):
    offer = changed(b"Sec-WebSocket-Extensions", b"permessage-deflate; client_max_window_bits, x")
    status, fields, _ = shake(web, *offer)
    assert status == 101 and "sec-websocket-extensions" not in fields


def test_places_are_taken_and_become_free(web, sockets):
    _, _, first = shake(web, *FIELDS)
    shake(web, *FIELDS)
    assert shake(web, *FIELDS)[0] == 503
    first.reset()
    assert shake(web, *FIELDS)[0] == 101
    counted = dict(sockets.counters())
    assert (counted["ws_opened"], counted["ws_refused"], counted["ws_lost"]) == (3, 1, 1)
    assert [s.app.opens for s in sockets.sockets] == [2, 1]


def test_what_comes_with_the_handshake_is_read(web, sockets):
    from apps.test_http import get

    conn = web.client()
    text = get(b"/ws", *FIELDS) + frame(TEXT, b"early")
    for k in range(0, len(text), 50):
        assert conn.feed(text[k : k + 50]) == b""
    _, _, rest = conn.pump().take_sent().partition(b"\r\n\r\n")
    assert heard(rest) == [(TEXT, 1, b"early")]


def test_a_client_that_breaks_the_protocol_is_counted(web, sockets):
    _, _, conn = shake(web, *FIELDS)
    conn.feed(frame(TEXT, b"\xff"))
    conn.pump()
    conn.half_close()
    conn._over("done")
    counted = dict(sockets.counters())
    assert counted["ws_failed"] == 1 and counted["ws_lost"] == 0


# On TCP


HELLO = b"GET /ws HTTP/1.1\r\nHost: h\r\n" + b"\r\n".join(FIELDS) + b"\r\n\r\n"


class Two(Pair):
    """Two stacks, and an echo of WebSockets on one of them."""

    def __init__(self):
        Pair.__init__(self)
        site = Site()
        self.sockets = WebSockets(lambda: Log(echo=True), 2, 4096)
        Routes(site).route("/ws", self.sockets)
        self.board.listen(8081, site, 2)


@pytest.fixture
def pair():
    return Two()


def test_a_conversation_and_its_end_on_tcp(pair):
    client = pair.connect(8081, HELLO)
    pair.run(100)
    head, _, rest = client.got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ") and rest == b""
    client.got = b""
    data = bytes(i * 7 % 251 for i in range(3000))
    client.say(frame(PING_OP, b"p") + frame(2, data[:1000], fin=0) + frame(0, data[1000:]))
    pair.run(3000)
    sent = heard(client.got)
    assert sent[0] == (PONG, 1, b"p") and b"".join(p for _, _, p in sent[1:]) == data
    client.got = b""
    client.say(close(1000))
    pair.run(1000)
    assert heard(client.got) == [(CLOSE, 1, b"\x03\xe8")]
    assert client.fin and client.end in ("done", None)
    assert pair.sockets.sockets[0].app.ends == [1000]
    assert dict(pair.here.counters())["tcp_rexmt"] == C0


def test_a_client_that_half_closes_with_its_close_gets_ours(pair):
    client = pair.connect(8081, HELLO + frame(TEXT, b"a") + close(1001), half=True)
    pair.run(3000)
    _, _, rest = client.got.partition(b"\r\n\r\n")
    assert heard(rest) == [(TEXT, 1, b"a"), (CLOSE, 1, b"\x03\xe9")] and client.end == "done"


def test_a_fin_without_a_close_frees_the_place(pair):
    client = pair.connect(8081, HELLO)
    client.conn.shutdown()
    pair.run(3000)
    assert client.fin and pair.sockets.sockets[0].app.ends == [1006]
    assert not [c for c in pair.board.tcp.conns if c.state]


def test_a_vanished_client_is_given_up_after_a_minute(pair):
    client = pair.connect(8081, HELLO)
    pair.run(1000)
    # It answers no Ping.
    pair.run(57_000)
    assert pair.sockets.sockets[0].app.ends == []
    pair.run(5000)
    assert pair.sockets.sockets[0].app.ends == [1006] and client.end == "reset"


def test_more_than_the_ring_comes_back_whole(pair):
    client = pair.connect(8081, HELLO)
    pair.run(100)
    client.got = b""
    data = bytes(i * 13 % 249 for i in range(50_000))
    client.say(frame(2, data))
    pair.run(2_000_000)
    assert b"".join(p for _, _, p in heard(client.got)) == data
