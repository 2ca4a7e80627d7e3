"""The process of a program on a board; started by ../runboard.py, never by hand.

    program.py FILE ARG...

UIPY_PROGRAM in the environment is JSON (MicroPython takes no argument of its length):

fd      frames come and go through this stream; "-": from the chip on machine.SPI
ip, gateway, dns, mac, tcp, name, chip      as ../runboard.py has them
path    the program's sys.path
tools   folders of our own modules, which the program does not see; but those in `shims` it does
stay    after its end the board goes on, as it does behind the prompt; else it ends, too
told    a stream for the number of each TCP port that is listened on (none)
who, services, ntp      of what it says; of firmware/main.py; its time server

Runs under CPython and under MicroPython. The program has its own status and its own traceback.
"""

# mypy: ignore-errors
import json
import os
import sys

if sys.implementation.name != "micropython":
    sys.path[:1] = json.loads(os.environ["UIPY_PROGRAM"])["tools"]

import machine  # gives CPython's `time` what MicroPython's has
import main
from boards import board
from uipy.loop import current
from uipy.sock.lan import attach

_MICROPYTHON = sys.implementation.name == "micropython"
if _MICROPYTHON:
    from boards.frames import FrameDevice as Frames
else:
    from boards import hostside
    from boards.hostside import Frames

_ADDRESS_S = 30  # to wait for an address
_LINGER_MS = 5000  # to send what the program has left behind
_PARTING_MS = 200  # for the peer's FIN behind ours
_LAST_MS = 50  # for what is still in a chip
_OPEN = ("ESTABLISHED", "CLOSE-WAIT")


_settings = json.loads(os.getenv("UIPY_PROGRAM"))


def say(line):
    """What the board says goes to stderr: stdout is the program's."""
    print(_settings.get("who", "runboard") + ": " + line, file=sys.stderr)


def start(settings):
    """The stack, as a board's firmware makes it, with an address if there is one to be had."""
    ip, name, chip, fd = [settings[key] for key in ("ip", "name", "chip", "fd")]
    gateway, tcp, dns = [settings[key] for key in ("gateway", "tcp", "dns")]
    services = settings.get("services", [])
    cfg = board.Settings(ip, gateway, tcp, services, name, chip, name, dns)
    cfg.ntp = settings.get("ntp", cfg.ntp)
    cfg.mac = bytes([int(settings["mac"][k : k + 2], 16) for k in range(0, 12, 2)])
    pin = None
    if chip == "none":
        dev = Frames(int(fd), cfg.mac)
        wait = dev.wait
    elif fd == "-":
        dev, pin = main.device(cfg)
        # main.Nap would sleep on when the background has polled, and INT is high again.
        wait = machine.lightsleep
    else:
        dev, wait = hostside.chip_on(int(fd), cfg)
    stack, place = main.bare(dev, cfg, say)
    if "told" in settings:
        tell(stack.tcp, settings["told"])
    main.offer(stack, cfg, place)
    if not main.settle(stack, wait, _ADDRESS_S):
        say("no address after %d s; the program starts without one" % _ADDRESS_S)
    attach(stack, place, wait, pin, name, say)


def tell(tcp, fd):
    """The parent hears which ports are listened on."""
    listen = tcp.listen
    stream = open(fd, "wb", 0)  # noqa: SIM115

    def told(port, *args, **more):
        listener = listen(port, *args, **more)
        stream.write(b"%d\n" % port)
        return listener

    tcp.listen = told


def clear_the_way(settings):
    """The program finds its own modules, a board's, and none of ours."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        ours = any(file.startswith(folder + "/") for folder in settings["tools"])
        if ours and name.split(".")[0] != "uipy" and not file.startswith(settings["shims"]):
            del sys.modules[name]
    sys.path[:] = settings["path"]
    if not _MICROPYTHON:
        hostside.hide_modules()


def _owes(conn):
    """What was written, or a FIN behind it, is not yet with the peer."""
    state, src = conn.state_name, conn.src
    if state not in ("ESTABLISHED", "CLOSE-WAIT", "FIN-WAIT-1", "CLOSING", "LAST-ACK"):
        return False
    if conn.unacked or getattr(src, "left", 0):
        return True
    # A socket's FIN is queued from its beginning, behind a source that goes on.
    return not conn.can_send and state in _OPEN and getattr(src, "ended", True)


def _parts(conn):
    """Our FIN has gone, the peer's has not come or is not dealt with."""
    return conn.state_name in ("FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "LAST-ACK")


def finish(lp):
    """Sends what the program has left to be sent. On a board the background does that."""
    conns = lp.stack.tcp.conns
    lp.until(lambda: not any(_owes(conn) for conn in conns), _LINGER_MS)
    for conn in conns:
        if conn.state_name in _OPEN:
            conn.abort()  # nobody reads it any more
    lp.until(lambda: not any(_parts(conn) or _owes(conn) for conn in conns), _PARTING_MS)
    lp.until(lambda: False, _LAST_MS)


def show(exc):
    """Prints the traceback, without our frames at its top."""
    if not _MICROPYTHON:
        exc = exc.with_traceback(exc.__traceback__.tb_next)
        sys.excepthook(type(exc), exc, exc.__traceback__)
        return
    import io

    text = io.StringIO()
    sys.print_exception(exc, text)
    for line in text.getvalue().rstrip().split("\n"):
        if not line.startswith('  File "' + __file__):
            print(line, file=sys.stderr)


def stay(lp):
    """The board goes on: callbacks are called, pages are served."""
    while True:
        try:
            lp.until(lambda: False, -1)
        except Exception as exc:  # what ended a poll of the background
            show(exc)


def run(names, settings):
    file = sys.argv[1]
    sys.argv.pop(0)
    start(settings)
    lp = current()
    clear_the_way(settings)
    status = None
    try:
        with open(file) as f:
            code = compile(f.read(), file, "exec")
        exec(code, names)
    except SystemExit as exc:
        status = exc
    except BaseException as exc:
        show(exc)
        status = SystemExit(130 if isinstance(exc, KeyboardInterrupt) else 1)
    if settings.get("stay"):
        if status:
            say("the program has ended with that; save the file, and it starts again")
        stay(lp)
    try:
        finish(lp)
    except KeyboardInterrupt:  # once more: at once, then
        pass
    if status:
        raise status


run({"__name__": "__main__", "__file__": sys.argv[1]}, _settings)
