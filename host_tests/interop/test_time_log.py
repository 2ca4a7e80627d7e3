"""The time from chronyd, and a log that rsyslogd takes apart."""

import contextlib
import functools
import os
import re
import shutil
import socket
import subprocess
import time
from datetime import datetime, timezone

import pytest
from interop.lab import BOARD, LINUX, Board, alone, ticks_ms
from uipy.host import Sntp, Syslog

SOON = 30  # seconds, on a busy machine


def program(name):
    """Its path; None if it is not there."""
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def needs(name):
    return pytest.mark.skipif(not program(name), reason="no %s here" % name)


@contextlib.contextmanager
def running(*command, log):
    """A server of this namespace, until the end of the block."""
    with open(log, "ab") as out:
        p = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        try:
            yield p
        finally:
            p.terminate()
            try:
                p.wait(SOON)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()


def chronyd(folder, *lines):
    """Serves this machine's time, and does not touch it."""
    conf = folder / "chrony.conf"
    text = ["allow", "cmdport 0", "bindcmdaddress /", "pidfile %s/chronyd.pid" % folder, *lines]
    conf.write_text("\n".join(text) + "\n")
    command = (program("chronyd"), "-x", "-d", "-u", "root", "-f", str(conf))
    return running(*command, log=folder / "chronyd.log")


def rsyslogd(folder):
    """Writes what it makes of each message into `said`, a line each."""
    conf = folder / "rsyslog.conf"
    conf.write_text(
        'module(load="imudp")\n'
        'input(type="imudp" port="514")\n'
        'template(name="parts" type="string" string="%%pri%%|%%timereported:::date-rfc3339%%|'
        '%%hostname%%|%%app-name%%|%%procid%%|%%msgid%%|%%msg%%\\n")\n'
        'action(type="omfile" file="%s/said" template="parts")\n' % folder
    )
    pid = str(folder / "rsyslogd.pid")
    command = (program("rsyslogd"), "-n", "-f", str(conf), "-i", pid)
    return running(*command, log=folder / "rsyslogd.log")


def unix_ms(t):
    """ms since 1970 of what utc() gives."""
    d = datetime(*t[:6]).replace(tzinfo=timezone.utc)
    return round(d.timestamp()) * 1000 + t[6]


def listening(port):
    """Has somebody bound this UDP port?"""
    with open("/proc/net/udp") as f:
        return any(line.split()[1].endswith(":%04X" % port) for line in list(f)[1:])


def until(board, true):
    board.run(true, seconds=SOON)


@needs("chronyd")
@alone
def test_the_time_of_chronyd_is_that_of_the_kernel(tmp_path):
    board = Board(tcp=0)
    with chronyd(tmp_path, "local stratum 5"):
        said, set_to = [], []
        sntp = Sntp(board.stack, [LINUX], rtc=set_to.append, say=said.append)
        until(board, lambda: listening(123) and sntp.utc())
        # On a busy machine it may be looked at late: the best of some looks.
        assert min(abs(unix_ms(sntp.utc()) - time.time() * 1000) for _ in range(100)) < 500
        assert (sntp.server, sntp.stratum) == (LINUX, 5)
        until(board, lambda: set_to)
        assert said[0].startswith("It is 20") and LINUX in said[0]
        # The next one comes without waiting a minute for it.
        sntp.at = board.stack.now
        until(board, lambda: sntp.offset is not None)
        assert abs(sntp.offset) < 500
    counters = dict(sntp.counters())
    assert counters["sntp_in"] == 2 and counters["sntp_bad"] + counters["sntp_kiss"] == 0


@needs("chronyd")
@alone
def test_a_chronyd_that_does_not_know_the_time_is_not_believed(tmp_path):
    board = Board(tcp=0)
    with chronyd(tmp_path):
        sntp = Sntp(board.stack, [LINUX], ticks=ticks_ms)
        until(board, lambda: dict(sntp.counters())["sntp_unsync"])
        assert sntp.utc() is None


@needs("chronyd")
@alone
def test_a_chronyd_that_does_not_allow_us_is_passed_over(tmp_path):
    board = Board(tcp=0)
    with chronyd(tmp_path, "local stratum 5", "deny %s" % BOARD):
        until(board, functools.partial(listening, 123))
        sntp = Sntp(board.stack, [LINUX], ticks=ticks_ms)
        until(board, lambda: dict(sntp.counters())["sntp_silent"])
        assert sntp.utc() is None


@needs("rsyslogd")
@needs("chronyd")
@alone
def test_rsyslogd_takes_both_forms_apart(tmp_path):
    board = Board(tcp=0)
    with chronyd(tmp_path, "local stratum 5"), rsyslogd(tmp_path):
        sntp = Sntp(board.stack, [LINUX], ticks=ticks_ms)
        until(board, lambda: listening(514) and sntp.utc())
        ours = {"host": "board-7", "app": "heating", "clock": sntp}
        log = Syslog(board.stack, LINUX, facility=16, **ours)
        old = Syslog(board.stack, LINUX, facility=16, old=True, **ours)
        log.info("the tank is at %d degrees", 80)
        log.error("W\xe4rme \u20ac\nsecond line")
        log.critical(b"x" * 900)
        old.warning("in the old form")
        said = tmp_path / "said"
        until(board, lambda: said.exists() and said.read_bytes().count(b"\n") >= 4)
        lines = said.read_text().splitlines()
    rows = {row[6].lstrip("\ufeff ")[:5]: row for row in (line.split("|") for line in lines)}
    now = time.time()
    for row, pri in zip(
        ("the t", "W\xe4rme", "xxxxx", "in th"), (134, 131, 130, 132), strict=True
    ):
        got = rows[row]
        assert got[0] == str(pri) and got[2:5] == ["board-7", "heating", "-"], got
        when = datetime.fromisoformat(re.sub("Z$", "+00:00", got[1]))
        assert row == "in th" or abs(when.timestamp() - now) < 2 * SOON, got
    assert rows["W\xe4rme"][6].lstrip("\ufeff") == "W\xe4rme \u20ac\\nsecond line"
    assert rows["xxxxx"][6] == "x" * 900


@needs("rsyslogd")
@alone
def test_a_log_without_a_server_goes_on_when_there_is_one(tmp_path):
    board = Board(tcp=0)
    said = []
    log = Syslog(board.stack, LINUX, host="board-7", say=said.append)
    log.info("nobody hears this")
    until(board, lambda: said)  # the kernel says that the port is closed
    assert "refused" in said[0]
    with rsyslogd(tmp_path):
        until(board, functools.partial(listening, 514))
        log.at = board.stack.now  # not half a minute later
        log.info("somebody hears this")
        out = tmp_path / "said"
        until(board, lambda: out.exists() and b"somebody" in out.read_bytes())
        assert b"nobody" not in out.read_bytes()
    assert socket.gethostname() not in out.read_text()
