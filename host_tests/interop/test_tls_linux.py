"""TLS between a board's program and Linux: OpenSSL, curl and Python's ssl, over a TAP.

The program runs under tools/runboard.py, with MicroPython's own asyncio and `requests`.
"""

import http.server
import signal
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from interop.lab import BOARD, LINUX, alone, shell
from interop.test_runboard import BOUND, Board
from sock import pki


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return pki.make(tmp_path_factory.mktemp("pki"))


def context(folder, who="board"):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(f"{folder}/{who}.pem", f"{folder}/{who}.key")
    return made


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"".join(b"line %d\n" % k for k in range(5000))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def pages(folder, who, port):
    server = http.server.ThreadingHTTPServer((LINUX, port), Pages)
    server.socket = context(folder, who).wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def plain(port, say):
    """Says this to everybody, and then nothing more. `None`: closes at once."""
    server = socket.create_server((LINUX, port))
    kept = []

    def serve():
        while True:
            s, _ = server.accept()
            if say is None:
                s.close()
                continue
            kept.append(s)
            s.sendall(say)

    threading.Thread(target=serve, daemon=True).start()


CLIENT = """
import socket, ssl, sys, time
HOST = '192.168.77.1'
folder = sys.argv[1]

def get(port, name='board.local', mode=ssl.CERT_REQUIRED):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = mode
    context.load_verify_locations(folder + '/ca.pem')
    s = socket.socket()
    s.settimeout(90 if port != 4404 else 2)
    s.connect((HOST, port))
    try:
        s = context.wrap_socket(s, server_hostname=name)
        s.write(b'GET / HTTP/1.0\\r\\n\\r\\n')
        head = s.readline()
        while s.readline() != b'\\r\\n':
            pass
        return '%s %d %s' % (head.decode().split()[1], len(s.read()), s.cipher()[1])
    finally:
        s.close()

for port, options in (
    (4400, {}),
    (4401, {}),
    (4400, {'name': 'other.local'}),
    (4402, {}),
    (4403, {}),
    (4403, {'mode': ssl.CERT_NONE}),
    (4404, {}),
    (4405, {}),
    (4406, {}),
):
    began = time.ticks_ms()
    try:
        print(port, get(port, **options))
    except Exception as exc:
        print(port, type(exc).__name__, exc.args)
    took = time.ticks_diff(time.ticks_ms(), began)
    if took > 60000:
        print('late:', took)
if sys.implementation.name != 'micropython':
    sys.exit()
import requests
r = requests.get('https://%s:4400/' % HOST)
print('requests', r.status_code, len(r.text))
"""


@pytest.mark.parametrize("python", ("micropython", "cpython"))
@alone
def test_a_client_gets_pages_and_refuses_what_is_wrong(tmp_path, folder, python):
    board = Board(tmp_path, CLIENT, python, "none", folder)
    for port, who in ((4400, "board"), (4401, "rsa"), (4402, "expired"), (4403, "self")):
        pages(folder, who, port)
    plain(4404, b"")
    plain(4405, b"HTTP/1.0 400 Bad Request\r\n\r\n")
    plain(4406, None)
    status, out, err = board.end()
    lines = out.splitlines()
    size = sum(len("line %d\n" % k) for k in range(5000))
    good = "200 %d TLSv1.2" % size
    assert status == 0, (out, err)
    assert lines[0] == "4400 " + good and lines[1] == "4401 " + good
    rest = "\n".join(lines[2:])
    assert rest.startswith("4400 ValueError") and "match" in rest.partition("4402")[0]
    assert "4402 ValueError" in rest and "expired" in rest
    assert "4403 ValueError" in rest and "4403 " + good in rest
    assert "Error (110" in rest.partition("4404")[2]  # says nothing: ETIMEDOUT after 2 s
    assert "4405 OSError (-29184" in rest  # not TLS: INVALID_RECORD
    assert "4406 OSError (-29312" in rest or "4406 OSError (104" in rest
    assert "late" not in rest
    assert python == "cpython" or "requests 200 %d" % size in rest


SERVER = """
import socket, ssl, sys

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + '/%s.pem', sys.argv[1] + '/%s.key')
li = socket.socket()
li.bind(('', 443))
li.listen(2)
print('listening')
while True:
    s, address = li.accept()
    s.settimeout(3)
    try:
        s = context.wrap_socket(s, server_side=True)
        s.settimeout(60)
        line = s.readline()
        while s.readline() != b'\\r\\n':
            pass
        body = b'you asked for ' + line.split()[1] + b'.' * 8000
        s.write('HTTP/1.0 200 OK\\r\\nContent-Length: %%d\\r\\n\\r\\n' %% len(body))
        s.write(body)
    except (OSError, ValueError) as exc:
        print('no:', exc)
    finally:
        s.close()
"""


def curl(path, folder, more=""):
    return shell(
        "curl -s -S -m %d --cacert %s/ca.pem --resolve board.local:443:%s %s "
        "https://board.local%s" % (BOUND - 20, folder, BOARD, more, path)
    )


