"""uipy in an asyncio loop, with streams: the same script on CPython and on MicroPython."""

import os
import re
import subprocess
import sys
from pathlib import Path

from lab.pythons import run_unix

SCRIPT = Path(__file__).with_name("talk.py")
ROOT = SCRIPT.parents[2]
# What asyncio's debug mode says of a step that took over 0.1 s: on a busy machine any may.
SLOW = re.compile(r"^Executing <.*> took \d+\.\d+ seconds\n", re.M)
SAID = r"""
b'ONE\n'
b'TWO\n'
b'LAST' b'bye\n' b''
[True, True, True]
writer: aborted
reader: ['reset']
refused
6 of 100 octets
drain: done
reset ['broken handler']
wake: None None
b'X\n' at once
on """


def test_streams_on_cpython():
    path = os.pathsep.join(str(ROOT / p) for p in ("lib", "tools/shims"))
    done = subprocess.run(
        [sys.executable, "-X", "dev", str(SCRIPT)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, SLOW.sub("", done.stderr)) == (SAID.lstrip() + "cpython\n", "")


def test_only_the_complaint_about_time_is_passed_over():
    slow = "Executing <Task pending coro=<main() running>> took 0.102 seconds\n"
    lost = "Task was destroyed but it is pending!\n"
    assert SLOW.sub("", slow + lost + slow) == lost
    assert SLOW.sub("", lost[:-1] + slow) == lost[:-1] + slow


def test_streams_on_micropython():
    assert run_unix(SCRIPT, timeout=60) == SAID.lstrip() + "micropython\n"
