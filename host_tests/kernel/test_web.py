"""Files, events and WebSockets to real clients: curl, PyPI's `websockets`, Chromium."""

import asyncio
import gzip
import json
import time

import pytest
from boards.webparts import PORT
from kernel.test_browser import browse, wait_for  # noqa: F401
from wire.lan import need

PAGE = """<!doctype html><title>t</title><meta charset="utf-8"><link rel="icon" href="data:,">
<script>
let said = {text: [], events: [], opens: 0, fives: []}
let base = location.host, ws = new WebSocket("ws://" + base + "/echo", ["other", "echo"])
ws.binaryType = "arraybuffer"
ws.onopen = () => {
  said.protocol = ws.protocol
  ws.send("Gr\\u00fc\\u00dfe \\u{1f600}"); ws.send("")
  ws.send("x".repeat(20000)); ws.send(new Uint8Array([0, 255, 128]))
}
ws.onmessage = m => {
  said.text.push(typeof m.data == "string" ? m.data : [...new Uint8Array(m.data)])
  if (said.text.length == 4) ws.close(3999, "bye")
}
ws.onclose = e => said.closed = [e.code, e.reason, e.wasClean]
let wc = new WebSocket("ws://" + base + "/close"); wc.onmessage = m => said.word = m.data
wc.onclose = e => said.theirs = [e.code, e.reason, e.wasClean]
let es = new EventSource("/events")
es.onopen = () => said.opens++
es.onmessage = m => said.events.push([m.data, m.lastEventId])
es.addEventListener("five", m => said.fives.push(m.data))
</script>"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "data.bin").write_bytes(bytes(i * 7 % 251 for i in range(100_000)))
    (tmp_path / "big.txt").write_text("a line\n" * 5000)
    (tmp_path / "big.txt.gz").write_bytes(gzip.compress(b"a line\n" * 5000))
    monkeypatch.setenv("UIPY_WWW", str(tmp_path))
    return tmp_path


@pytest.fixture(params=["cpython", "micropython-enc28j60"])
def served(request, folder, lan, artifact):
    from kernel.conftest import BOARDS

    lan.start(**BOARDS[request.param], pcap=artifact(".pcap"), services="http,web")
    return "http://%s:%d" % (lan.board_ip, PORT)


def curl(lan, *words):
    """(status, fields, body) of what curl got."""
    need("curl")
    done = lan.run("curl", "-sS", "-m", "60", "-i", *words, check=True)
    head, _, body = done.stdout.partition("\n\n")
    lines = head.splitlines()
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), fields, body


def test_curl_gets_files_parts_of_them_and_304(lan, served, folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "o"
    url = served + "/www/data.bin"
    data = (folder / "data.bin").read_bytes()
    lan.run("curl", "-sS", "-m", "60", "-o", str(out), url)
    assert out.read_bytes() == data
    lan.run("curl", "-sS", "-m", "60", "-r", "5000-69999", "-o", str(out), url)
    assert out.read_bytes() == data[5000:70000]
    out.write_bytes(data[:33333])
    lan.run("curl", "-sS", "-m", "60", "-C", "-", "-o", str(out), url)
    assert out.read_bytes() == data, "curl -C - goes on where it was"
    status, fields, body = curl(lan, "-I", url)
    assert status == 200 and fields["content-length"] == "100000" and not body
    status, _, _ = curl(lan, "-H", "If-None-Match: " + fields["etag"], url)
    assert status == 304
    status, fields, _ = curl(lan, "-r", "100000-", url)
    assert status == 416 and fields["content-range"] == "bytes */100000"


def test_curl_unpacks_what_is_stored_compressed(lan, served):
    url = served + "/www/big.txt"
    status, fields, body = curl(lan, "--compressed", url)
    assert status == 200 and body == "a line\n" * 5000
    assert fields["content-encoding"] == "gzip" and int(fields["content-length"]) < 1000
    _, fields, body = curl(lan, url)
    assert body == "a line\n" * 5000 and "content-encoding" not in fields


def test_curl_cannot_leave_the_folder(lan, served, folder):
    for path in ("../x", "..%2fx", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "%00", "a/..%5c"):
        status, _, body = curl(lan, "--path-as-is", served + "/www/" + path)
        assert status in (400, 404) and "root" not in body, path
    assert curl(lan, served + "/www/")[0] == 200


def test_curl_hears_events(lan, served):
    need("curl")
    done = lan.run("curl", "-sS", "-N", "-m", "7", served + "/events", check=False)
    numbers = [int(line[6:]) for line in done.stdout.splitlines() if line[:6] == "data: "
               and line[6:].isdigit()]  # fmt: skip
    assert numbers[:4] == list(range(numbers[0], numbers[0] + 4)), done.stdout
    assert "retry: 500\n\n" in done.stdout


def client(lan, path, **more):
    """A WebSocket of PyPI's websockets."""
    websockets = pytest.importorskip("websockets.sync.client")
    uri = "ws://%s:%d%s" % (lan.board_ip, PORT, path)
    sock = lan.connect(PORT, timeout=30)
    sock.settimeout(None)
    return websockets.connect(uri, sock=sock, open_timeout=30, close_timeout=30, **more)


