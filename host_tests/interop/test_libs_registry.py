"""Libraries of the package registry as they are, on our socket: a web framework, a websocket and
an MQTT client, with a chip's driver below and real clients and servers at the far end."""

import json
import re
import subprocess
import threading

import pytest
import websockets.sync.client
import websockets.sync.server
from interop import libs
from interop.lab import BOARD, LINUX, alone
from interop.test_libs import curl

MICRODOT = """
from microdot import Microdot
app = Microdot()
@app.get("/")
async def index(request):
    return "hello, " + request.args.get("who", "you")
@app.post("/json")
async def store(request):
    return {"got": request.json}
@app.get("/long")
async def long(request):
    def lines():
        for i in range(40):
            yield "line %d\\n" % i * 10
    return lines()
@app.get("/stop")
async def stop(request):
    request.app.shutdown()
    return "bye"
print("ready")
app.run(port=80)
print("ended")
"""


def ab(clients, requests):
    """What ab says of a site: complete, failed, requests a second."""
    command = ["ab", "-q", "-s", str(libs.SOON), "-c", str(clients), "-n", str(requests)]
    command.append("http://%s/" % BOARD)
    done = subprocess.run(command, capture_output=True, text=True, timeout=4 * libs.SOON)
    out = done.stdout
    assert not done.returncode, out + done.stderr
    names = ("Complete requests", "Failed requests", "Requests per second")
    return [float(re.search(name + r":\s+([\d.]+)", out)[1]) for name in names]


