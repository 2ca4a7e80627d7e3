"""A Python file as the main program of a board on tap0 (tools/runboard.py), the libraries that
it imports, and the servers that it talks to.

    @alone
    def test_something(tmp_path):
        network()
        with nginx(tmp_path), Board(tmp_path, PROGRAM) as board:
            board.expect("ready")
            assert board.end() == ["ready", "200"]

Libraries come from two places. `build/libs` has those of requirements-libs.txt (`make test` brings
them). UIPY_LIBS names folders with a checkout of micropython-lib, and of MicroPython for its
examples: no package registry has them, so a test without them is skipped, in CI too.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from interop.lab import BOARD, LINUX, shell
from interop.test_time_log import program, running

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / "build" / "libs"
SOON = int(os.environ.get("UIPY_SOON", "120"))  # seconds, on a busy machine
needs_checkout = pytest.mark.may_skip_in_ci
_LIBS = [Path(p) for p in os.environ.get("UIPY_LIBS", "").split(":") if p]


def checkout(*files):
    """The folders below UIPY_LIBS that hold these files, each as `folder//file`."""
    found = []
    for name in files:
        folder, _, file = name.partition("//")
        for lib in _LIBS:
            if (lib / folder / file).exists():
                found.append(lib / folder)
                break
        else:
            pytest.skip("make libs-test LIBS=folder: no %s there" % name.replace("//", "/"))
    return found


def installed(name, folder):
    """A folder with this library of the package registry, and none of its neighbours."""
    for file in (name, name + ".py"):
        if (INSTALLED / file).is_dir():
            shutil.copytree(INSTALLED / file, folder / "lib" / file)
        elif (INSTALLED / file).exists():
            (folder / "lib").mkdir()
            shutil.copy(INSTALLED / file, folder / "lib")
    if not (folder / "lib").exists():
        pytest.skip("make build/libs/.stamp brings %s" % name)
    return folder / "lib"


def network():
    """tap0 in this namespace, with the kernel at the other end."""
    shell("ip link set lo up")
    shell("ip tuntap add dev tap0 mode tap")
    shell("ip addr add %s/24 dev tap0" % LINUX)
    shell("ip link set tap0 up")


def until(true, what, seconds=SOON):
    """Waits until the function gives something."""
    end = time.monotonic() + seconds
    while not (got := true()):
        if time.monotonic() > end:
            raise TimeoutError("not within %d s: %s" % (seconds, what))
        time.sleep(0.05)
    return got


def listens(port):
    """Does somebody listen on this TCP port of the namespace?"""
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in list(f)[1:]]
    return any(row[1].endswith(":%04X" % port) and row[3] == "0A" for row in rows)


def connected(port):
    """A connection to the board, as soon as it listens there: it has said "ready" before."""

    def there():
        try:
            return socket.create_connection((BOARD, port), SOON)
        except ConnectionRefusedError:
            return None

    return until(there, "port %d of the board" % port)


class Board:
    """A program on a board of its own. Its lines are in `said`, tracebacks in the file stderr."""

    def __init__(self, folder, text, *args, path=(), chip="enc28j60", options=()):
        self.file = folder / "main.py"
        self.file.write_text(text)
        self.command = [sys.executable, str(ROOT / "tools" / "runboard.py")]
        self.command += ["--tap", "tap0", "--ip", BOARD + "/24", "--gateway", LINUX]
        self.command += ["--dns", LINUX, "--chip", chip, "--python", "micropython", *options]
        for p in path:
            self.command += ["--path", str(p)]
        self.command += [str(self.file), *map(str, args)]
        self.folder = folder
        self.said: list = []

    def __enter__(self):
        self.errors = open(self.folder / "stderr", "wb")
        self.process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            errors="replace",
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))

    def expect(self, text):
        """Waits for a line that has the text in it; the line."""

        def there():
            dead = self.process.poll() is not None and not self.reader.is_alive()
            for line in list(self.said):
                if text in line:
                    return line
            assert not dead, "it ended without %r: %s" % (text, self.all())
            return None

        return until(there, "%r of %s" % (text, self.said))

    def all(self):
        """What it said, and then what went wrong."""
        return "\n".join([*self.said, (self.folder / "stderr").read_text()])

    def end(self):
        """Waits for its end, which must be a good one; all that it said."""
        status = self.process.wait(SOON)
        self.reader.join(SOON)
        assert status == 0, (status, self.all())
        return self.said

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.errors.close()
        if kind:
            print(self.all())


def certificate(folder, name="server", host=LINUX):
    """A key and a certificate that vouches for itself, as files."""
    key, crt = folder / (name + ".key"), folder / (name + ".crt")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        + ["-nodes", "-days", "3650", "-subj", "/CN=" + host, "-addext"]
        + ["subjectAltName=IP:%s,DNS:board.test" % host]
        + ["-keyout", str(key), "-out", str(crt)],
        check=True,
        capture_output=True,
    )
    return key, crt


_NGINX = """
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx.err;
events {{ worker_connections 64; }}
http {{
    access_log {dir}/access.log;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
    server {{
        listen 80; {tls}
        root {dir}/www;
        location = /old {{ return 301 /hello.txt; }}
        location = /far {{ return 302 http://{linux}:80/hello.txt; }}
        location = /json {{
            default_type application/json;
            return 200 '{{"a": [1, 2], "b": "x"}}';
        }}
        location /app/ {{ proxy_pass http://127.0.0.1:8000; proxy_http_version 1.1; }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(folder, tls=False):
    """Serves www/ of the folder; /old and /far redirect, /app/ is another server's (app.py)."""
    (folder / "www").mkdir(exist_ok=True)
    (folder / "www" / "hello.txt").write_text("hello, board\n")
    (folder / "www" / "big.bin").write_bytes(bytes(range(256)) * 400)
    more = ""
    if tls:
        key, crt = certificate(folder)
        more = "listen 443 ssl; ssl_certificate %s; ssl_certificate_key %s;" % (crt, key)
    conf = folder / "nginx.conf"
    conf.write_text(_NGINX.format(dir=folder, tls=more, linux=LINUX))
    command = (program("nginx"), "-c", str(conf), "-p", str(folder), "-e", str(folder / "err"))
    with running(*command, log=folder / "nginx.log"):
        until(lambda: listens(443 if tls else 80), "nginx listens")
        yield


_MOSQUITTO = """
listener 1883
allow_anonymous {anonymous}
persistence false
log_dest file {dir}/mosquitto.said
log_type all
user root
"""


@contextlib.contextmanager
def mosquitto(folder, more="", anonymous="true"):
    """A broker on port 1883; started again, it has forgotten everything."""
    conf = folder / "mosquitto.conf"
    conf.write_text(_MOSQUITTO.format(dir=folder, anonymous=anonymous) + more)
    command = (program("mosquitto"), "-c", str(conf))
    with running(*command, log=folder / "mosquitto.log") as p:
        until(lambda: listens(1883), "mosquitto listens")
        yield p


class Subscriber:
    """mosquitto_sub, subscribed: `said` has the lines 'topic payload'."""

    def __init__(self, folder, topic="#"):
        self.topic = topic
        self.log = folder / "subscriber.said"

    @property
    def said(self):
        return self.log.read_text().splitlines()

    def __enter__(self):
        command = ["mosquitto_sub", "-h", LINUX, "-v", "-d", "-q", "1", "-t", self.topic]
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(["stdbuf", "-oL", *command], stdout=out)
        until(lambda: any("received SUBACK" in line for line in self.said), "the SUBACK")
        return self

    def expect(self, line):
        until(lambda: line in self.said, "%r of %s" % (line, self.said))

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def publish(topic, text, *options):
    """mosquitto_pub."""
    shell_out = ["mosquitto_pub", "-h", LINUX, "-t", topic, "-m", text, *options]
    subprocess.run(shell_out, check=True, timeout=SOON)


# A PC has neither pins nor a clock that can be set: what a board's `machine` has of them.
MACHINE = """
import sys
class machine:
    class Pin:
        IN = OUT = 0
        def __init__(self, n, way):
            self.n = n
        def value(self, *to):
            return self.n & 1
    class RTC:
        def datetime(self):
            return 2026, 1, 2, 4, 3, 4, 5, 0
sys.modules["machine"] = machine
"""


def found(*names):
    """Skips the test when a program is not there."""
    for name in names:
        if not program(name) and not shutil.which(name):
            pytest.skip("no %s here" % name)
