"""The Linux kernel's TCP/IP at the other end of the serial line, through tools/wire/sliprelay.py.

Needs /dev/net/tun and a network namespace (root, or user namespaces).
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def in_namespace(*words):
    if not os.path.exists("/dev/net/tun"):
        pytest.skip("no /dev/net/tun here: modprobe tun")
    flags = "-n" if os.geteuid() == 0 else "-Urn"
    command = ["unshare", flags, sys.executable, str(HERE / "namespace.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("mtu", ["576", "1500"])
@pytest.mark.parametrize("python", ["cpython", "micropython"])
def test_ping_echo_and_page_through_the_kernel(python, mtu):
    print(in_namespace(python, mtu))


def relay(*words):
    script = HERE.parents[1] / "tools" / "wire" / "sliprelay.py"
    command = [sys.executable, str(script), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


def test_a_tun_that_is_not_there_is_one_line(tmp_path):
    done = relay("--tun", "nosuch0", "--pty", str(tmp_path / "line"))
    assert done.returncode == 2
    assert done.stderr == "sliprelay: there is no nosuch0: ip tuntap add dev nosuch0 mode tun\n"
