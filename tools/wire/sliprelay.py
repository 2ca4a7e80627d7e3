"""Joins a serial line that speaks SLIP to a TUN: Linux's own TCP/IP is at the other end of it.

    sudo ip tuntap add dev slip0 mode tun user $USER
    sudo ip addr add 192.168.7.1/24 dev slip0; sudo ip link set slip0 up
    .venv/bin/python tools/wire/sliprelay.py --tun slip0 --serial /dev/ttyACM0

With `--pty LINK` the line is a pseudo-terminal, whose name is put at LINK: the place of a board
for tests. The kernel's own SLIP line discipline is not needed; PyPI's sliplib does the framing.
Prints `ready` when it serves; SIGTERM or Ctrl-C ends it with status 0 and one line of counts.
"""

import argparse
import contextlib
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
import tty

import sliplib

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_QUEUE = 1 << 14  # octets that wait for the line; the kernel's packets are dropped above


class NoLine(Exception):
    """The TUN or the serial line cannot be used; the message says what to do."""


def open_tun(name):
    """A file descriptor for a TUN that exists; `ip tuntap add dev NAME mode tun` makes one."""
    try:
        socket.if_nametoindex(name)
    except OSError:
        raise NoLine("there is no %s: ip tuntap add dev %s mode tun" % (name, name)) from None
    try:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    except OSError as exc:
        raise NoLine("%s: %s; is it a TUN, free, and yours?" % (name, exc.strerror)) from None
    return fd


def open_serial(path, baud):
    """A serial device, raw, 8N1, without flow control."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        make_raw(fd)
        speed = getattr(termios, "B%d" % baud)
        attributes = termios.tcgetattr(fd)
        attributes[4] = attributes[5] = speed
        termios.tcsetattr(fd, termios.TCSANOW, attributes)
    except (OSError, termios.error) as exc:
        raise NoLine("%s: %s" % (path, exc)) from None
    except AttributeError:
        raise NoLine("--baud %d: termios knows no such speed" % baud) from None
    return fd


def make_raw(fd):
    """Every octet passes as it is: no echo, no line editing, no XON/XOFF."""
    tty.setraw(fd)


def open_pty(link):
    """A pseudo-terminal; its name stands at `link`. The far end stays open, so that a board may
    come and go."""
    near, far = os.openpty()
    make_raw(far)
    os.set_blocking(near, False)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(link)
    os.symlink(os.ttyname(far), link)
    return near, far


class Relay:
    """Packets from the TUN to the line, and back."""

    def __init__(self, tun, line):
        self.tun, self.line = tun, line
        self.driver = sliplib.Driver()
        self.out = bytearray()
        self.to_line = self.to_tun = self.dropped = self.bad = 0

    def turn(self, timeout=None):
        """Waits until something can be moved, and moves it."""
        wanted = [self.tun, self.line]
        readable, writable, _ = select.select(wanted, [self.line] if self.out else [], [], timeout)
        if self.tun in readable:
            self._from_tun()
        if self.line in readable:
            self._from_line()
        if writable:
            self._flush()

    def _from_tun(self):
        packet = _read(self.tun, 65536)
        if not packet:
            return
        if len(self.out) > _QUEUE:
            self.dropped += 1
            return
        self.to_line += 1
        self.out += self.driver.send(packet)
        self._flush()

    def _flush(self):
        with contextlib.suppress(BlockingIOError):
            del self.out[: os.write(self.line, self.out)]

    def _from_line(self):
        data = _read(self.line, 4096)
        if not data:  # an empty one would tell the driver that all is over
            return
        self.driver.receive(data)
        while True:
            try:
                packet = self.driver.get(block=False)
            except sliplib.ProtocolError:
                self.bad += 1
                continue
            if not packet:
                return
            self._to_tun(packet)

    def _to_tun(self, packet):
        try:
            os.write(self.tun, packet)
            self.to_tun += 1
        except OSError:  # not IP, or the interface is down
            self.bad += 1


def _read(fd, n):
    try:
        return os.read(fd, n)
    except BlockingIOError:
        return b""
    except OSError as exc:
        if exc.errno == errno.EIO:  # nobody has the pty's other end open
            return b""
        raise


def _parser():
    p = argparse.ArgumentParser(prog="sliprelay", description="SLIP on a serial line <-> a TUN.")
    p.add_argument("--tun", required=True, metavar="NAME", help="a TUN that exists")
    line = p.add_mutually_exclusive_group(required=True)
    line.add_argument("--serial", metavar="DEVICE", help="a serial device, such as /dev/ttyACM0")
    line.add_argument("--pty", metavar="LINK", help="make a pseudo-terminal, reached by this link")
    p.add_argument("--baud", type=int, default=115200, help="of the serial device (115200)")
    return p


def main(argv=None):
    parser = _parser()
    args = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        tun = open_tun(args.tun)
        if args.pty:
            line, _far = open_pty(args.pty)
        else:
            line = open_serial(args.serial, args.baud)
    except NoLine as exc:
        parser.exit(2, "sliprelay: %s\n" % exc)
    relay = Relay(tun, line)
    try:
        print("ready", flush=True)
        while True:
            relay.turn()
    except KeyboardInterrupt:
        pass
    except OSError as exc:
        parser.exit(1, "sliprelay: %s\n" % exc.strerror)  # the line has gone
    finally:
        if args.pty:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(args.pty)
    print(
        "sliprelay: %d packets to the line, %d to the TUN; %d dropped, %d bad"
        % (relay.to_line, relay.to_tun, relay.dropped, relay.bad)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
