"""Records what the suite's stacks are given, for the replay on MicroPython (host_tests/alloc).

The file is a row of records: now_ms (4 octets), length (2), then so many octets; numbers are
big-endian. Length 0xFFFF begins a new stack and is followed by another length and that much JSON:
the address, the link's header, the sizes of the tables, the TCP options, the ports it listened on.
What follows is what that stack was given, in order, so that a replay meets the same states. Length
0xFFFE is a call of `connect`, its arguments again as JSON.

Frames that the suite has seen before are kept while a new one comes behind them on the same stack;
a stack that was given nothing new is left out. One stack counts up to FRAMES frames, which a
simulated transfer of megabytes soon reaches.
"""

import contextlib
import inspect
import json
import struct

import uipy.stack as stack_module
from uipy import frames
from uipy.stack import Stack

FRAMES = 400
NEW_STACK = 0xFFFF
CONNECT = 0xFFFE

_stacks: list["_Given"] = []
_silent = False
_seen: set[int] = set()


class _Given:
    """What one stack was given."""

    def __init__(self, now: int, made: dict):
        self.now, self.made = now, made
        self.frames: list[tuple[int, bytes | dict]] = []  # a dict is a call of connect
        self.new = 0  # up to here it is worth keeping
        self.full = _silent

    def add(self, now: int, frame: bytes | dict):
        if self.full or len(self.frames) >= FRAMES:
            return
        if isinstance(frame, dict):
            self.frames.append((now, frame))
            return
        self.frames.append((now, frame))
        if hash(frame) not in _seen:
            _seen.add(hash(frame))
            self.new = len(self.frames)

    def records(self):
        yield _told(self.now, NEW_STACK, self.made)
        for now, frame in self.frames[: self.new]:
            if isinstance(frame, dict):
                yield _told(now, CONNECT, frame)
            else:
                yield struct.pack("!IH", now, len(frame)) + frame


@contextlib.contextmanager
def silent():
    """Stacks that are made in this block are not recorded: their test counts the heap."""
    global _silent
    _silent = True
    try:
        yield
    finally:
        _silent = False


def _told(now: int, kind: int, what: dict) -> bytes:
    text = json.dumps(what).encode()
    return struct.pack("!IHH", now, kind, len(text)) + text


def _plain(value):
    return value if isinstance(value, (int, str)) or value is None else bool(value)


def begin():
    """From now on every Stack is recorded."""
    make, listen, connect = Stack.__init__, Stack.listen, Stack.connect
    frames_in = frames.frames_in
    form = inspect.signature(make)

    def made(self, *args, **kwargs):
        make(self, *args, **kwargs)
        asked = form.bind(self, *args, **kwargs).arguments
        told: dict = {
            k: asked[k] for k in ("ip", "gateway", "tcp", "udp", "arp", "half_open") if k in asked
        }
        told["time_wait"] = asked.get("time_wait", 16)
        told["l2"], told["mtu"] = asked["dev"].l2, asked["dev"].mtu
        told["options"] = {k: _plain(v) for k, v in (asked.get("tcp_options") or {}).items()}
        told["options"].pop("watch", None)
        told["listen"] = []
        self.given = _Given(self.now, told)
        _stacks.append(self.given)

    def given(stack, iface):
        """The generator that takes frames, and one before it that writes them down."""
        take = frames_in(stack, iface).send
        take(None)
        n = 0
        while True:
            n = yield n
            if iface.idx == 0:
                stack.given.add(stack.now, bytes(stack.buf[2 : 2 + n]))
            n = take(n)

    def listened(self, port, *args, **kwargs):
        self.given.made["listen"].append(port)
        return listen(self, port, *args, **kwargs)

    def connected(self, app, ip, port, **options):
        to = ip if isinstance(ip, str) else ".".join(map(str, ip))
        self.given.add(self.now, {"ip": to, "port": port, "lport": options.get("lport", 0)})
        return connect(self, app, ip, port, **options)

    Stack.__init__ = made  # type: ignore[method-assign]
    stack_module.frames_in = given
    Stack.listen, Stack.connect = listened, connected  # type: ignore[method-assign]


def end(path):
    """Writes what was recorded, if anything was."""
    if not _stacks:
        return
    path.parent.mkdir(exist_ok=True)
    with open(path, "wb") as out:
        for stack in _stacks:
            if stack.new:
                out.writelines(stack.records())
