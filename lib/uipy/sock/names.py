"""getaddrinfo: the addresses of a name, as MicroPython's `socket` has it.

    getaddrinfo("www.example.org", 80)      [(2, 1, 0, "", ("192.0.2.1", 80)), ...]
    await addresses("www.example.org", 80)  the same in asyncio, where nothing else has to wait

An address is its own name, and wants no network yet. Other names are asked of the resolver that
`loop.attach` was given: name servers, and everybody on the link for those in `.local`.

What is wrong is an OSError with a negative number that says that it is about the name, as with
lwIP: -2 there is no such name, or no address to it; -6 there is no name server to ask. And a
positive one: ETIMEDOUT nobody has answered, EHOSTUNREACH no way to any name server, ENOMEM too
many names are asked for at a time. With lwIP all of these are -2.
"""

from micropython import const

from .. import loop as loops
from ..errors import BadAddress, Error, TableFull
from ..net.iface import ip_of
from .numbers import (
    AF_INET,
    EAFNOSUPPORT,
    EHOSTUNREACH,
    EINVAL,
    ENOMEM,
    ETIMEDOUT,
    SOCK_DGRAM,
    SOCK_STREAM,
)

NO_NAME = const(-2)
NO_SERVER = const(-6)

_BOUND_MS = const(60_000)  # the resolver ends by itself before: 3 tries of 2 to 4 s, 2 domains
_STEP_MS = const(10)  # between two looks of a task
_REASONS = {
    "timeout": ETIMEDOUT,
    "unreachable": EHOSTUNREACH,
    "no server": NO_SERVER,
    "no free port": ENOMEM,
}


class _Question:
    """A name that is asked for."""

    def __init__(self, resolver, name):
        self.resolver = resolver
        self.name = name
        self.over = False
        self.error = self.found = None
        try:
            self.ticket = resolver.resolve(name, "A", self._done)
        except TableFull as exc:
            raise OSError(ENOMEM, str(exc))
        except Error as exc:  # it cannot be a name
            raise OSError(NO_NAME, str(exc))

    def _done(self, answer):
        self.error = answer.error
        self.found = answer.records()
        self.over = True

    def is_over(self):
        return self.over

    def addresses(self):
        if not self.over:
            raise OSError(ETIMEDOUT, "%s: nobody answers" % self.name)
        if self.error:
            raise OSError(_REASONS.get(self.error, NO_NAME), "%s: %s" % (self.name, self.error))
        return self.found


def getaddrinfo(host, port, af=0, kind=0, proto=0, flags=0):
    """A list of (family, type, proto, "", (address, port)), one for each address of the host.

    host    a name, or an address; "" and None are 0.0.0.0
    port    a number, also as text
    af      0 or AF_INET; kind (type) 0, SOCK_STREAM or SOCK_DGRAM; flags are not looked at

    Waits as long as the resolver asks, a minute at the most."""
    port, found = _known(host, port, af, kind)
    if not found:
        loop = loops.current()
        question = _ask(loop, host)
        try:
            loop.until(question.is_over, _BOUND_MS)
        finally:
            if not question.over:  # Ctrl-C
                question.resolver.cancel(question.ticket)
        found = question.addresses()
    return _infos(found, port, kind, proto)


async def addresses(host, port, af=0, kind=0, proto=0, flags=0):
    """`getaddrinfo` for a task. One that is cancelled here asks no more."""
    from asyncio import sleep

    port, found = _known(host, port, af, kind)
    if not found:
        loop = loops.current()
        question = _ask(loop, host)
        try:
            left = _BOUND_MS
            while not question.over and left > 0:
                loop.step()
                await sleep(_STEP_MS / 1000)
                left -= _STEP_MS
        finally:
            if not question.over:
                question.resolver.cancel(question.ticket)
        found = question.addresses()
    return _infos(found, port, kind, proto)


def _known(host, port, af, kind):
    """The port as a number, and what needs nobody to be asked: a list of addresses, or None."""
    port = int(port or 0)
    if not 0 <= port < 65536:
        raise OSError(EINVAL, "a port is a number from 0 to 65535")
    if af != 0 and af != AF_INET:
        raise OSError(EAFNOSUPPORT, "there is IPv4 only: AF_INET")
    if kind and kind != SOCK_STREAM and kind != SOCK_DGRAM:
        raise OSError(EINVAL, "SOCK_STREAM or SOCK_DGRAM")
    if not host:
        return port, ["0.0.0.0"]
    host = _text(host)
    if host.lower().rstrip(".") == "localhost":  # RFC 6761 6.3: no name server is asked
        return port, ["127.0.0.1"]
    try:
        return port, ["%d.%d.%d.%d" % tuple(ip_of(host))]
    except BadAddress:
        return port, None


def _text(host):
    return host if isinstance(host, str) else bytes(host).decode()


def _ask(loop, host):
    host = _text(host)
    if ":" in host:
        raise OSError(NO_NAME, "%s: there is IPv4 only" % host)
    resolver = loop.resolver
    if resolver is None:
        raise OSError(NO_SERVER, "%s: no resolver, see loop.attach" % host)
    return _Question(resolver, host)


def _infos(found, port, kind, proto):
    return [(AF_INET, kind or SOCK_STREAM, proto, "", (ip, port)) for ip in found]
