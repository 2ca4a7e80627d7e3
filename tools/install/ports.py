"""Which serial port the board is on."""

import os

from serial.tools import list_ports

from install.content import Refused

DOWNLOAD = "https://micropython.org/download/"


def attached():
    """The serial ports of this machine that are on USB, sorted by name."""
    return sorted((p for p in list_ports.comports() if p.vid is not None), key=lambda p: p.device)


def find(wanted=None, ports=None, verb="install"):
    """The name of the port: the one wanted, or that of the only board."""
    ports = attached() if ports is None else ports
    if wanted:
        _usable(wanted, ports)
        return wanted
    if not ports:
        raise Refused(
            "no board: plug one in, with a USB cable that carries data (a Pico that shows up as a"
            " drive has no MicroPython yet: copy the .uf2 file from %s onto it)" % DOWNLOAD
        )
    if len(ports) > 1:
        names = ", ".join("%s (%s)" % (p.device, p.description) for p in ports)
        count = {2: "two", 3: "three"}.get(len(ports), "%d" % len(ports))
        example = ports[0].device
        raise Refused("%s boards: %s: say which, make %s PORT=%s" % (count, names, verb, example))
    _usable(ports[0].device, ports)
    return ports[0].device


def _usable(port, ports):
    """Raises Refused for what cannot be opened."""
    if os.name == "nt" or "://" in port:
        return
    if not os.path.exists(port):
        there = ", ".join(p.device for p in ports) or "none"
        raise Refused("there is no serial port %s here; on USB: %s" % (port, there))
    if not os.access(port, os.R_OK | os.W_OK):
        raise Refused(
            "%s belongs to a group that you are not in: sudo usermod -aG dialout $USER, then log"
            " in again" % port
        )
