"""Where frames come from on Linux: a TAP, or an AF_PACKET socket on one end of a veth pair.

Both have `fileno()`, `read()` -> frame or b"" (never blocks; NoMedium when the interface has been
removed) and `write(frame)`.
"""

import array
import errno
import fcntl
import os
import socket
import struct
import sys

ETH_P_ALL = 3
_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
_SOL_PACKET, _PACKET_AUXDATA, _PACKET_OUTGOING = 263, 8, 4
_CSUM_NOT_READY = 1 << 3  # linux/if_packet.h TP_STATUS_CSUMNOTREADY
_SIOCETHTOOL = 0x8946
_OFFLOADS = (0x17, 0x1F, 0x24)  # linux/ethtool.h ETHTOOL_STXCSUM, STSO, SGSO
_LONGEST = 1514


class NoMedium(Exception):
    """The interface cannot be used, or is gone; the message says what to do."""


def _gone(name):
    return NoMedium("%s is gone: somebody has removed it" % name)


def _index(name):
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


class Tap:
    """A TAP that exists already; `ip tuntap add dev NAME mode tap` makes one."""

    def __init__(self, name):
        self._name = name
        if not _index(name):
            raise NoMedium(
                "there is no interface %s: ip tuntap add dev %s mode tap; ip link set %s up"
                % (name, name, name)
            )
        try:
            self._fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        except OSError as exc:
            raise NoMedium(
                "/dev/net/tun: %s; run as root, or give one end of a veth pair as --iface"
                % exc.strerror
            ) from None
        try:
            request = struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI)
            fcntl.ioctl(self._fd, _TUNSETIFF, request)
        except OSError as exc:
            os.close(self._fd)
            why = {
                errno.EBUSY: "another program uses it; end that one first",
                errno.EINVAL: "it is not a TAP: ip tuntap add dev NAME mode tap makes one",
                errno.EPERM: "only root and its owner may use it",
            }.get(exc.errno or 0, exc.strerror)
            raise NoMedium("%s: %s" % (name, why)) from None

    def fileno(self):
        return self._fd

    def read(self):
        try:
            return os.read(self._fd, 2048)
        except BlockingIOError:
            return b""
        except OSError as exc:
            if exc.errno == errno.EBADFD:
                raise _gone(self._name) from None
            return b""  # the interface is down: no cable

    def write(self, frame):
        try:
            os.write(self._fd, frame)
        except OSError:  # down or full: as lost as on any wire
            pass

    def close(self):
        os.close(self._fd)


class Packet:
    """One end of a veth pair. Wants CAP_NET_RAW, which `unshare -Urn` gives to anybody.

    The other end hands over frames without checksums, and TCP segments longer than the MTU, for a
    network card to finish. Where it can be reached from here that is turned off; a missing
    checksum is put in all the same. Too long a frame is dropped, and said once.
    """

    def __init__(self, name):
        if not _index(name):
            raise NoMedium(
                "there is no interface %s: ip link add %s type veth peer name PEER" % (name, name)
            )
        try:
            self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except PermissionError:
            raise NoMedium("AF_PACKET is for root, or inside `unshare -Urn`") from None
        self._sock.setblocking(False)
        self._sock.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._sock.bind((name, ETH_P_ALL))
        self._told = False
        self._name, self._is = name, _index(name)
        peer = _peer(name)
        if peer:
            _no_offloads(peer)

    def fileno(self):
        return self._sock.fileno()

    def read(self):
        while True:
            try:
                frame, more, _, where = self._sock.recvmsg(65536, 64)
            except BlockingIOError:
                return b""
            except OSError:  # the interface is down
                if _index(self._name) != self._is:
                    raise _gone(self._name) from None
                return b""
            if where[2] == _PACKET_OUTGOING:  # our own
                continue
            if len(frame) > _LONGEST:
                self._too_long(len(frame))
                continue
            if any(_not_ready(*item) for item in more):
                frame = finished(frame)
            return frame

    def _too_long(self, n):
        if not self._told:
            self._told = True
            print(
                "frames of %d octets arrive: ethtool -K PEER tx off gso off tso off" % n,
                file=sys.stderr,
            )

    def write(self, frame):
        try:
            self._sock.send(frame)
        except OSError:
            pass

    def close(self):
        self._sock.close()


def _not_ready(level, kind, data):
    return (
        level == _SOL_PACKET
        and kind == _PACKET_AUXDATA
        and bool(struct.unpack_from("=I", data)[0] & _CSUM_NOT_READY)
    )


def _peer(name):
    """The name of a veth's other end, where it is in the same namespace; else None."""
    # The first of a veth's statistics is its peer's index.
    for index, other in socket.if_nameindex():
        if other != name and _peer_index(other) == _index(name):
            return other
    return None


def _ethtool(name, data):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        buf = array.array("B", data)
        request = struct.pack("16sP16x", name.encode(), buf.buffer_info()[0])
        fcntl.ioctl(s, _SIOCETHTOOL, request)
        return buf.tobytes()


def _peer_index(name):
    try:
        driver = _ethtool(name, struct.pack("I", 3) + bytes(300))  # ETHTOOL_GDRVINFO
        if not driver[4:36].startswith(b"veth\0"):
            return 0
        n = struct.unpack_from("I", driver, 180)[0]
        stats = _ethtool(name, struct.pack("II", 0x1D, n) + bytes(8 * n))  # ETHTOOL_GSTATS
        return struct.unpack_from("Q", stats, 8)[0]
    except OSError:
        return 0


def _no_offloads(name):
    for command in _OFFLOADS:
        try:
            _ethtool(name, struct.pack("II", command, 0))
        except OSError:
            pass


def _sum(data):
    total = sum(struct.unpack("!%dH" % ((len(data) + 1) // 2), data + bytes(len(data) & 1)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def finished(frame):
    """The frame with the TCP or UDP checksum that the kernel left to the network card."""
    at = {6: 16, 17: 6}.get(frame[23])
    if frame[12:14] != b"\x08\x00" or at is None:
        return frame
    start = 14 + ((frame[14] & 15) << 2)
    end = 14 + struct.unpack_from("!H", frame, 16)[0]
    out = bytearray(frame)
    out[start + at : start + at + 2] = b"\0\0"
    pseudo = bytes(out[26:34]) + struct.pack("!HH", frame[23], end - start)
    value = _sum(pseudo + bytes(out[start:end])) ^ 0xFFFF
    struct.pack_into("!H", out, start + at, value or 0xFFFF)
    return bytes(out)
