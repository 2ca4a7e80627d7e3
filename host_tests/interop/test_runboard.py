"""Programs under tools/runboard.py, as they would run on a board: those of MicroPython's
documentation, and of a tutorial for the Pico W.

Each runs on MicroPython and on CPython, bare and through the model of a chip. The other end is
Linux: Python's http.server, and curl.
"""

import fcntl
import http.server
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest
from interop.lab import BOARD, LINUX, alone, shell
from interop.test_dhcp import Dnsmasq

RUNBOARD = Path(__file__).resolve().parents[2] / "tools" / "runboard.py"
BOUND = 120  # seconds; the machine may be busy
WHERE = [(python, chip) for python in ("micropython", "cpython") for chip in ("none", "enc28j60")]
everywhere = pytest.mark.parametrize(("python", "chip"), WHERE)

# MicroPython's documentation, "Network - TCP sockets": an HTTP GET request.
GET = """
def http_get(url):
    import socket
    _, _, host, path = url.split('/', 3)
    addr = socket.getaddrinfo(host, 80)[0][-1]
    s = socket.socket()
    s.connect(addr)
    s.send(bytes('GET /%s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n' % (path, host), 'utf8'))
    while True:
        data = s.recv(100)
        if data:
            print(str(data, 'utf8'), end='')
        else:
            break
    s.close()
"""

# The same page: a simple HTTP server.
SERVER = """
import machine
pins = [machine.Pin(i, machine.Pin.IN) for i in (0, 2, 4, 5, 12, 13, 14, 15)]

html = '''<!DOCTYPE html>
<html>
    <head> <title>Pins</title> </head>
    <body> <table border="1"> <tr><th>Pin</th><th>Value</th></tr> %s </table> </body>
</html>
'''

import socket
addr = socket.getaddrinfo('0.0.0.0', 80)[0][-1]

s = socket.socket()
s.bind(addr)
s.listen(1)

print('listening on', addr)

while True:
    cl, addr = s.accept()
    print('client connected from', addr)
    cl_file = cl.makefile('rwb', 0)
    while True:
        line = cl_file.readline()
        if not line or line == b'\\r\\n':
            break
    rows = ['<tr><td>%s</td><td>%d</td></tr>' % (str(p), p.value()) for p in pins]
    response = html % '\\n'.join(rows)
    cl.send('HTTP/1.0 200 OK\\r\\nContent-type: text/html\\r\\n\\r\\n')
    cl.send(response)
    cl.close()
"""

# "Connecting to the Internet with Raspberry Pi Pico W": what its web server does, call by call.
# The interface is network.LAN() where it had network.WLAN(network.STA_IF).
PICO_W = """
import network
import socket
import time
from machine import Pin

led = Pin(15, Pin.OUT)
wlan = network.LAN()
wlan.active(True)
wlan.connect('a network', 'a password')

left = 10
while left > 0:
    if wlan.status() < 0 or wlan.status() >= 3:
        break
    left -= 1
    print('waiting for connection...')
    time.sleep(1)

if wlan.status() != 3:
    raise RuntimeError('network connection failed')
print('connected, ip =', wlan.ifconfig()[0])

s = socket.socket()
s.bind(socket.getaddrinfo('0.0.0.0', 80)[0][-1])
s.listen(1)
print('listening')

while True:
    try:
        cl, addr = s.accept()
        request = str(cl.recv(1024))
        if request.find('/light/on') == 6:
            led.value(1)
        if request.find('/light/off') == 6:
            led.value(0)
        state = 'LED is ' + ('ON' if led.value() else 'OFF')
        cl.send('HTTP/1.0 200 OK\\r\\nContent-type: text/html\\r\\n\\r\\n')
        cl.send('<html><p>%s</p></html>' % state)
        cl.close()
    except OSError as e:
        cl.close()
        print('connection closed')
"""


