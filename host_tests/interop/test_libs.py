"""Libraries as they are, on our socket: what MicroPython carries frozen (asyncio, requests, mip).
A chip's driver is below, and a real server at the far end."""

import contextlib
import hashlib
import json
import re
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from interop import libs
from interop.lab import BOARD, LINUX, alone

REQUESTS = """
import sys, requests
site = sys.argv[1]
def show(r):
    print(r.status_code, r.text)
show(requests.get(site + "/hello.txt"))
show(requests.get(site + "/old"))
show(requests.get(site + "/nothing"))
r = requests.get(site + "/json", headers={"X-Board": "7"})
print(r.json()["a"])
r.close()
r = requests.get(site + "/big.bin")
total = 0
while True:
    some = r.raw.read(1000)
    if not some:
        break
    total += len(some)
r.close()
print("big", total)
r = requests.post(site + "/app/echo", json={"t": 21.5}).json()
print(r["size"], r["kind"], r["said"]["t"])
print(requests.put(site + "/app/echo", data=b"x" * 5000).json()["size"])
"""

ONLY_HTTP = """
show(requests.get(site + "/far"))
try:
    requests.get("http://%s:9/" % site.split("/")[2])
except OSError as exc:
    print("refused", exc.errno)
s = requests.get(site + "/app/slow", timeout=20)
print("slow", s.status_code)
s.close()
try:
    requests.get(site + "/app/never", timeout=1)
except OSError as exc:
    print("late", exc.errno)
"""


class Backend(BaseHTTPRequestHandler):
    """What nginx asks for /app/: an echo of what is posted, and answers that come late."""

    protocol_version = "HTTP/1.1"
    gone = threading.Event()

    def do_GET(self):
        self.gone.wait(1 if self.path == "/app/slow" else 60)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        text = {"size": len(body), "kind": self.headers["Content-Type"]}
        if len(body) < 100:
            text["said"] = json.loads(body)
        self.answer(json.dumps(text).encode())

    do_PUT = do_POST

    def answer(self, body):
        """In two chunks, as a server does that does not know the length beforehand."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (body[:9], body[9:]):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def backend():
    """The server behind nginx."""
    server = ThreadingHTTPServer(("127.0.0.1", 8000), Backend)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        Backend.gone.set()
        server.shutdown()


SAID = [
    "200 hello, board",
    "200 hello, board",
    "404 <html>",
    "[1, 2]",
    "big 102400",
    "11 application/json 21.5",
    "5000",
]


def of(said):
    """Without the rest of the page that says 404, and without empty lines."""
    return [line for line in said if line and not re.match("</?(head|body|html|center|hr)", line)]


@alone
def test_requests_reads_redirects_chunks_and_json_of_nginx(tmp_path):
    libs.found("nginx")
    libs.network()
    program = libs.Board(tmp_path, REQUESTS + ONLY_HTTP, "http://" + LINUX)
    with libs.nginx(tmp_path), backend(), program as board:
        said = board.end()
    assert of(said) == [*SAID, "200 hello, board", "refused 111", "slow 200", "late 110"]


@alone
def test_requests_speaks_https_with_nginx(tmp_path):
    libs.found("nginx", "openssl")
    libs.network()
    program = libs.Board(tmp_path, REQUESTS, "https://" + LINUX)
    with libs.nginx(tmp_path, tls=True), backend(), program as board:
        said = board.end()
    assert of(said) == SAID


MIP = """
import sys, mip
mip.install("lamp", index="http://%s/mip" % sys.argv[1], target=sys.argv[2])
sys.path.append(sys.argv[2])
import lamp
print(lamp.on())
"""


@alone
def test_mip_installs_a_package_and_what_it_needs_from_an_index(tmp_path):
    libs.found("nginx")
    libs.network()
    with libs.nginx(tmp_path):
        for name, text, deps in (
            ("lamp", "import bulb\ndef on():\n    return bulb.watts\n", [["bulb", "latest"]]),
            ("bulb", "watts = 60  # %s\n" % ("x" * 3000), []),
        ):
            digest = hashlib.sha256(text.encode()).hexdigest()
            packed = {"v": 1, "hashes": [[name + ".py", digest[:8]]], "deps": deps}
            for folder in ("6", "py"):
                index = tmp_path / "www" / "mip" / "package" / folder / name / "latest.json"
                index.parent.mkdir(parents=True)
                index.write_text(json.dumps(packed))
            file = tmp_path / "www" / "mip" / "file" / digest[:2] / digest[:8]
            file.parent.mkdir(parents=True)
            file.write_text(text)
        with libs.Board(tmp_path, MIP, LINUX, tmp_path / "lib") as board:
            said = board.end()
    assert said[-2:] == ["Done", "60"]


ECHO = """
import asyncio
served = 0
async def echo(reader, writer):
    global served
    while True:
        data = await reader.read(200)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()
    served += 1
    print("served", served)
