"""Avahi in this namespace, with a bus of its own: its files are in a folder of the test's, and
what it would leave in /run is seen by nobody else."""

import ctypes
import os
import shutil
import signal
import subprocess
import time

import pytest

PROGRAMS = ("avahi-daemon", "avahi-browse", "avahi-resolve", "avahi-publish", "dbus-daemon")
_NEWNS = 0x00020000
_SECONDS = 30

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="signal"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
  </policy>
</busconfig>
"""

_DAEMON = """[server]
host-name=%s
use-ipv4=yes
use-ipv6=no
allow-interfaces=tap0
enable-dbus=yes
disallow-other-stacks=no
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
"""


def needed():
    """Skips the test where a program is not installed."""
    for name in PROGRAMS:
        if not shutil.which(name):
            pytest.skip(name + " is not installed: apt-get install avahi-daemon avahi-utils dbus")


class Avahi:
    """A daemon with this host name; `say` has what it wrote."""

    def __init__(self, folder, name="linux"):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_NEWNS):
            raise OSError(ctypes.get_errno(), "unshare")
        _run("mount", "--make-rprivate", "/")
        _run("mount", "-t", "tmpfs", "tmpfs", "/run")
        os.makedirs("/run/avahi-daemon")
        bus = folder / "bus"
        self.env = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=%s" % bus}
        (folder / "bus.conf").write_text(_BUS % bus)
        (folder / "avahi.conf").write_text(_DAEMON % name)
        self.log = folder / "avahi.log"
        self.started: list[subprocess.Popen] = []
        self.start("dbus-daemon", "--nofork", "--config-file=%s" % (folder / "bus.conf"))
        _wait(bus.exists)
        with self.log.open("w") as log:
            self.start(
                "avahi-daemon",
                *("--no-drop-root", "--no-chroot", "--no-rlimits", "--debug"),
                "--file=%s" % (folder / "avahi.conf"),
                stderr=log,
            )

    def start(self, *command, **more):
        """Starts a program that ends with us."""
        self.started.append(subprocess.Popen(command, env=self.env, **more))
        return self.started[-1]

    def ask(self, *command):
        """What a program says."""
        done = subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=_SECONDS
        )
        return done.stdout + done.stderr

    def says(self, text):
        return text in self.log.read_text()

    def close(self):
        for process in reversed(self.started):
            process.send_signal(signal.SIGTERM)
            process.wait(_SECONDS)


def _run(*command):
    subprocess.run(command, check=True)


def _wait(condition):
    end = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
