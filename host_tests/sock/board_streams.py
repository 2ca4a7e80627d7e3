"""Runs on MicroPython's unix port: two boards on a cable, whose programs use MicroPython's own
asyncio and select on our `socket`.

    micropython board_streams.py docs/socket.md       all cases, one line each
"""

# mypy: ignore-errors
import asyncio
import errno
import select
import socket
import struct
import sys
import time

from uipy import Stack, loop


class End:
    """One end of the cable. Whoever polls one board polls the other one too."""

    l2 = 0
    mtu = 1500
    mac = b""

    def __init__(self):
        self.frames = []
        self.cut = False
        self.far = self.stack = None

    def recv_into(self, buf):
        far = self.far.stack
        if not far.busy and not self.stack.frozen:
            far.frozen = True  # it is polled from here, and does not poll us in its turn
            far.poll()
            far.frozen = False
        if not self.frames:
            return 0
        frame = self.frames.pop(0)
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def can_send(self):
        return True

    def send(self, buf, n):
        if not self.cut and not self.far.cut:
            self.far.frames.append(bytes(buf[2 : 2 + n]))

    def link_up(self):
        return True


class Board:
    """`with board:` makes sockets on it."""

    def __init__(self, dev, ip):
        self.dev = dev
        self.stack = dev.stack = Stack(dev, ip=ip + "/24", tcp=8, udp=2)
        self.stack.frozen = False
        self.stack.on_error = self.failed
        loop.the = None
        self.loop = loop.attach(self.stack, lambda ms: time.sleep_ms(1))

    def failed(self, exc):
        raise exc

    def __enter__(self):
        loop.the = self.loop

    def __exit__(self, *args):
        pass


def boards():
    a, b = End(), End()
    a.far, b.far = b, a
    return Board(a, "10.0.0.1"), Board(b, "10.0.0.2")


async def server(board, handler, port=8000):
    with board:
        return await asyncio.start_server(handler, "0.0.0.0", port)


async def client(board, port=8000, ip="10.0.0.1"):
    with board:
        return await asyncio.open_connection(ip, port)


async def echo(reader, writer):
    while True:
        data = await reader.read(100)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def case_many_clients_of_an_asyncio_server(a, b):
    srv = await server(a, echo)

    async def one(k):
        reader, writer = await client(b)
        for n in (1, 100, 5000):
            data = bytes((k + i) & 255 for i in range(n))
            writer.write(data)
            await writer.drain()
            assert await reader.readexactly(n) == data
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*[one(k) for k in range(5)])
    srv.close()
    await srv.wait_closed()
    await asyncio.sleep_ms(20)
    assert all(not c.state for s in (a, b) for c in s.stack.tcp.conns)


