"""runboard's arguments: whatever cannot be is one line that says what to do, and status 2."""

import subprocess
import sys
from pathlib import Path

import pytest

RUNBOARD = Path(__file__).resolve().parent.parent.parent / "tools" / "runboard.py"
TAP = ["--tap", "nosuch0", "--ip", "10.0.0.2/24"]

WRONG = {
    "no program": (TAP, "FILE"),
    "no such program": ([*TAP, "nosuch.py"], "nosuch.py"),
    "a folder for a program": ([*TAP, "."], "directory"),
    "no interface": (["--ip", "10.0.0.2/24", __file__], "--tap"),
    "no such interface": ([*TAP, __file__], "ip tuntap add"),
    "an address without a length": ([*TAP[:2], "--ip", "10.0.0.2", __file__], "/24"),
    "no heap": ([*TAP, "--heap", "much", __file__], "4M"),
    "a heap for CPython": (
        [*TAP, "--python", "cpython", "--heap", "4M", __file__],
        "leave it out",
    ),
    "no such folder": ([*TAP, "--path", "nosuch", __file__], "nosuch"),
    "an unknown chip": ([*TAP, "--chip", "rtl8139", __file__], "enc28j60"),
    "nowhere to record to": ([*TAP, "--pcap", "/nosuch/x.pcap", __file__], "/nosuch/x.pcap"),
}


@pytest.mark.parametrize("what", WRONG)
def test_it_says_in_one_line_what_to_do(what):
    arguments, word = WRONG[what]
    done = subprocess.run(
        [sys.executable, str(RUNBOARD), *arguments], capture_output=True, text=True
    )
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and word in done.stderr, done.stderr