def test_websockets_talks_to_the_board(lan, served):
    with client(lan, "/echo", subprotocols=["a", "echo"]) as ws:
        assert ws.subprotocol == "echo"
        for message in ("", "héllo \U0001f600", b"", b"\0\xff" * 99, "x" * 126, b"y" * 65536):
            ws.send(message)
            assert ws.recv(60) == message
        ws.send(["one ", "message ", "in ", "pieces"])
        assert ws.recv(30) == "one message in pieces"
        pong = ws.ping(b"are you there")
        assert pong.wait(30)
        ws.close(4321, "enough")
    assert ws.protocol.close_rcvd.code == 4321


def test_a_message_of_300_kb_both_ways_at_once(lan, served):
    # asyncio: the other client of the package does not read while its window is closed.
    connect = pytest.importorskip("websockets.asyncio.client").connect
    data = bytes(i * 31 % 253 for i in range(300_000))

    async def both():
        sock = lan.connect(PORT, timeout=30)
        uri = "ws://%s:%d/echo" % (lan.board_ip, PORT)
        async with connect(uri, sock=sock, max_size=None, compression="deflate") as ws:
            got, _ = await asyncio.wait_for(asyncio.gather(ws.recv(), ws.send(data)), 120)
            assert got == data and not ws.protocol.extensions

    asyncio.run(both())


def test_the_board_ends_it_and_websockets_agrees(lan, served):
    from websockets.exceptions import ConnectionClosed, InvalidStatus

    with client(lan, "/close") as ws:
        assert ws.recv(30) == "until here"
        with pytest.raises(ConnectionClosed):
            ws.recv(30)
        assert (ws.close_code, ws.close_reason) == (4001, "enough")
    with client(lan, "/echo") as ws:
        ws.socket.sendall(b"\xc1\x80\0\0\0\0")  # a reserved bit
        with pytest.raises(ConnectionClosed):
            ws.recv(30)
        assert ws.close_code == 1002
    with pytest.raises(InvalidStatus) as said:
        client(lan, "/www/data.bin")
    assert said.value.response.status_code == 200


def test_chromium_speaks_websocket_and_hears_events(lan, served, browse):  # noqa: F811
    driver = browse(1280, 900)
    driver.get(served + "/www/")

    def said():
        return driver.execute_script("return said")

    wait_for("the WebSocket is closed", lambda: said().get("closed"), 60)
    got = said()
    assert got["protocol"] == "echo"
    assert got["text"] == ["Grüße \U0001f600", "", "x" * 20000, [0, 255, 128]]
    assert got["closed"] == [3999, "", True]  # our Close has the code, and no reason
    wait_for("the board's own close", lambda: said().get("theirs"), 60)
    assert said()["word"] == "until here" and said()["theirs"] == [4001, "enough", True]
    wait_for("six events", lambda: len(said()["events"]) >= 6, 60)
    wait_for("a fifth", lambda: said()["fives"], 60)
    got = said()
    numbers = [int(data) for data, _ in got["events"]]
    assert numbers == [n for n in range(numbers[0], numbers[-1] + 1) if n % 5]
    assert [data for data, id in got["events"]] == [id for _, id in got["events"]]
    assert int(got["fives"][0].split("\n")[0]) % 5 == 0 and got["fives"][0].endswith("a line")
    assert got["opens"] == 1
    errors = [e for e in driver.get_log("browser") if e["level"] == "SEVERE"]
    assert not errors, errors


def polled(driver):
    """How often the page has asked for /status.json."""
    return driver.execute_script(
        "return performance.getEntriesByType('resource')"
        ".filter(e => e.name.endsWith('status.json')).length"
    )


def points(driver):
    return int(driver.execute_script("return document.getElementById('chart').dataset.points"))


def holder(lan):
    """A connection that holds one of the two places of the status page."""
    until = time.monotonic() + 60
    while True:
        s, got = lan.connect(80, timeout=30), b""
        s.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        while b"data: {" not in got and b"HTTP/1.1 503" not in got:
            got += s.recv(65536)
        if b"data: {" in got:
            return s
        s.close()
        assert time.monotonic() < until, "the browser's place is not free"
        time.sleep(0.5)


def test_the_status_page_is_told_and_asks_when_all_places_are_taken(
    lan,
    served,
    browse,  # noqa: F811
):
    driver = browse(1280, 900)
    url = "http://%s/" % lan.board_ip
    driver.get(url)
    wait_for("three points on the chart", lambda: points(driver) >= 3, 60)
    assert polled(driver) == 0, "the board tells it"
    driver.get("about:blank")
    with holder(lan), holder(lan):
        driver.get(url)
        wait_for("three points on the chart", lambda: points(driver) >= 3, 60)
        assert polled(driver) >= 3, "it asks"
    said = lan.run("curl", "-sS", "-m", "20", url + "status.json").stdout
    assert json.loads(said)["ifaces"][0]["ip"] == lan.board_ip