@pytest.mark.parametrize(
    ("who", "python", "chip"),
    [
        ("board", "micropython", "none"),
        ("rsa", "micropython", "enc28j60"),
        ("board", "cpython", "none"),
    ],
)
@alone
def test_a_server_serves_curl_and_survives_the_rest(tmp_path, folder, who, python, chip):
    board = Board(tmp_path, SERVER % (who, who), python, chip, folder)
    board.until("listening")
    assert curl("/one", folder).startswith("you asked for /one...")
    with socket.create_connection((BOARD, 443)) as s:  # no TLS
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        board.until("no:")
    assert curl("/two", folder, "--tls-max 1.2").startswith("you asked for /two...")
    with socket.create_connection((BOARD, 443)) as s:  # vanishes in the handshake
        s.sendall(b"\x16\x03\x01\x00\xff\x01")
        board.until("no:")
    wrong = subprocess.run(
        ["curl", "-s", "-S", "-m", "100", f"https://{BOARD}/"], capture_output=True, text=True
    )
    assert wrong.returncode == 60, wrong.stderr  # nobody vouches for it here
    assert "-30592" in board.until("no:")  # and the board is told: FATAL_ALERT_MESSAGE
    assert len(curl("/three", folder)) == len("you asked for /three") + 8000
    assert board.end(signal.SIGINT)[0] == 130


AIO = """
import asyncio, ssl, sys

folder = sys.argv[1]
over = asyncio.Event()

async def shout(reader, writer):
    try:
        while True:
            line = await reader.readline()
            if not line:
                break
            if line == b'over\\n':
                over.set()
            writer.write(line.upper())
            await writer.drain()
    except (OSError, ValueError) as exc:
        print('no:', exc)
    writer.close()
    await writer.wait_closed()

async def client():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(folder + '/ca.der')
    reader, writer = await asyncio.open_connection(
        '192.168.77.1', 4400, ssl=context, server_hostname='board.local')
    writer.write(b'GET / HTTP/1.0\\r\\n')
    writer.write(b'\\r\\n')
    await writer.drain()
    head = await reader.readline()
    n = 0
    while await reader.readline() != b'\\r\\n':
        pass
    while True:
        data = await reader.read(3000)
        if not data:
            break
        n += len(data)
    print('client', head.decode().split()[1], n)
    writer.close()
    await writer.wait_closed()

async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder + '/board.der', folder + '/board.key.der')
    await client()
    server = await asyncio.start_server(shout, '0.0.0.0', 443, ssl=context)
    print('listening')
    await over.wait()
    await asyncio.sleep(1)

asyncio.run(main())
"""


def session(folder, k):
    """A client of the shouting server: 60 lines, of which the board says each in capitals."""
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ours.load_verify_locations(folder + "/ca.pem")
    with socket.create_connection((BOARD, 443)) as raw:
        raw.settimeout(BOUND)
        with ours.wrap_socket(raw, server_hostname="board.local") as s:
            file = s.makefile("rwb")
            for i in range(60):
                line = b"client %d line %d" % (k, i) + b"." * (11 * i) + b"\n"
                file.write(line)
                file.flush()
                assert file.readline() == line.upper()


@alone
def test_asyncio_is_client_and_server_unmodified(tmp_path, folder):
    board = Board(tmp_path, AIO, "micropython", "none", folder)
    pages(folder, "board", 4400)
    size = sum(len("line %d\n" % k) for k in range(5000))
    assert board.until("client").split() == ["client", "200", str(size)]
    board.until("listening")
    with socket.create_connection((BOARD, 443)) as s:
        s.sendall(b"no TLS at all\r\n")
        board.until("no:")
    failed = []

    def one(k):
        try:
            session(folder, k)
        except BaseException as exc:
            failed.append(exc)

    threads = [threading.Thread(target=one, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ours.load_verify_locations(folder + "/ca.pem")
    raw = socket.create_connection((BOARD, 443))
    with ours.wrap_socket(raw, server_hostname="board.local") as s:
        s.sendall(b"over\n")
        assert s.recv(100) == b"OVER\n"
    status, out, err = board.end()
    assert status == 0, (out, err)


UNREAD = (
    """
import socket, ssl, time
s = socket.socket()
s.connect(('%s', 4407))
s = ssl.wrap_socket(s, server_hostname='board.local')
print(s.read(5))
time.sleep(1)
s.ioctl(3, 0)
s.close()
"""
    % LINUX
)


@alone
def test_a_close_notify_that_nobody_read_makes_no_reset_of_our_close(tmp_path, folder):
    board = Board(tmp_path, UNREAD, "micropython", "none")
    with socket.create_server((LINUX, 4407)) as server:
        raw, _ = server.accept()
        raw.settimeout(BOUND)
        s = context(folder).wrap_socket(raw, server_side=True)
        s.sendall(b"hello")
        try:
            s.unwrap()  # sends it, and waits for the board's, which cannot come
        except ConnectionResetError:
            raise
        except OSError:
            pass
    status, out, err = board.end()
    assert (status, out) == (0, "b'hello'\n"), err


PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tls.md").read_text()
PROGRAMS = [block.partition("```")[0] for block in PAGE.split("```python\n")[1:]]


def documented(n, folder):
    """A program of docs/tls.md, with the folder that its files lie in."""
    text = PROGRAMS[n]
    for name in ("ca.pem", "board.pem", "board.key"):
        text = text.replace('"%s"' % name, repr("%s/%s" % (folder, name)))
    return text


@alone
def test_the_client_of_the_page_on_tls_runs(tmp_path, folder):
    assert len(PROGRAMS) == 2
    board = Board(tmp_path, documented(0, folder), "micropython", "none")
    pages(folder, "board", 4400)
    status, out, err = board.end()
    assert (status, out) == (0, "b'HTTP/1.0 200 OK\\r\\n'\n"), err


@alone
def test_the_server_of_the_page_on_tls_serves(tmp_path, folder):
    board = Board(tmp_path, documented(1, folder), "micropython", "none")
    retry = "--retry 20 --retry-delay 1 --retry-all-errors"
    assert curl("/", folder, retry) == "hi\n"
    assert board.end(signal.SIGINT)[0] == 130
