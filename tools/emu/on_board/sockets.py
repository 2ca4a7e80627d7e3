"""Runs on the emulated RP2040, from its file system: the board of firmware/main.py and a program
with sockets, for tools/bench/latency.py. `config.work` says what the program does:

    callbacks   its loop is `poll`, there are no sockets
    blocking    waits in an echo server of blocking sockets, port 8
    sleeping    is in time.sleep; what happens is the background's
    asyncio     an echo server of asyncio streams, port 8

Port 7 is the echo by callbacks each time.
"""

import gc
import sys
import time

sys.path.insert(0, "/firmware")
firmware = __import__("main")  # firmware/main.py; this board's own main.py starts this script
config = __import__("config")

_MSS = 1460


def echo(listener):
    while True:
        s, _ = listener.accept()
        try:
            data = s.recv(_MSS)
            while data:
                s.write(data)
                data = s.recv(_MSS)
        except OSError:
            pass
        s.close()


def blocking():
    import socket

    s = socket.socket()
    s.bind(("", 8))
    s.listen(1)
    print("go")
    echo(s)


def sleeping():
    print("go")
    while True:
        time.sleep(1)


def streams():
    import asyncio

    async def handle(reader, writer):
        try:
            data = await reader.read(_MSS)
            while data:
                writer.write(data)
                await writer.drain()
                data = await reader.read(_MSS)
        except OSError:
            pass
        writer.close()

    async def main():
        await asyncio.start_server(handle, "0.0.0.0", 8)
        print("go")
        while True:
            await asyncio.sleep(1)

    asyncio.run(main())


def main():
    config.clients = 2
    config.services = "echo"
    dev, int_pin = firmware.device(config)
    stack = firmware.build(dev, config)
    gc.collect()
    if config.work == "callbacks":
        nap = firmware.Nap(int_pin)
        print("go")
        firmware.serve(stack, nap)
    from uipy import loop

    loop.attach(stack, int_pin=int_pin)
    {"blocking": blocking, "sleeping": sleeping, "asyncio": streams}[config.work]()


main()
