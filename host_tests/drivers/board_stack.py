"""Runs under MicroPython: a stack with a UDP echo behind a driver, over the pipe of
machine_pipe.py, on a board that sleeps as long as `poll` allows.

    micropython board_stack.py KIND          in the environment of tools/chips/server.py

It sleeps twenty times as long as it was told when it was told to sleep at all (over 4 ms), and
only INT going low ends that: who forgets a frame sleeps for seconds, not for a part of one.
"""

import sys

from machine import SPI, Pin, lightsleep
from uipy import Stack
from uipy.apps import UdpEcho

STRETCH = 20


def main(kind):
    name = "uipy.drivers." + ("enc28j60" if kind == "enc28j60" else "wiznet")
    driver = getattr(__import__(name, None, None, (kind.upper(),)), kind.upper())
    int_pin = Pin(21, Pin.IN)
    reset = Pin(20, Pin.OUT, value=1)
    mac = b"\x02\x00\x00\x28\x60\x01"
    dev = driver(SPI(0, baudrate=20_000_000), Pin(17, Pin.OUT, value=1), int_pin, reset, mac)
    stack = Stack(dev, "192.168.1.7/24", tcp=0, key=b"a board.")
    stack.bind(7, UdpEcho())
    print("ready")
    while True:
        ms = stack.poll()
        if ms and int_pin():
            lightsleep(ms if ms < 5 else ms * STRETCH)


main(sys.argv[1])
