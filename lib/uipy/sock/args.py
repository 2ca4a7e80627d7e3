"""What a program gives a socket: addresses and octets, checked; and the socket that was closed."""

from ..errors import BadAddress
from .numbers import EBADF, POLL_NVAL

fault = OSError
if OSError(EBADF).errno is None:  # CPython wants a text beside the number

    def fault(no):  # type: ignore[no-redef]
        import os

        return OSError(no, os.strerror(no))


class _Closed:
    """The endpoint of a socket that was closed: whatever is asked of it raises EBADF."""

    callback = None

    def flags(self, events):
        return POLL_NVAL

    def close(self):
        pass

    def __getattr__(self, name):
        if name[:2] == "__":  # CPython asks for those of everything
            raise AttributeError(name)
        raise fault(EBADF)


closed = _Closed()


# The address that was read last and the one that was written last, as text and octets: a server
# answers whom it has heard, and a client asks the same server again.
_read = ("", b"\0\0\0\0")
_written = ("0.0.0.0", b"\0\0\0\0")


def where(loop, address):
    """(4 octets, port) of what a program calls an address. A name is looked up, and waited for."""
    global _read  # noqa: PLW0603
    host, port = address
    if not isinstance(port, int):
        raise TypeError("an address is (ip, port), and a port is a number")
    if not 0 <= port < 65536:
        raise ValueError("a port is 0 to 65535")
    if isinstance(host, bytes):
        host = host.decode()
    known = _read
    if host == known[0]:
        return known[1], port
    try:
        ip = loop.stack.ip_of(host)
        _read = host, ip
        return ip, port
    except BadAddress:
        pass
    from .names import getaddrinfo

    return loop.stack.ip_of(getaddrinfo(host, port)[0][-1][0]), port


def octets(data):
    """What can be sent, as octets."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return data
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, int):
        raise TypeError("bytes or a str can be sent, and not a number")
    return bytes(data)


def changeable(buf):
    """Raises TypeError for what octets cannot be read into."""
    if isinstance(buf, (bytes, str)):
        raise TypeError("a bytearray is wanted, whose octets can be changed")


def text_of(ip):
    """4 octets as "192.168.1.7"."""
    global _written  # noqa: PLW0603
    known = _written
    if ip != known[1]:
        known = _written = "%d.%d.%d.%d" % tuple(ip), bytes(ip)
    return known[0]


def ignored(opt):
    """An option that there is not. MicroPython's ports print a line too, and go on."""
    print("socket: option %d is ignored" % opt)


def is_ours(stack, ip):
    """Is it the address of one of our interfaces?"""
    for iface in stack.ifaces:
        if iface.ip == ip:
            return True
    return False


def free_port(stack):
    """A port that nobody listens on, of the dynamic ones."""
    while True:
        p = 49152 + ((stack.random8() << 8 | stack.random8()) & 0x3FFF)
        if not stack.tcp.listener(p):
            return p
