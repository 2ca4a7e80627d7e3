"""The MicroPython process of a board; started by ends.py, never by hand.

    child.py FD IP GATEWAY MAC TCP NAME SERVICES CHIP OPTIONS HOSTNAME

FD: frames come and go through this stream, each with its length in 2 octets (big-endian) in front.
"-": frames come from the chip on machine.SPI. Prints `ready` when it serves.
"""

import sys

import main
from boards import board
from boards.frames import FrameDevice


def frames(fd, mac, settings):
    """A board without a chip."""
    dev = FrameDevice(fd, mac)
    stack = board.build(dev, settings)
    print("ready")
    main.serve(stack, dev.wait)


def chip(mac, settings):
    """A board with a driver and a chip, as on a Pico."""
    settings.mac = mac
    dev, pin = main.device(settings)
    stack = board.build(dev, settings)
    print("ready")
    main.serve(stack, main.Nap(pin))


def run(fd, ip, gateway, mac, tcp, name, services, kind, options, host):
    mac = bytes([int(mac[k : k + 2], 16) for k in range(0, 12, 2)])
    settings = board.Settings(ip, gateway, int(tcp), services.split(","), name, kind, host)
    settings.tcp_options = board.options(options)
    try:
        if fd == "-":
            chip(mac, settings)
        else:
            frames(int(fd), mac, settings)
    except KeyboardInterrupt:
        pass


run(*sys.argv[1:])