@pytest.mark.parametrize("chip", ["enc28j60", "w5500"])
@alone
def test_microdot_serves_ab_with_one_to_eight_clients(tmp_path, chip):
    libs.found("ab", "curl")
    where = libs.installed("microdot", tmp_path)
    libs.network()
    with libs.Board(tmp_path, MICRODOT, path=[where], chip=chip) as board:
        board.expect("ready")
        soon = ["--retry", str(libs.SOON), "--retry-delay", "1", "--retry-connrefused"]
        assert curl("/?who=board", *soon) == "hello, board"  # "ready" comes before it listens
        sent = ["-H", "Content-Type: application/json", "-d", '{"a": 1}']
        assert json.loads(curl("/json", *sent)) == {"got": {"a": 1}}
        assert curl("/long").splitlines() == ["line %d" % (i // 10) for i in range(400)]
        for clients in (1, 2, 4, 8):
            complete, failed, _ = ab(clients, 6 * clients)
            assert (complete, failed) == (6 * clients, 0)
        curl("/stop", check=False)  # it ends before it has answered
        assert board.end()[-1] == "ended"


SOCKETS = """
from microdot import Microdot
from microdot.websocket import with_websocket
app = Microdot()
@app.route("/echo")
@with_websocket
async def echo(request, ws):
    while True:
        data = await ws.receive()
        if data == "stop":
            app.shutdown()
            break
        await ws.send(data)
print("ready")
app.run(port=80)
"""


def websocket(port, path):
    """The client of the package websockets, connected to the board."""
    url = "ws://%s:%d%s" % (BOARD, port, path)
    sock = libs.connected(port)
    return websockets.sync.client.connect(url, sock=sock, open_timeout=libs.SOON)


@alone
def test_microdots_websocket_is_an_echo(tmp_path):
    where = libs.installed("microdot", tmp_path)
    libs.network()
    with libs.Board(tmp_path, SOCKETS, path=[where]) as board:
        board.expect("ready")
        with websocket(80, "/echo") as ws:
            for data in ("a", b"b" * 100, "c" * 3000):
                ws.send(data)
                assert ws.recv(libs.SOON) == data
            ws.send("stop")
            board.end()


WEBSOCKET = """
import sys, asyncio
from async_websocket_client import AsyncWebsocketClient
async def main():
    ws = AsyncWebsocketClient(1)
    await ws.handshake("ws://%s:8001/there" % sys.argv[1])
    for data in ("a", b"b" * 100, "c" * 2000):
        await ws.send(data)
        print(await ws.recv() == data)
    await ws.close()
asyncio.run(main())
"""


def same(ws):
    for data in ws:
        ws.send(data)


@alone
def test_a_websocket_client_that_does_not_wait_hears_what_it_said(tmp_path):
    where = libs.installed("async_websocket_client", tmp_path)
    libs.network()
    with websockets.sync.server.serve(same, LINUX, 8001) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with libs.Board(tmp_path, WEBSOCKET, LINUX, path=[where]) as board:
            assert board.end() == ["True"] * 3


MQTT = """
import asyncio
from aiomqttc import MQTTClient
async def heard(client, topic, payload, retained):
    print("heard", topic, len(payload))
    if topic == "in/stop":
        stop.set()
async def main():
    global stop
    stop = asyncio.Event()
    c = MQTTClient("board", sys.argv[1], keepalive=10, will_topic="will", will_message="gone")
    c.on_message = heard
    assert await c.connect(60)
    await c.subscribe("in/#", 1)
    for qos in (0, 1):
        assert await c.publish("up/%d" % qos, "x" * 2000, qos)
    assert await c.publish("kept", "21.5", 1, True)
    print("ready")
    await stop.wait()
    await c.disconnect()
asyncio.run(main())
"""


@alone
def test_an_asyncio_mqtt_client_publishes_and_hears(tmp_path):
    libs.found("mosquitto", "mosquitto_sub")
    where = libs.installed("aiomqttc", tmp_path)
    libs.network()
    program = libs.Board(tmp_path, libs.MACHINE + MQTT, LINUX, path=[where])
    with libs.mosquitto(tmp_path), libs.Subscriber(tmp_path) as sub, program as board:
        board.expect("ready")
        for line in ("up/0 " + "x" * 2000, "up/1 " + "x" * 2000, "kept 21.5"):
            sub.expect(line)
        libs.publish("in/long", "y" * 3000, "-q", "1")
        libs.publish("in/stop", "z", "-q", "1")
        said = board.end()
    assert [line for line in said if "heard" in line] == ["heard in/long 3000", "heard in/stop 1"]
    assert "will gone" not in sub.said  # it said goodbye


# What webrepl.py does, but that the one at the other end is heard by a program: the handler of
# option 20 accepts and reads the request, and waits while it does; `websocket` is MicroPython's.
CALLED = """
import binascii, hashlib, select, socket, websocket
ended = []
def said(cl):
    while True:
        data = ws.read(1)
        if data is None:
            return
        if not data:
            ended.append(cl)
            return
        ws.write(data.upper())
def came(listening):
    global ws
    cl, addr = listening.accept()
    key = b""
    while True:
        line = cl.readline()
        if line == b"\\r\\n":
            break
        if line.lower().startswith(b"sec-websocket-key:"):
            key = line.split()[1]
    key = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    cl.send(b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\n")
    cl.send(b"Connection: Upgrade\\r\\nSec-WebSocket-Accept: ")
    cl.send(binascii.b2a_base64(key)[:-1])
    cl.send("\\r\\n\\r\\n")
    ws = websocket.websocket(cl, True)
    cl.setblocking(False)
    cl.setsockopt(socket.SOL_SOCKET, 20, said)
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(socket.getaddrinfo("0.0.0.0", 8266)[0][4])
s.listen(1)
s.setsockopt(socket.SOL_SOCKET, 20, came)
print("ready")
idle = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
idle.bind(("", 9))
idle.settimeout(0.1)
while not ended:
    try:
        idle.recv(1)  # on a board anything else: there the background polls
    except OSError:
        pass
"""


@alone
def test_a_callback_accepts_and_another_types_as_in_webrepl(tmp_path):
    libs.network()
    with libs.Board(tmp_path, CALLED) as board:
        board.expect("ready")
        with websocket(8266, "/") as ws:
            for text in ("print(1)", "x" * 300, "y"):
                ws.send(text)
                got = ""
                while len(got) < len(text):
                    got += str(ws.recv(libs.SOON))
                assert got == text.upper()
        board.end()
