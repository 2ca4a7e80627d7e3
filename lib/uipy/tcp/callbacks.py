"""The calls into the application. Each may raise: then its connection is aborted and the stack
goes on.

`with t` is the guard (`Tcp.__exit__`): it needs a smaller VM frame than try/except, and the hot
path may not exceed 11 words. `t.c` is the connection that an exception is blamed on.
"""

from micropython import const

from ..kern import put16, put32, u16, u32
from .row import KEY

_STATE = const(0)
_IDX = const(1)
_F = const(2)
_G = const(3)
_T = const(5)
_MAX = const(22)
_ROOM = const(88)
_GEN = const(94)
_LST = const(103)
_BUFF = const(114)

_F_RST = const(0x02)
_F_SEND = const(0x08)
_G_FIN_SENT = const(0x02)
_G_END = const(0x04)
_S_CLOSED = const(0)
_NO_LISTENER = const(255)


def connected(t, c):
    """The room that the application begins with is its buffer: half of it is worth an update of
    the window (RFC 9293 3.8.6.2.2), however small it is."""
    with t:
        c.app.connected(c)
    n = u32(c.r, _ROOM)
    if 0 < n < u32(c.r, _BUFF):
        put32(c.r, _BUFF, n)


def received(t, c):
    """Hands over t.d_len octets at t.d_buf[t.d_start:]; returns how many were taken."""
    if c.r[_F] & _F_RST:  # it has called abort: `closed` is all that follows
        return 0
    with t:
        n = _received(t, c)
        return t.d_len if n is None or n > t.d_len else n
    return 0


def _received(t, c):
    if c.src is not None:
        c.r[_F] |= _F_SEND  # what it is given may be what its source waits for
    return c.app.received(c, t.d_buf, t.d_start, t.d_len)


def acked(t, c, n):
    """n octets of the source have arrived at the peer."""
    t.d_len = n
    with t:  # a source that raises loses its connection too
        _acked(t, c)


def _acked(t, c):
    r = c.r
    n = t.d_len
    if c.src is not None:
        c.src.acked(n)
        if r[_G] & _G_END and u16(r, _MAX) <= (r[_G] & _G_FIN_SENT) >> 1:
            c.src = None  # all of it has arrived; a FIN may still be on its way
    c.app.acked(c, n)


def fill(t, c):
    """Asks the source for o_ask octets at o_rel and one more, to learn whether they are the last.

    Sets o_len, o_more (it has more just now) and o_end (nothing comes behind them).
    """
    t.o_len = 0
    t.o_more = False
    t.o_end = c.src is None
    if t.o_end or c.r[_F] & _F_RST:  # it raised a moment ago
        return
    with t:
        _fill(t, c)


def _fill(t, c):
    n = t.o_ask
    k = _ask(t, c.src)
    t.o_more = k > n
    t.o_len = n if k > n else k
    t.o_end = k <= n and bool(c.src.ended)


def _ask(t, src):
    return src.fill(t.o_rel, t.buf, t.o_if.tx + t.o_hl, t.o_ask + 1)


def peer_closed(t, c):
    with t:
        c.app.peer_closed(c)
    if c.src is not None:
        c.r[_F] |= _F_SEND  # it may have ended


def urgent(t, c, n):
    with t:
        c.app.urgent(c, n)


def tell(t, c, reason):
    """A soft error."""
    if c.r[_F] & _F_RST:
        return
    with t:
        c.app.error(c, reason)  # MUST-47


def poll(t, c):
    with t:
        c.app.poll(c)
    if c.src is not None:
        c.r[_F] |= _F_SEND


def end(t, c, reason):
    """The connection is over: the row is freed, the object goes back to the listener, and the
    application is told; it may open another connection at once, in this same row."""
    r = c.r
    app = c.app
    r[_STATE] = _S_CLOSED
    r[_F] = r[_T] = 0
    t.keys[KEY * r[_IDX]] = 0
    put16(r, _GEN, (u16(r, _GEN) + 1) & 0xFFFF)
    c.app = c.src = None
    if t.pool:
        t.pool.forget(c)
    app.conn = t.dead
    if r[_LST] != _NO_LISTENER:
        t.listeners[r[_LST]].give_back(app)
        t.half.room_again()
    was = t.c  # the end of one connection may be a call from another's callback
    t.c = c
    with t:
        app.closed(c, reason)  # MUST-12
    t.c = was