async def case_readline_puts_parts_together(a, b):
    async def talk(reader, writer):
        for piece in (b"one li", b"ne\ntwo", b"\nrest"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep_ms(10)
        writer.close()
        await writer.wait_closed()

    srv = await server(a, talk)
    reader, writer = await client(b)
    lines = []
    for _ in range(4):
        lines.append(await reader.readline())
    assert lines == [b"one line\n", b"two\n", b"rest", b""], lines
    writer.close()
    await writer.wait_closed()
    srv.close()


async def case_read_of_all_ends_with_the_peer(a, b):
    async def talk(reader, writer):
        for _ in range(30):
            writer.write(b"x" * 333)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    srv = await server(a, talk)
    reader, writer = await client(b)
    assert len(await reader.read(-1)) == 9990 and await reader.read(-1) == b""
    writer.close()
    await writer.wait_closed()
    srv.close()


async def case_a_connection_that_is_refused_raises_at_the_first_write(a, b):
    _, writer = await client(b, 9)
    try:
        writer.write(b"x")
        await writer.drain()
        raise AssertionError("not refused")
    except OSError as exc:
        assert exc.errno == errno.ECONNREFUSED, exc
    writer.close()
    await writer.wait_closed()


async def case_a_reset_ends_a_read(a, b):
    told = []

    async def talk(reader, writer):
        told.append(await reader.read(10))
        try:
            told.append(await reader.read(10))
        except OSError as exc:
            told.append(exc.errno)
        writer.close()

    srv = await server(a, talk)
    _, writer = await client(b)
    writer.write(b"abc")
    await writer.drain()
    await asyncio.sleep_ms(20)
    writer.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep_ms(20)
    assert told == [b"abc", errno.ECONNRESET], told
    srv.close()


async def case_a_port_has_one_server(a, b):
    srv = await server(a, None)
    try:
        await server(a, None)
        raise AssertionError("two servers")
    except OSError as exc:
        assert exc.errno == errno.EADDRINUSE
    srv.close()
    await srv.wait_closed()
    srv = await server(a, None)
    srv.close()


async def case_poll_tells_what_select_pins(a, b):
    with b:
        s = socket.socket()
    with a:
        li = socket.socket()
    poller = select.poll()
    poller.register(s)
    assert poller.poll(0)[0][1] == 20
    s.setblocking(False)
    li.bind(("", 8000))
    li.listen()
    try:
        s.connect(("10.0.0.1", 8000))
    except OSError as exc:
        assert exc.errno == errno.EINPROGRESS
    assert poller.poll(1000)[0][1] == select.POLLOUT
    watch = select.poll()
    watch.register(li, select.POLLIN)
    assert watch.poll(1000)[0][1] == select.POLLIN
    other, address = li.accept()
    assert address[0] == "10.0.0.2"
    other.close()
    time.sleep_ms(5)
    poller.modify(s, select.POLLIN)
    assert poller.poll(1000)[0][1] == select.POLLIN
    assert s.read(5) == b""
    s.close()
    assert poller.poll(0)[0][1] == 0x20
    li.close()


async def case_streams_in_c_take_a_socket(a, b):
    import io
    import json

    with a:
        li = socket.socket()
    li.bind(("", 8000))
    li.listen()
    with b:
        s = socket.socket()
    s.connect(("10.0.0.1", 8000))
    other, _ = li.accept()
    print("text", 7, file=other)
    json.dump({"a": [1, 2]}, other)
    other.close()
    assert isinstance(s, io.IOBase)
    s.settimeout(2)
    assert s.readline() == b"text 7\n"
    assert json.load(s) == {"a": [1, 2]}
    s.close()
    li.close()


async def case_a_cut_cable_ends_every_call_in_time(a, b):
    with a:
        li = socket.socket()
    li.bind(("", 8000))
    li.listen()
    with b:
        s = socket.socket()
    s.connect(("10.0.0.1", 8000))
    a.dev.cut = True
    s.settimeout(0.2)
    for f in (lambda: s.recv(1), lambda: s.write(bytes(9000)), s.readline):
        began = time.ticks_ms()
        try:
            f()
            raise AssertionError("it came back")
        except OSError as exc:
            assert exc.errno == errno.ETIMEDOUT, exc
        assert time.ticks_diff(time.ticks_ms(), began) >= 199
    s.close()
    li.close()


async def case_the_server_of_the_page_serves(a, b):
    with open(sys.argv[1]) as page:
        program = page.read().split("```python\n")[4].split("```")[0]
    names = {}
    exec(program.replace("asyncio.run(main())", ""), names)
    with a:
        task = asyncio.create_task(names["main"]())
        await asyncio.sleep_ms(0)  # it makes its socket
    reader, writer = await client(b, 8081)
    writer.write(b"hello\n")
    await writer.drain()
    assert await reader.read(-1) == b"You said: hello\n"
    writer.close()
    await writer.wait_closed()
    task.cancel()


async def case_a_socket_is_small(a, b):
    import gc

    made = []
    gc.collect()
    before = gc.mem_alloc()
    with a:
        for _ in range(10):
            made.append(socket.socket())
    gc.collect()
    each = (gc.mem_alloc() - before) // 10
    assert each < 1200, each  # 64 bits: twice what a board takes


for name, case in sorted(globals().items()):
    if name.startswith("case_"):
        pair = boards()
        try:
            asyncio.run(asyncio.wait_for(case(*pair), 30))
            print(name, "ok")
        except Exception as exc:
            print(name, "failed")
            sys.print_exception(exc)
        asyncio.new_event_loop()
        for board in pair:
            loop.the = board.loop
            loop.detach()