class Board:
    """A program on a board behind tap0; used in a namespace of its own."""

    def __init__(
        self, place, text, python, chip, *args, ip=BOARD + "/24", before=None, console=None
    ):
        shell("ip link set lo up")
        shell("ip tuntap add dev tap0 mode tap")
        shell("ip addr add %s/24 dev tap0" % LINUX)
        shell("ip link set tap0 up")
        self.server = before and before(place)
        self.file = place / "program.py"
        self.file.write_text(text)
        options = ["--tap", "tap0", "--ip", ip, "--python", python, "--chip", chip]
        self.process = subprocess.Popen(
            [sys.executable, str(RUNBOARD), *options, str(self.file), *args],
            text=True,
            start_new_session=True,
            **(console or dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)),
        )
        self._alarm = threading.Timer(BOUND, self.process.kill)
        self._alarm.daemon = True
        self._alarm.start()

    def until(self, word):
        """Reads the console up to a line with the word."""
        for line in self.process.stdout:
            if word in line:
                return line
        raise AssertionError("it never said %s: %s" % (word, self.process.stderr.read()))

    def end(self, by=None, said=None):
        """-> (status, stdout, stderr), after a signal, or with `said` on its console.

        MicroPython's unix port takes a signal in the middle of anything, and once in some sixty
        times it is lost there (docs/runboard.md): then it is sent again, as one presses again."""
        for _ in range(4 if by else 0):
            time.sleep(0.1)  # not into what was printed last
            self.process.send_signal(by)
            try:
                out, err = self.process.communicate(timeout=20)
                break
            except subprocess.TimeoutExpired:
                pass
        else:
            out, err = self.process.communicate(said)
        self._alarm.cancel()
        return self.process.returncode, out, err


def curl(path):
    return shell("curl -s -S -m 60 --retry 5 --retry-connrefused http://%s%s" % (BOARD, path))


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"".join(b"line %d\n" % k for k in range(3000)))


