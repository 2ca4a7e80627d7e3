"""class socket: what a program calls. It checks arguments, and waits; an endpoint does the rest.

An endpoint (tcp.py, udp.py) is never asked to wait. It has

    connect(ip, port)       begins; a datagram endpoint has done it then
    settled()               True when connecting is over, well or not
    check()                 raises what connecting has come to, if not well
    bind(ip, port)          ip: 4 octets, zeros for any; OSError(EADDRINUSE), ...
    listen(n)               returns the endpoint that listens in its place
    accept()                an endpoint, or None: nobody there yet
    send(buf, start, n)     how many octets were taken, or None: no room yet
    sendto(buf, start, n, ip, port)     the same
    space()                 octets that send would take now
    recv_into(buf, start, n, flags)     how many octets, 0 at the end, or None: nothing yet
    take(n, flags)          the same as bytes, b"" at the end
    line(n)                 octets up to and with the first line feed; all there are if there is
                            none; n at the most unless that is below 0
    readable(), writable()  True when a wait for it is over: recv_into or send gives no None now
    acceptable()            the same of accept
    flags(events)           POLL_RD and POLL_WR as far as asked for; POLL_ERR, POLL_HUP, POLL_NVAL
    peer or sender()        (ip, port), text: of the other end; of what recv_into gave last
    getsockname(), getpeername()
    setsockopt(opt, value), getsockopt(opt)
    shutdown(how), close()
    sock, callback          the socket, and what SO_CALLBACK set: loop.defer(callback, sock) is
                            called when something has come

and raises OSError. All calls but the constructor's run inside `with loop`, so that no poll comes
between.
"""

import io

from micropython import const

from ..loop import current
from .args import changeable, closed, fault, octets, where
from .numbers import (
    AF_INET,
    EAFNOSUPPORT,
    EAGAIN,
    EINPROGRESS,
    EINVAL,
    EPROTONOSUPPORT,
    ETIMEDOUT,
    IOCTL_CLOSE,
    IOCTL_POLL,
    IPPROTO_TCP,
    IPPROTO_UDP,
    MSG_DONTWAIT,
    SO_CALLBACK,
    SOCK_DGRAM,
    SOCK_STREAM,
)

_LONGEST = const(0x10000000)  # ms; a longer timeout is this one, 3 days
_PIECE = const(4096)


