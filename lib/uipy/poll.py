"""`stack.poll`: frames between the devices and the stack.

A device is moved by a generator, `dev.frames(buf).send`, whose locals are the driver's state: it
needs no frame and no look-up on the hot path.

    move(m)     m > 0: sends the m octets at buf[2:]; and then, as for m = 0, returns the octets of
                the next frame received, now at buf[2:], 0 for none, -1 while the transmitter is
                busy: then nothing is received, for the answer would have no place
    move(-1)    1 when the transmitter is free, else 0
    move(-m)    m > 2: sends, and receives nothing; returns 0

An exception that leaves the generator (a KeyboardInterrupt) ends it; then the device is asked for
another one, and puts itself right. `plain_frames` makes such a generator for a device that has
only recv_into, can_send and send.
"""

from micropython import const

from .errors import Reentered
from .frames import lost, next_frame
from .kern import tadd, tdiff
from .kern.ptr import kernel, ptr32
from .net.datagram import BUSY, CLOCK, CLOCK_LOW, DUE, LOST, NEXT_AT, NOW, OUT_IFACE, STILL_AT

try:
    from time import ticks_ms
except ImportError:  # CPython
    from time import monotonic_ns  # type: ignore[attr-defined]

    def ticks_ms():
        """Milliseconds from an unspecified start, modulo 2**30."""
        return monotonic_ns() // 1_000_000 & 0x3FFFFFFF


_FRAMES = const(16)  # in, and again out, in one poll
_LINK_MS = const(1000)  # between looks at the links
_BUSY = const(-1)


def plain_frames(dev, buf):
    """What moves a device that has recv_into, can_send and send."""
    n = 0
    while True:
        m = yield n
        if m == _BUSY:
            n = 1 if dev.can_send() else 0
        elif m < 0:
            dev.send(buf, -m)
            n = 0
        else:
            if m:
                dev.send(buf, m)
            n = dev.recv_into(buf) if dev.can_send() else _BUSY


def _mover(iface):
    """The call that moves the frames of an interface."""
    dev = iface.dev
    own = getattr(dev, "frames", None)
    buf = iface.stack.buf
    frames = own(buf) if callable(own) else plain_frames(dev, buf)
    iface.move = frames.send
    iface.move(None)
    return iface.move


@kernel
def tick(env: ptr32, now: int):
    """A poll, an input or an output begins, at the time `now`. A clock that goes back moves
    nothing."""
    env[BUSY] = 1
    env[STILL_AT] = 0 - 1
    d = now - env[NOW]
    env[NOW] = now
    if d < 0:
        d += 0x20000000
        d += 0x20000000
    if 0 < d and d < 0x20000000:
        lo = env[CLOCK_LOW] + (d & 0xFFFF)
        env[CLOCK] = (env[CLOCK] + (d >> 16) + (lo >> 16)) & 0xFFFF
        env[CLOCK_LOW] = lo & 0xFFFF


def poller(stack):
    """Makes `stack.poll`. A closure: an idle poll, which happens thousands of times between two
    frames, is a look at the INT pin and a subtraction. It has four cells and one argument; a call
    of more would take heap."""
    env = stack.env
    look = getattr(stack.ifaces[0].dev, "look", None) or int  # int() is 0: never idle
    ticks = ticks_ms
    _turn(stack)

    def poll(now_ms=None):
        if now_ms is None:
            now_ms = ticks()
        if look():
            # INT is high: nothing came. STILL_AT is not over when nothing is due until then, and
            # less than 1024 ms ahead; -1 - now_ms is below 0, and so is that after a shift.
            left = env[STILL_AT] - now_ms
            if not left >> 10:
                return left
        if env[BUSY] | env[LOST]:
            start(stack)
        return stack.turn(now_ms)

    return poll


def start(stack):
    """Makes the generators of the stack anew, that behind `poll` and those of the layers: an
    exception that was none of a callback's has ended them, and perhaps a device's too. Raises
    `Reentered` inside a callback."""
    env = stack.env
    if env[BUSY]:
        raise Reentered("in a callback or an interrupt: set a flag, and call poll outside")
    stack.revive()
    for iface in stack.ifaces:
        try:
            if iface.move:
                iface.move(-1)
        except StopIteration:
            iface.move = None
    _turn(stack)
    env[DUE] = 1  # a call behind the exception woke nobody: its segment seemed to be at hand still
    env[LOST] = 0  # not before: without heap for all this, the next poll tries again


def _turn(stack):
    stack.turn = _turns(stack).send
    stack.turn(None)


def _turns(stack):
    """One poll a turn: takes frames while the answers have their place, then sends what is due.
    All in one function, for a generator keeps its frame, whatever its size."""
    env = stack.env
    ifaces = stack.ifaces
    link_at = env[NOW]  # when the links are looked at
    cheap = hasattr(ifaces[0].dev, "still")  # it says for how long it can be left alone
    left = 0
    try:
        while True:
            now = yield left
            tick(env, now)
            more = busy = 0
            quiet = 1
            for iface in ifaces:
                move = iface.move or _mover(iface)
                take = iface.take
                left = _FRAMES
                n = move(0)
                while n > 0:
                    quiet = 0
                    n = take(n)
                    left -= 1
                    if not left:
                        more = 1
                        if n:
                            move(-n)
                        break
                    n = move(n)
                if n < 0:
                    busy = 1
            left = tdiff(env[NEXT_AT], now)
            if env[DUE] or left <= 0:
                if tdiff(now, link_at) >= 0:
                    link_at = tadd(now, _LINK_MS)
                    for iface in ifaces:
                        iface.watch()
                sends = _FRAMES
                while sends:
                    # Whose frame is the next is known when it is built: all devices are to be
                    # free.
                    for iface in ifaces:
                        if not iface.move(-1):
                            busy = 1
                    n = 0 if busy else next_frame(stack)
                    if not n:
                        break
                    ifaces[env[OUT_IFACE]].move(-n)
                    sends -= 1
                stack.arm(link_at)
                left = tdiff(env[NEXT_AT], now)
            env[BUSY] = 0
            if more or env[DUE] or left < 0:
                left = 0
            else:
                if busy:  # come back when the frame has left
                    left = min(left, 1)
                elif quiet and cheap and len(ifaces) == 1:
                    d = min(left, ifaces[0].dev.still(), _LINK_MS)
                    if d > 0:
                        env[STILL_AT] = tadd(now, d) - 1
    except GeneratorExit:
        raise  # another one has taken its place
    except:
        lost(env)
        raise