@everywhere
@alone
def test_the_documented_client_prints_a_page(tmp_path, python, chip):
    board = Board(tmp_path, GET + "http_get('http://%s/page')\n" % LINUX, python, chip)
    server = http.server.HTTPServer((LINUX, 80), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    status, out, err = board.end()
    assert status == 0, err
    head, body = out.split("\n\n")  # read as text: without \r
    assert head.startswith("HTTP/1.0 200 OK")
    assert body.splitlines() == ["line %d" % k for k in range(3000)]


@everywhere
@alone
def test_the_documented_server_serves(tmp_path, python, chip):
    board = Board(tmp_path, SERVER, python, chip)
    board.until("listening on")
    for _ in range(3):
        page = curl("/")
        assert page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n")
        assert page.count("<td>1</td>") == 8
    status, out, err = board.end(signal.SIGINT)
    assert status == 130
    assert out.count("client connected from ('%s'" % LINUX) == 3
    assert "KeyboardInterrupt" in err


@everywhere
@alone
def test_a_program_for_the_pico_w_serves_on_a_lan(tmp_path, python, chip):
    board = Board(tmp_path, PICO_W, python, chip)
    assert BOARD in board.until("connected, ip =")
    board.until("listening")
    assert "LED is ON" in curl("/light/on")
    assert "LED is ON" in curl("/")
    assert "LED is OFF" in curl("/light/off")
    assert board.end(signal.SIGINT)[0] == 130


@alone
def test_the_program_on_the_page_answers(tmp_path):
    page = (RUNBOARD.parent.parent / "docs" / "runboard.md").read_text()
    program = page.partition("```python\n")[2].partition("```")[0]
    board = Board(tmp_path, program, "micropython", "w5500")
    board.until("http://%s/" % BOARD)
    assert curl("/").startswith("You are %s, port " % LINUX)
    assert board.end(signal.SIGINT)[0] == 130


ASKS = """
import network
import socket
lan = network.LAN()
print(lan.isconnected(), *lan.ifconfig(), network.hostname(), lan.ipconfig("has_dhcp4"))
"""


@pytest.mark.parametrize("python", ("micropython", "cpython"))
@alone
def test_a_program_starts_with_the_address_that_a_server_lends(tmp_path, python):
    board = Board(tmp_path, ASKS, python, "none", ip="dhcp", before=Dnsmasq)
    status, out, err = board.end()
    assert status == 0, err
    ((ip, name),) = board.server.lent()
    board.server.close()
    assert out.split() == ["True", ip, "255.255.255.0", LINUX, "192.168.77.8", "uipy", "True"]
    assert name == "uipy" and ip in err, err


CONSOLE = """
import sys
print(sys.argv[1:], __name__)
name = input()
rest = sys.stdin.read()
print(name.upper(), len(rest))
sys.exit(int(name[-1]))
"""


@everywhere
@alone
def test_the_console_and_the_status_are_the_programs(tmp_path, python, chip):
    board = Board(tmp_path, CONSOLE, python, chip, "--tap", "x")
    status, out, err = board.end(said="name 7\nand\nmore\n")
    assert (status, err) == (7, "")
    lines = out.splitlines()  # between the two, MicroPython shows what input() has read
    assert lines[0] == "['--tap', 'x'] __main__" and lines[-1] == "NAME 7 9"


FAILS = """
def f():
    return 1 // 0
print('before')
f()
"""


@pytest.mark.parametrize("python", ("micropython", "cpython"))
@alone
def test_a_traceback_begins_in_the_program(tmp_path, python):
    board = Board(tmp_path, FAILS, python, "none")
    status, out, err = board.end()
    assert (status, out) == (1, "before\n")
    lines = err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == '  File "%s", line 5, in <module>' % board.file
    assert lines[-1].startswith("ZeroDivisionError")


LEAVES = """
import socket
kept = socket.socket()
kept.connect(('%s', 7000))
s = socket.socket()
s.connect(('%s', 7000))
try:
    print('connected')
    s.recv(1)
finally:
    s.write(b'x' * 1500 + b'the end')
    s.close()
""" % (LINUX, LINUX)


@everywhere
@alone
def test_what_ctrl_c_leaves_behind_is_sent_and_the_rest_is_reset(tmp_path, python, chip):
    board = Board(tmp_path, LEAVES, python, chip)
    with socket.create_server((LINUX, 7000)) as server:
        server.settimeout(BOUND)
        kept, client = (server.accept()[0] for _ in range(2))
        board.until("connected")
        assert board.end(signal.SIGINT)[0] == 130
        for s in (kept, client):
            s.settimeout(BOUND)
        got = b""
        while not got.endswith(b"the end"):
            more = client.recv(5000)
            assert more, got
            got += more
        assert client.recv(10) == b"" and len(got) == 1507
        with pytest.raises(ConnectionResetError):
            kept.recv(10)


CATCHES = """
try:
    print('up')
    while True:
        pass
except KeyboardInterrupt:
    print('caught')
print(input().upper())
"""


@alone
def test_a_key_interrupts_once_and_what_is_typed_arrives(tmp_path):
    ours, theirs = pty.openpty()

    def until(word):
        said = b""
        while word not in said:
            assert select.select([ours], [], [], BOUND)[0], said
            said += os.read(ours, 1000)

    # A session whose terminal it is: a key's signal comes from there. CPython: MicroPython's unix
    # port raises inside of C, and may crash when the key comes within a millisecond of a print.
    console = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "preexec_fn": own}
    board = Board(tmp_path, CATCHES, "cpython", "none", console=console)
    until(b"up")
    os.write(ours, b"\x03")
    until(b"caught")
    os.write(ours, b"typed\r")
    until(b"TYPED")
    assert board.process.wait(BOUND) == 0


def own():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


WAITS = """
import socket
s = socket.socket()
s.bind(('', 80))
s.listen(1)
print('listening')
s.accept()
"""


@pytest.mark.parametrize("python", ("micropython", "cpython"))
@alone
def test_it_ends_when_the_tap_is_removed(tmp_path, python):
    board = Board(tmp_path, WAITS, python, "none")
    board.until("listening")
    shell("ip link del tap0")
    status, _, err = board.end()
    assert status == 2
    assert err == "runboard: tap0 is gone: somebody has removed it\n"


@alone
def test_cpythons_asyncio_is_refused_in_one_line(tmp_path):
    board = Board(tmp_path, "import asyncio\n", "cpython", "none")
    status, _, err = board.end()
    assert status == 1
    assert "--python micropython" in err.splitlines()[-1]
