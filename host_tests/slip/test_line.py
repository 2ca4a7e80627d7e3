"""A board whose network is the serial line of its prompt: firmware/main.py, `chip = "slip"`."""

import os
import select
import subprocess
import tty
from pathlib import Path
from types import SimpleNamespace

import machine  # noqa: F401  (gives `time` what MicroPython has)
import main
import pytest
from lab.pythons import joined, micropython
from uipy import App, Bytes, Stack
from uipy.drivers.slip import Slip

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / "boards" / "RPI_PICO_SLIP"


def settings(**changed):
    given = {"chip": "slip", "ip": "dhcp", "gateway": None, "hostname": "uipy"}
    line = {"line_ip": "192.168.7.2/24", "line_gateway": "192.168.7.1", "line_mtu": 1500}
    return SimpleNamespace(**{**line, **given, **changed})


@pytest.mark.parametrize("ip", ["dhcp", "auto", "DHCP"])
def test_an_address_that_somebody_should_lend_is_that_of_the_line(port, ip, capsys):
    cfg = settings(ip=ip)
    dev, int_pin = main.device(cfg)
    assert int_pin is None and dev.l2 == 0 and dev.mtu == 1500
    assert (cfg.ip, cfg.gateway, cfg.hostname) == ("192.168.7.2/24", "192.168.7.1", None)
    said = "SLIP from here on, http://192.168.7.2/; Ctrl-C: the prompt\n"
    assert capsys.readouterr().out == said


def test_one_that_is_given_stays(port):
    cfg = settings(ip="10.0.0.2/30", gateway="10.0.0.1")
    main.device(cfg)
    assert (cfg.ip, cfg.gateway) == ("10.0.0.2/30", "10.0.0.1")


class Far:
    """The computer's end of a pseudo-terminal, as a stream."""

    def __init__(self, fd):
        self.fd = fd
        self.seen = b""

    def any(self):
        return 64 if select.select([self.fd], [], [], 0)[0] else 0

    def readinto(self, buf):
        data = os.read(self.fd, len(buf))
        self.seen += data
        buf[: len(data)] = data
        return len(data)

    def write(self, buf):
        return os.write(self.fd, buf)


class Ask(App):
    text = b""
    over = None

    def connected(self, conn):
        conn.finish(Bytes(b"GET / HTTP/1.0\r\n\r\n"))

    def received(self, conn, buf, start, n):
        self.text += bytes(buf[start : start + n])

    def closed(self, conn, reason):
        self.over = reason


@pytest.fixture
def far(tmp_path):
    """firmware/main.py on MicroPython, with the pins of RPI_PICO_SLIP, on a pseudo-terminal."""
    near, theirs = os.openpty()
    tty.setraw(theirs)
    config = (ROOT / "firmware" / "config.py").read_text()
    (tmp_path / "config.py").write_text(config + "lease_file = None\n")
    folders = [tmp_path, ".frozen", joined(), PINS, ROOT / "firmware", ROOT / "tools/shims"]
    board = subprocess.Popen(
        [micropython(), "-X", "heapsize=2M", "-c", "import main; main.main()"],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "MICROPYPATH": os.pathsep.join(map(str, folders))},
    )
    yield Far(near), board
    board.kill()
    board.stderr.close()
    os.close(near)
    os.close(theirs)


def wait(far, text, seconds=60):
    while text not in far.seen:
        assert select.select([far.fd], [], [], seconds)[0], far.seen
        far.seen += os.read(far.fd, 4096)


def test_a_board_without_any_chip_serves_its_page_and_gives_the_prompt_back(far):
    line, board = far
    wait(line, b"Ctrl-C: the prompt\n")
    stack = Stack(Slip(line, 1500), ip="192.168.7.1/24", tcp=1)
    ask = Ask()
    stack.connect(ask, "192.168.7.2", 80)
    while ask.over is None:
        select.select([line.fd], [], [], min(stack.poll(), 50) / 1000)
    assert ask.over == "done", ask.text
    head, _, page = ask.text.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and b"Content-Length: %d\r\n" % len(page) in head
    os.write(line.fd, b"\r\x03")  # as mpremote does
    wait(line, b"stopped\n")
    assert board.wait(60) == 0, board.stderr.read()
