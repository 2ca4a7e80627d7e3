"""What every example ends with: `example.run(start, port)`, where `start(stack)` sets it up.

On a board the stack stands on the chip of config.py and has its address, as in firmware/main.py.
Both are found in the root of the board's file system: `mpremote mount` makes this folder the
current one. On a PC it is a board on a virtual Ethernet, and 127.0.0.1 leads to it. There the
examples take

    --port N      the port on 127.0.0.1 (9000 and the example's own; another one if that is taken)
    --pcap FILE   record the Ethernet for Wireshark
    --drop N      lose N % of the frames each way

Where a stack runs already, it is set up on that: as a board's program (`app.py`), by `make run
APP=FILE`, and by `.venv/bin/python tools/boards/playground.py FILE`, which takes what is above.
A file of yours needs nothing of this: docs/app.md.
"""

import sys

if sys.implementation.name == "cpython":
    _root = __file__.rsplit("firmware", 1)[0]
    _paths = ("lib", "firmware", "boards/RPI_PICO_ENC28J60", "tools", "tools/shims")
    sys.path[1:1] = [_root + p for p in _paths]


def run(start, port=0):
    """Run an example whose server is at TCP `port`; 0: it is a client."""
    there = _there()
    if there:
        with there as loop:
            start(loop.stack)
    elif sys.implementation.name == "cpython":
        from boards import playground

        playground.main(start, port)
    else:
        _on_board(start)


def _there():
    """The loop of a stack that runs already, or None."""
    loop = sys.modules.get("uipy.loop")
    try:
        return loop.current() if loop else None
    except OSError:
        return None


def _on_board(start):
    if "/" not in sys.path:
        sys.path.append("/")
    import config
    import main

    dev, int_pin = main.device(config)
    config.services = ""
    stack = main.build(dev, config)
    wait = main.Nap(int_pin)
    if not main.settle(stack, wait):
        print("no address within a minute: is the cable in? It goes on without one")
    start(stack)
    main.serve(stack, wait)
