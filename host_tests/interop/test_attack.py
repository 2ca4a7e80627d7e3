"""An attack on a live board, all at once: a SYN flood, a storm of RST and FIN, fuzz (attacker.py),
clients that read slowly and clients that write slowly. Meanwhile honest clients fetch the page and
echo.

Goodput and failures are printed, and left in build/attack-*.md. Nothing here depends on how fast
the machine is: the board is compared with itself, before and after.
"""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from wire import lan as lans

ATTACKER = Path(__file__).with_name("attacker.py")
BUILD = lans.ROOT / "build"
BOARDS = {
    "cpython": {"python": "cpython", "chip": "none"},
    "micropython-enc28j60": {"python": "micropython", "chip": "enc28j60"},
}
CALM_S, ATTACK_S = 5, 15
# Frames of the attack a second: ten for each exchange that an honest client gets in peace, which
# on a machine with nothing else to do is the most.
LEAST, MOST, SHARE = 50, 500, 10
DRAIN_S = 90
ECHO = bytes(range(256)) * 8
PATIENCE_S = 10  # of an honest client
MEMORY = {"cpython": 1 << 20, "micropython-enc28j60": 0}  # octets more that a board may hold


class Tally:
    """What honest clients got in one phase."""

    def __init__(self):
        self.good = self.failed = self.octets = 0
        self.times = []
        self.why = {}

    def did(self, octets, seconds):
        self.good += 1
        self.octets += octets
        self.times.append(seconds)

    def missed(self, exc):
        self.failed += 1
        why = type(exc).__name__
        self.why[why] = self.why.get(why, 0) + 1

    def row(self, phase, what, seconds):
        times = sorted(self.times) or [0]
        half, most = times[len(times) // 2], times[-1]
        rate = self.octets / seconds / 1000
        cells = (phase, what, self.good, self.failed, "%.0f" % rate)
        cells += ("%.0f" % (half * 1000), "%.0f" % (most * 1000))
        return "| " + " | ".join(map(str, cells)) + " |"


def fetched(lan, path="/"):
    """The body of a page."""
    with lan.connect(80, timeout=PATIENCE_S) as s:
        s.sendall(b"GET %s HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n" % path.encode())
        head, _, body = lans.drain(s, limit=PATIENCE_S).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ValueError(head[:40])
    return body


def echoed(lan):
    with lan.connect(7, timeout=PATIENCE_S) as s:
        if lans.exchange(s, ECHO, limit=PATIENCE_S) != ECHO:
            raise ValueError("other octets")
    return ECHO


class Honest(threading.Thread):
    """Does one thing again and again; its results go to the tally of the phase."""

    def __init__(self, lan, what):
        super().__init__()
        self.lan, self.what = lan, what
        self.tally = Tally()
        self.over = False
        self.start()

    def run(self):
        while not self.over:
            tally, begun = self.tally, time.monotonic()
            try:
                tally.did(len(self.what(self.lan)), time.monotonic() - begun)
            except (OSError, ValueError, AssertionError) as exc:
                tally.missed(exc)
            time.sleep(0.005)

    def phase(self):
        """A new tally; -> the one before."""
        done, self.tally = self.tally, Tally()
        return done


class Slow(threading.Thread):
    """One that asks for more than it reads, and one that says its request octet by octet; each
    comes again when it was sent away."""

    def __init__(self, lan, reads):
        super().__init__()
        self.lan, self.reads = lan, reads
        self.over = False
        self.turns = 0
        self.start()

    def run(self):
        while not self.over:
            try:
                with self.connected() as s:
                    for k in range(600):
                        self.turns += 1
                        s.recv(1) if self.reads else s.send(b"GET /  HTTP"[k % 11 :][:1])
                        time.sleep(0.2)
                        if self.over:
                            return
            except OSError:
                time.sleep(0.2)

    def connected(self):
        return self.lan.connect(19 if self.reads else 80, timeout=3, SO_RCVBUF=2048)


def memory(kind, lan, board):
    """Octets that the board holds: its heap as it tells, or what the kernel counts."""
    if kind.startswith("micropython"):
        return status(lan)["used"]
    text = Path("/proc/%d/status" % board.process.pid).read_text()
    return int(text.split("VmRSS:")[1].split()[0]) * 1024


def status(lan):
    """/status.json; asked again while a client before is not quite gone."""
    for k in range(20):
        try:
            return json.loads(fetched(lan, "/status.json"))
        except (OSError, ValueError, AssertionError):
            if k == 19:
                raise
            time.sleep(0.5)
    raise AssertionError


def drained(lan, attacker):
    """-> what the tables still hold, after DRAIN_S at the most. What the flood has left behind is
    taken back, again when the board was too busy to hear of it."""
    until = time.monotonic() + DRAIN_S
    while True:
        attacker.stdin.write("\n")
        attacker.stdin.flush()
        attacker.stdout.readline()
        told = status(lan)
        rows = [c for c in told["conns"] if (c["port"], c["state"]) != (80, "ESTABLISHED")]
        if not rows and len(told["conns"]) <= 1 and not told["half"]:
            return []
        if time.monotonic() > until:
            return [*rows, *told["conns"][1:], told["half"]]
        time.sleep(1)


@pytest.fixture
def lan():
    try:
        net = lans.Lan()
    except lans.Missing as lack:
        pytest.skip(str(lack))
    yield net
    net.close()  # the board has said nothing on stderr, and ends with status 0


def measured(people, seconds):
    for p in people:
        p.phase()
    time.sleep(seconds)
    return [p.phase() for p in people]


def attacked(lan, people, rate):
    """The attack, and what `people` got meanwhile -> their tallies, what was fired, by whom."""
    slow = [Slow(lan, k % 2 == 0) for k in range(4)]
    command = [sys.executable, str(ATTACKER), lan.ifname, str(ATTACK_S), str(rate), "1"]
    try:
        with lan.inside():
            attacker = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        tallies = measured(people, ATTACK_S)
        fired = json.loads(attacker.stdout.readline())
        assert all(s.is_alive() and s.turns for s in slow)
    finally:
        end(slow)
    return tallies, fired, attacker


def end(people):
    for p in people:
        p.over = True
    for p in people:
        p.join(60)


def table(kind, phases, fired, grown, told):
    """What is printed, and left in build/."""
    lines = ["### " + kind, ""]
    lines.append("| phase | honest client | good | failed | kB/s | median ms | longest ms |")
    lines.append("|---|---|--:|--:|--:|--:|--:|")
    for phase, tallies, seconds in phases:
        for what, tally in zip(("page", "echo"), tallies, strict=True):
            lines.append(tally.row(phase, what, seconds))
    why = [t.why for _, tallies, _ in phases for t in tallies if t.why]
    lines += ["", "Fired: %s. Memory: %+d octets. Failures: %s." % (fired, grown, why or "none")]
    return "\n".join([*lines, "Counters: %s." % told, ""])


@pytest.mark.parametrize("kind", BOARDS)
def test_an_attack_leaves_a_board_that_serves(lan, kind):
    # Without cookies a flood of this kind locks everyone out: the half-open rows are its own.
    services = "http,echo,discard,daytime,chargen"
    board = lan.start(**BOARDS[kind], services=services, options="cookies")
    fetched(lan), echoed(lan), status(lan)
    people = [Honest(lan, fetched), Honest(lan, echoed)]
    try:
        measured(people, 1)
        calm = measured(people, CALM_S)
        before = memory(kind, lan, board)
        rate = SHARE * sum(t.good for t in calm) // CALM_S
        attack, fired, attacker = attacked(lan, people, max(LEAST, min(rate, MOST)))
        measured(people, 1)
        after = measured(people, CALM_S)
    finally:
        end(people)
    held = drained(lan, attacker)
    attacker.communicate()
    grown = memory(kind, lan, board) - before
    phases = (("before", calm, CALM_S), ("attack", attack, ATTACK_S), ("after", after, CALM_S))
    text = table(kind, phases, fired, grown, status(lan)["stat"])
    print(text)
    BUILD.mkdir(exist_ok=True)
    (BUILD / ("attack-%s.md" % kind)).write_text(text)

    assert fired["SYN"] > 100 and fired["RST, FIN"] > 100 and fired["fuzz"] > 100
    for was, under, again in zip(calm, attack, after, strict=True):
        assert was.good and not was.failed, was.why
        # Some may be turned away; most are served.
        assert under.good >= 2 * under.failed and under.good, under.why
        assert again.good and not again.failed, again.why
        # As fast as before, within what a machine may do that does other things too.
        assert again.good * 10 >= was.good
    assert grown <= MEMORY[kind]
    assert held == []