class socket(io.IOBase):
    """A socket of the stack that is attached (loop.py). Names, arguments, results and errors are
    those of MicroPython's documentation; where that is silent, those of its lwIP port.

    Nothing closes a socket that is dropped: MicroPython calls no finaliser of a Python class.
    """

    _end = closed
    _ms = -1  # timeout; below 0: for ever
    _made = 0
    _callback = None  # of one that did not wait when it was set
    _late = False  # that one was not called, for the socket waits

    def __init__(self, af=AF_INET, type=SOCK_STREAM, proto=0, fileno=None):
        """Raises TypeError for what is no number, OSError(EAFNOSUPPORT, EPROTONOSUPPORT, EINVAL)
        for what there is not, OSError(ENODEV) without a network. `fileno` is for `accept`."""
        for x in (af, type, proto):
            if not isinstance(x, int):
                raise TypeError("socket(af, type, proto): numbers, and not %r" % (x,))
        if af != AF_INET:
            raise fault(EAFNOSUPPORT)
        self._loop = loop = current() if fileno is None else fileno.loop
        if fileno is not None:
            end = fileno
        elif type == SOCK_STREAM:
            if proto not in (0, IPPROTO_TCP):
                raise fault(EPROTONOSUPPORT)
            from .tcp import End

            end = End(loop)
        elif type == SOCK_DGRAM:
            if proto not in (0, IPPROTO_UDP):
                raise fault(EPROTONOSUPPORT)
            from .udp import Dgrams

            end = Dgrams(loop)
        else:
            raise fault(EINVAL)
        end.sock = self
        self._end = end
        socket._made = self._no = (socket._made + 1) & 0x3FFFFFFF

    if hasattr(io.IOBase, "__del__"):  # CPython's would close the socket; here it is as on a board

        def __del__(self):
            pass

    def __enter__(self):
        return self

    def __exit__(self, kind, exc, trace):
        self.close()

    # Waiting

    def _wait(self, ready, flags=0):
        """Until ready() is true. False: it is not, and this call does not wait. Raises
        OSError(ETIMEDOUT)."""
        if self._ms == 0 or flags & MSG_DONTWAIT:
            self._loop.step()
            return ready()
        if not self._loop.until(ready, self._ms):
            raise fault(ETIMEDOUT)
        return True

    def settimeout(self, seconds):
        """None: calls wait for ever; 0: they do not wait; else OSError(ETIMEDOUT) after so many
        seconds, a float or an int; a wait that finds something begins anew."""
        if seconds is None:
            self._ms = -1
            return
        if seconds < 0:
            raise ValueError("a timeout is 0 or more seconds, or None")
        self._ms = min(int(seconds * 1000), _LONGEST) or (1 if seconds else 0)

    def setblocking(self, flag):
        """True: settimeout(None); False: settimeout(0)."""
        self._ms = -1 if flag else 0
        if self._late and not flag:
            self._late = False
            if self._end.callback:
                self._loop.defer(self._end.callback, self)

    # Opening and closing

    def bind(self, address):
        """Our (ip, port); "" or "0.0.0.0" is any address, port 0 any port."""
        ip, port = where(self._loop, address)
        with self._loop:
            self._end.bind(ip, port)

    def listen(self, backlog=2):
        """Accepts connections; `backlog` of them wait for `accept` at a time, 1 at least, and as
        many as the stack has rows at most."""
        with self._loop:
            self._end = self._end.listen(max(backlog, 1))

    def accept(self):
        """(socket, (ip, port)) of the connection that has waited longest. Its timeout is ours, as
        in the lwIP port."""
        while True:
            with self._loop:
                end = self._end.accept()
            if end is not None:
                s = socket(AF_INET, SOCK_STREAM, 0, end)
                s._ms = self._ms
                return s, end.peer
            if not self._wait(self._end.acceptable):
                raise fault(EAGAIN)

    def connect(self, address):
        """Connects to (ip, port); a name is looked up as by `getaddrinfo`. Raises
        OSError(ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENOMEM: no row is free); EINPROGRESS when it
        does not wait: POLLOUT tells the end of it."""
        ip, port = where(self._loop, address)
        end = self._end
        with self._loop:
            end.connect(ip, port)
        if end.settled():  # a datagram socket
            return
        if self._ms == 0:
            self._loop.step()
            raise fault(EINPROGRESS)
        self._wait(end.settled)
        end.check()

    def shutdown(self, how):
        """SHUT_WR: the peer reads our end behind what was written, we go on receiving. SHUT_RD:
        nothing is read any more."""
        with self._loop:
            self._end.shutdown(how)
        self._loop.step()

    def close(self):
        """Ends it; see docs/socket.md for what becomes of what was written and not read."""
        with self._loop:
            end = self._end
            self._end = closed
            end.close()
        self._loop.step()

    # Receiving

    def _some(self, n, flags=0):
        """bytes, n at most; None: nothing now, and this call does not wait."""
        while True:
            with self._loop:
                data = self._end.take(n, flags)
            if data is not None or not self._wait(self._end.readable, flags):
                return data

    def recv(self, n, flags=0):
        """What there is, n octets at most; b"" is the peer's end."""
        data = self._some(n, flags)
        if data is None:
            raise fault(EAGAIN)
        return data

    def recvfrom(self, n, flags=0):
        """(octets, (ip, port))."""
        data = self.recv(n, flags)
        end = self._end
        return data, end.peer or end.sender()

    def recv_into(self, buf, n=0, flags=0):
        """What there is into buf, n octets at most (0: len(buf)); how many."""
        n = min(n or len(buf), len(buf))
        changeable(buf)
        while True:
            with self._loop:
                k = self._end.recv_into(buf, 0, n, flags)
            if k is not None:
                return k
            if not self._wait(self._end.readable, flags):
                raise fault(EAGAIN)

    def _fill(self, buf, at, n):
        """n octets into buf[at:], fewer at the peer's end, or if it does not wait; how many. None:
        it does not wait, and there are none."""
        done = 0
        while done < n:
            with self._loop:
                k = self._end.recv_into(buf, at + done, n - done, 0)
            if k is None:
                if not self._wait(self._end.readable):
                    return done or None
            elif k == 0:
                break
            else:
                done += k
        return done

    def readinto(self, buf, n=-1):
        """Fills buf, or n octets of it; fewer at the peer's end. None: nothing now, and it does
        not wait."""
        changeable(buf)
        return self._fill(buf, 0, len(buf) if n < 0 else min(n, len(buf)))

    def read(self, n=-1):
        """n octets; fewer at the peer's end; -1: all until then. What was read is lost if an error
        comes between. None: nothing now, and it does not wait."""
        if n == 0:
            return b""
        if n is None or n < 0:
            return self._read_all()
        data = self._some(n)
        if self._ms == 0 and data and len(data) < n and not self._end.gone:
            with self._loop:
                data += self._end.take(n - len(data), 0) or b""  # raises a reset behind it
        if self._ms == 0 or not data or len(data) == n:
            return data
        buf = bytearray(n)
        at = len(data)
        buf[:at] = data
        at += self._fill(buf, at, n - at)
        return bytes(buf) if at == n else bytes(memoryview(buf)[:at])

    def _read_all(self):
        out = data = self._some(_PIECE)
        while data:
            data = self._some(_PIECE)
            if data:
                out += data
        return out

    def readline(self, n=-1):
        """Octets up to and with a line feed, n at most; without one at the peer's end, or if it
        does not wait. None: nothing now, and it does not wait."""
        out = b""
        while n != 0:
            with self._loop:
                data = self._end.take(self._end.line(n), 0)
            if data is None:
                if not self._wait(self._end.readable):
                    return out or None
                continue
            out += data
            n -= len(data) if n > 0 else 0
            if not data or data[-1] == 10:
                break
        return out

    # Sending

    def _put(self, buf, at, n, flags=0, once=False):
        """n octets of buf[at:], or `once`: as many as find room; how many. None: it does not wait,
        and there is no room for one."""
        done = 0
        while True:
            with self._loop:
                k = self._end.send(buf, at + done, n - done)
            if k is None:
                if not self._wait(self._end.writable, flags):
                    return done or None
            else:
                done += k
                if once or done >= n:
                    return done

    def send(self, data, flags=0):
        """As many octets of data (or of a str) as find room; how many."""
        data = octets(data)
        n = self._put(data, 0, len(data), flags, True)
        if n is None:
            raise fault(EAGAIN)
        return self._gone(n, flags)

    def sendall(self, data, flags=0):
        """All of it. If it does not wait: all or, with EAGAIN, nothing."""
        data = octets(data)
        if self._ms == 0 or flags & MSG_DONTWAIT:
            self._loop.step()
            if len(data) > self._end.space():
                raise fault(EAGAIN)
        self._put(data, 0, len(data))

    def sendto(self, data, flags, address=None):
        """A datagram: sendto(data, (ip, port)), or with flags between."""
        if address is None:
            address, flags = flags, 0
        data = octets(data)
        ip, port = where(self._loop, address)
        while True:
            with self._loop:
                n = self._end.sendto(data, 0, len(data), ip, port)
            if n is not None:
                return self._gone(n, flags)
            if not self._wait(self._end.writable, flags):
                raise fault(EAGAIN)

    def _gone(self, n, flags):
        """n. A datagram has a neighbour to go to, if this call waits: OSError(EHOSTUNREACH) when
        nobody has that address."""
        end = self._end
        gone = end.gone
        if gone and self._ms != 0 and not flags & MSG_DONTWAIT and not gone():
            try:
                self._wait(gone)
            finally:
                end.forget()
        return n

    def write(self, data, at=None, n=None):
        """All of it: write(data), write(data, n), write(data, at, n). If it does not wait: what
        finds room; None when that is nothing. How many octets."""
        data = octets(data)
        if n is None:
            n, at = at, 0
        if n is None or n > len(data) - at:
            n = len(data) - at
        n = self._put(data, at, n)
        return n if n is None else self._gone(n, 0)

    # The rest

    def setsockopt(self, level, opt, value):
        """docs/socket.md has the options. OSError(ENOPROTOOPT) for others."""
        if opt == SO_CALLBACK:
            self._callback = value
            self._end.callback = self._told if value and self._ms == 0 else value
        else:
            with self._loop:
                self._end.setsockopt(opt, value)

    def _told(self, sock):
        # MicroPython's `websocket` has a socket wait while it writes. Called then, WebREPL's
        # callback would wait for the next key, inside of that write.
        if self._ms:
            self._late = True
        else:
            self._callback(self)

    def getsockopt(self, level, opt):
        """The value of an option, a number."""
        return self._end.getsockopt(opt)

    def getsockname(self):
        """Our (ip, port)."""
        return self._end.getsockname()

    def getpeername(self):
        """The peer's (ip, port); OSError(ENOTCONN)."""
        return self._end.getpeername()

    def fileno(self):
        """A number of its own, for logs: nothing takes it in the socket's place. -1: closed."""
        return -1 if self._end is closed else self._no

    def makefile(self, mode="rb", buffering=0):
        """The socket: it is a stream itself."""
        return self

    def ioctl(self, request, arg):
        """What select.poll, asyncio and streams in C ask."""
        if request == IOCTL_POLL:
            self._loop.step()
            return self._end.flags(arg)
        if request == IOCTL_CLOSE:
            self.close()
            return 0
        return -EINVAL
