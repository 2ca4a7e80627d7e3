"""Records what the suite's stacks are given, for the replay on MicroPython (host_tests/alloc).

The file is a row of records: now_ms (4 octets), length (2), then so many octets; numbers are
big-endian. Length 0xFFFF begins a new stack and is followed by another length and that much JSON:
the address, the link's header, the sizes of the tables, the TCP options. What follows is what that
stack was given, in order, so that a replay meets the same states.

Frames that the suite has seen before are kept while a new one comes behind them on the same stack;
a stack that was given nothing new is left out. One stack counts up to FRAMES frames, which a
simulated transfer of megabytes soon reaches.
"""

import inspect
import json
import struct

from uipy.stack import Stack

FRAMES = 400
NEW_STACK = 0xFFFF

_stacks: list["_Given"] = []
_seen: set[int] = set()


class _Given:
    """What one stack was given."""

    def __init__(self, now: int, made: dict):
        self.now, self.made = now, made
        self.frames: list[tuple[int, bytes]] = []
        self.new = 0  # up to here it is worth keeping

    def add(self, now: int, frame: bytes):
        if len(self.frames) >= FRAMES:
            return
        self.frames.append((now, frame))
        if hash(frame) not in _seen:
            _seen.add(hash(frame))
            self.new = len(self.frames)

    def records(self):
        made = json.dumps(self.made).encode()
        yield struct.pack("!IHH", self.now, NEW_STACK, len(made)) + made
        for now, frame in self.frames[: self.new]:
            yield struct.pack("!IH", now, len(frame)) + frame


def _plain(value):
    return value if isinstance(value, (int, str)) or value is None else bool(value)


def begin():
    """From now on every Stack is recorded."""
    make, give = Stack.__init__, Stack._input
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
        self.given = _Given(self.now, told)
        _stacks.append(self.given)

    def given(self, n, iface):
        if iface is self.ifaces[0]:
            self.given.add(self.now, bytes(self.buf[2 : 2 + n]))
        return give(self, n, iface)

    Stack.__init__, Stack._input = made, given  # type: ignore[method-assign]


def end(path):
    """Writes what was recorded, if anything was."""
    if not _stacks:
        return
    path.parent.mkdir(exist_ok=True)
    with open(path, "wb") as out:
        for stack in _stacks:
            if stack.new:
                out.writelines(stack.records())
