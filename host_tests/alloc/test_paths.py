"""What the suite's stacks were given comes to the same on the short and the long way through TCP
(host_tests/fuzz/test_paths.py), whatever applications it is for.

The recording is that of test_replay.py.
"""

import json

import pytest
from fuzz.paths import Way, difference
from interpreters import ROOT
from lab import framelog
from uipy import Error, Stack
from uipy.apps import Echo, Page, Site
from wire.null import Null

FRAMES = ROOT / "build" / "frames.bin"
KEY = b"a secret"  # that of host_tests/lab/net.py: the same initial sequence numbers


def records(data):
    """(time, what): bytes are a frame, a dict with an `l2` is a new stack, another a `connect`."""
    at = 0
    while at < len(data):
        now, size = int.from_bytes(data[at : at + 4], "big"), _number(data, at + 4)
        at += 6
        told = size >= framelog.CONNECT
        if told:
            size = _number(data, at)
            at += 2
        what = data[at : at + size]
        at += size
        yield now, json.loads(what) if told else what


def _number(data, at):
    return data[at] << 8 | data[at + 1]


def made(now, told):
    """A stack as the recorded one, with an echo on its ports and a page."""
    kept = ("ip", "gateway", "tcp", "udp", "arp", "half_open", "time_wait")
    more = {k: told[k] for k in kept if k in told}
    device = Null(told["l2"], told["mtu"])
    stack = Stack(device, key=KEY, now=now, tcp_options=told["options"], **more)
    stack.on_error = lambda exc: None
    if stack.tcp:
        site = Site()
        site.add("/", Page(b"<p>A page.</p>" * 200))
        stack.listen(80, site, 2)
        for port in {p for p in told["listen"] if 0 < p < 65536 and p != 80}:
            stack.listen(port, Echo, 4)
    return stack


def played(data, way):
    """All of it, one stack after the other."""
    stack = None
    with way:
        for now, what in records(data):
            if isinstance(what, dict) and "l2" in what:
                stack = made(now, what)
            elif isinstance(what, dict):
                try:
                    stack.connect(Echo(), what["ip"], what["port"], lport=what["lport"])
                except Error:  # as in the recording: a test asked for the impossible
                    pass
            elif len(what) <= len(stack.buf) - 2:
                _output(stack, now)
                stack.buf[2 : 2 + len(what)] = what
                stack.input(len(what), now)
                _output(stack, now)
    return way


def _output(stack, now):
    for _ in range(32):
        if not stack.output(now):
            return


def test_all_that_was_recorded_comes_to_the_same_on_both_ways():
    if not FRAMES.exists():
        pytest.skip("no build/frames.bin here: run UIPY_RECORD=1 pytest host_tests first")
    data = FRAMES.read_bytes()
    short, long = played(data, Way(False)), played(data, Way(True))
    assert not difference(short.log, long.log)
    assert short.segments > 300
    assert short.plain > 20
