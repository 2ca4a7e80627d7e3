"""Options of a TCP socket. Loaded on use."""

from micropython import const

from .args import fault, ignored
from .numbers import (
    EBADF,
    EISCONN,
    ENOPROTOOPT,
    SO_BROADCAST,
    SO_ERROR,
    SO_KEEPALIVE,
    SO_LINGER,
    SO_RCVBUF,
    SO_REUSEADDR,
    SO_SNDBUF,
    SO_TYPE,
    SOCK_STREAM,
    TCP_NODELAY,
)
from .tcp import NEW, OPEN, defaults

_LEAST = const(64)  # octets of a ring
_MOST = const(0x1000000)


def set_option(end, opt, value):
    """setsockopt of a connection's endpoint."""
    if opt == SO_RCVBUF or opt == SO_SNDBUF:
        if not _LEAST <= value <= _MOST:
            raise ValueError("a buffer has %d octets or more" % _LEAST)
        if end.state != NEW:
            raise fault(EISCONN)
        if opt == SO_RCVBUF:
            end.rx_size = value
        else:
            end.tx_size = value
    elif opt == SO_KEEPALIVE:
        end.keep_s = (defaults["keepalive_s"] or 60) if value else 0
        if end.state == OPEN:
            end.conn.keepalive_s = end.keep_s
    elif opt == TCP_NODELAY:
        end.nodelay = bool(value)
        if end.state == OPEN:
            end.conn.nodelay = end.nodelay
    elif opt == SO_LINGER:
        on, s = _pair(value)
        end.linger = min(s, 0xFFFF) if on else -1
    elif opt != SO_REUSEADDR and opt != SO_BROADCAST:
        ignored(opt)


def option(end, opt):
    """getsockopt."""
    if opt == SO_TYPE:
        return SOCK_STREAM
    if opt == SO_ERROR:
        no = end.error_no
        if no != EBADF:
            end.error_no = 0
        return no
    if opt == SO_RCVBUF:
        return end.rx.size if end.rx else end.rx_size
    if opt == SO_SNDBUF:
        return end.tx.size if end.tx else end.tx_size
    if opt == SO_KEEPALIVE:
        return int(end.keep_s > 0)
    if opt == TCP_NODELAY:
        return int(end.nodelay)
    raise fault(ENOPROTOOPT)


def _pair(value):
    """Two numbers of C, as struct.pack("ii", on, seconds) makes them."""
    if isinstance(value, int) or len(value) != 8:
        raise ValueError("SO_LINGER: struct.pack('ii', on, seconds)")
    return int.from_bytes(value[:4], "little"), int.from_bytes(value[4:], "little")
