"""`network` says the same on every Python."""

import subprocess
import sys
from pathlib import Path

from interpreters import ROOT
from lab.pythons import joined, run_unix, run_wasm

SCRIPT = Path(__file__).with_name("board_network.py")


def test_every_python_has_the_same_network():
    path = ":".join(str(ROOT / p) for p in ("lib", "tools/shims"))
    done = subprocess.run(
        [sys.executable, SCRIPT], env={"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 23, done.stdout
    assert run_unix(SCRIPT) == done.stdout
    assert run_wasm(SCRIPT) == done.stdout


INSTALLED = """
import usocket
theirs = usocket
from uipy.sock.install import install
install()
import socket, usocket
print(usocket is socket, usocket is theirs, hasattr(usocket, "IP_DROP_MEMBERSHIP"))
"""


def test_usocket_is_ours_where_a_port_has_its_own(tmp_path):
    """As on an ESP32: a u in front means what is built in, before any file of that name."""
    script = tmp_path / "installed.py"
    script.write_text(INSTALLED)
    said = run_unix(script, path=("joined", joined() / "modules", "tools/shims/unix"))
    assert said == "True False True\n"
