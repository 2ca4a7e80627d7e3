"""A frame comes in; the next frame that is due. What `poll`, `input` and `output` have in
common."""

from micropython import const

from .kern import bump, tadd, tdiff
from .net.datagram import BUSY, DUE, FAR, LEN, LOST, NEXT_AT, NOW, OUT_PROTO
from .net.front import ARP, FRAGMENT, divisible, front, head
from .net.icmp import ICMP, echo
from .stat import N_IP_FRAG, N_IP_PROTO

_ROUNDS = const(4)  # over the layers for one frame


def frames_in(stack, iface):
    """Takes frames of this interface, one a turn: `send(n)` says that one of n octets lies in the
    buffer, and gives the length of the reply that was left there, 0 for none.

    A generator: its locals last from one frame to the next, and need no frame of their own.
    """
    buf, seg, out, stat = stack.buf, stack.seg, stack.out, stack.stat
    face, handlers = iface.face, stack.handlers
    n = 0
    try:
        while True:
            n = yield n
            n = front(buf, n, face, seg, stat)
            if n == ICMP:  # a part of IP (RFC 1122 3.2.2)
                n = echo(buf, seg, face, out, stat)
                if n == 0:
                    stack.icmp.input(iface)
                elif n < 0:
                    n = -n
                    divisible(stack.key, out)
            elif n == 0:
                continue
            elif n == ARP:
                n = iface.arp.input(seg[LEN])
                continue
            elif n in handlers:
                out[OUT_PROTO] = n
                n = handlers[n].input(iface)
            elif n == FRAGMENT:
                bump(stat, N_IP_FRAG)
                n = 0
            else:
                bump(stat, N_IP_PROTO)
                n = stack.icmp.refuse(iface, 2)  # RFC 1122 3.2.2.1: protocol unreachable
            if n:
                n = head(buf, n, face, out, stat)
    except GeneratorExit:
        raise  # another one has taken its place
    except:
        lost(stack.env)
        raise


def lost(env):
    """An exception that is none of a callback's leaves the stack, and ends generators."""
    env[BUSY] = 0
    env[LOST] = 1


def next_frame(stack):
    """The length of the next frame that is due, 0 when there is none."""
    env = stack.env
    now = env[NOW]
    if not env[DUE] and tdiff(env[NEXT_AT], now) > 0:
        return 0
    rounds = _ROUNDS
    while rounds:
        env[DUE] = 0
        n = _ask(stack, now)
        if n:
            env[DUE] = 1  # perhaps there is more
            return n
        if not env[DUE]:  # else a layer made another one due on the way
            break
        rounds -= 1
    return _rest(stack, now)


def _ask(stack, now):
    """What the first layer builds that has something to send."""
    for layer in stack.layers:
        n = layer.output(now)
        if n:
            return n
    return 0


def _rest(stack, now):
    """Nothing is due: when is something?"""
    stack.env[NEXT_AT] = tadd(now, FAR)
    for layer in stack.layers:
        ms = layer.deadline(now)
        ms = tadd(now, ms)
        stack.arm(ms)
    return 0
