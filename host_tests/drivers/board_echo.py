"""Runs under MicroPython: the driver over the pipe of machine_pipe.py, echoing frames with the
heap locked.

    micropython board_echo.py KIND N [polled]      in the environment of tools/chips/server.py
"""

import sys

import micropython
from machine import SPI, Pin, lightsleep


def echo(dev, buf, k):
    while k:
        n = dev.recv_into(buf)
        if not n:
            lightsleep(1)
            continue
        k -= 1
        dev.send(buf, n)
        while not dev.can_send():
            pass


def main():
    int_pin = None if "polled" in sys.argv else Pin(21, Pin.IN)
    reset = Pin(20, Pin.OUT, value=1)
    mac = b"\x02\x00\x00\x28\x60\x01"
    kind = sys.argv[1]
    name = "uipy.drivers." + ("enc28j60" if kind == "enc28j60" else "wiznet")
    driver = getattr(__import__(name, None, None, (kind.upper(),)), kind.upper())
    dev = driver(SPI(0, baudrate=20_000_000), Pin(17, Pin.OUT, value=1), int_pin, reset, mac)
    buf = bytearray(1520)
    echo(dev, buf, 5)  # makes the views
    micropython.heap_lock()
    echo(dev, buf, int(sys.argv[2]) - 5)
    micropython.heap_unlock()
    dev.link_up()
    for name, value in dev.counters():
        print(name, value)


main()
