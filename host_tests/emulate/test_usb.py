"""A bare Pico's network over its USB port, on the emulated RP2040 with a real MicroPython image
(FIRMWARE=file.uf2, as in test_image.py)."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE = os.environ.get("FIRMWARE", "")

pytestmark = [
    pytest.mark.may_skip_in_ci,
    pytest.mark.slow,
    pytest.mark.skipif(not IMAGE, reason="no MicroPython image: set FIRMWARE=file.uf2"),
]


def test_a_bare_pico_answers_over_usb_and_gives_its_prompt_back():
    subprocess.run(["make", "-s", ".venv/emu/.stamp"], cwd=ROOT, check=True)
    command = [".venv/emu/bin/python", "tools/emu/slip.py", IMAGE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    (ping,) = re.findall(r"^a ping of 56 octets takes ([\d.]+) ms", done.stdout, re.M)
    octets, page = re.findall(r"^a page of (\d+) octets takes (\d+) ms", done.stdout, re.M)[0]
    assert float(ping) < 20 and int(page) < int(octets) / 14  # kB/s
    assert done.stdout.endswith("gives the prompt back\n")