async def main():
    server = await asyncio.start_server(echo, "0.0.0.0", 7, backlog=5)
    print("ready")
    async with server:
        while served < 12:
            await asyncio.sleep_ms(20)
asyncio.run(main())
"""


def ask(port, data, answers):
    """A client: it sends all and reads as much; `answers` grows by what came."""
    with socket.create_connection((BOARD, port), timeout=libs.SOON) as s:
        threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
        got = b""
        while len(got) < len(data):
            some = s.recv(4096)
            if not some:
                break
            got += some
    answers.append(got == data)


@alone
def test_an_asyncio_echo_serves_four_clients_at_once(tmp_path):
    libs.network()
    with libs.Board(tmp_path, ECHO) as board:
        board.expect("ready")
        answers: list = []
        for turn in range(3):
            data = bytes(range(256)) * (8 * (turn + 1))
            clients = [threading.Thread(target=ask, args=(7, data, answers)) for _ in range(4)]
            for client in clients:
                client.start()
            for client in clients:
                client.join(libs.SOON)
        assert answers == [True] * 12
        assert board.end()[-1] == "served 12"


CLIENT = """
import asyncio, sys
async def ask(n):
    reader, writer = await asyncio.open_connection(sys.argv[1], 7000)
    text = b"line %d " % n * 60 + b"\\n"
    for i in range(5):
        writer.write(text)
        await writer.drain()
        assert await reader.readline() == text
    writer.close()
    await writer.wait_closed()
    return n
async def main():
    print(await asyncio.gather(*[ask(n) for n in range(4)]))
    reader, writer = await asyncio.open_connection(sys.argv[1], 9)
    try:
        await reader.read(1)
    except OSError as exc:
        print("refused", exc.errno)
    writer.close()
    reader, writer = await asyncio.open_connection(sys.argv[1], 7001)
    try:
        await asyncio.wait_for_ms(reader.read(10), 300)
    except asyncio.TimeoutError:
        print("late")
    writer.close()
    await writer.wait_closed()
asyncio.run(main())
"""


@contextlib.contextmanager
def listener(port, serve):
    """A server of threads on this side."""
    with socket.create_server((LINUX, port), backlog=8) as s:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield


def echo(conn):
    with conn:
        while data := conn.recv(4096):
            conn.sendall(data)


def silence(conn):
    with conn:
        conn.recv(1)


@alone
def test_asyncio_clients_wait_are_refused_and_give_up(tmp_path):
    libs.network()
    program = libs.Board(tmp_path, CLIENT, LINUX)
    with listener(7000, echo), listener(7001, silence), program as board:
        # asyncio does not look at a connection's error: the first read tells of it.
        assert board.end() == ["[0, 1, 2, 3]", "refused 111", "late"]


def curl(path, *options, scheme="http", check=True):
    """What the board answers; `path` may begin with a port."""
    url = "%s://%s%s" % (scheme, BOARD, path)
    command = ["curl", "-sS", "--max-time", str(libs.SOON), *options, url]
    return subprocess.run(command, check=check, capture_output=True, text=True).stdout
