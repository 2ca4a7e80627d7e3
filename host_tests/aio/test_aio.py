"""uipy in an asyncio loop, with streams: the same script on CPython and on MicroPython."""

import os
import subprocess
import sys
from pathlib import Path

from lab.pythons import run_unix

SCRIPT = Path(__file__).with_name("talk.py")
ROOT = SCRIPT.parents[2]
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
wake: None
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
    assert (done.stdout, done.stderr) == (SAID.lstrip() + "cpython\n", "")


def test_streams_on_micropython():
    assert run_unix(SCRIPT, timeout=60) == SAID.lstrip() + "micropython\n"
