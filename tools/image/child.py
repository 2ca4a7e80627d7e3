"""A command of somebody else's: its output in a file, its last words when it fails."""

import os
import subprocess
import sys
import time

from .boards import Refused

_INHERITED = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "BOARD", "PORT", "ROMFS")


def environment(**more):
    """-> ours, without what our make has told us: the other make has words of its own."""
    return {**{k: v for k, v in os.environ.items() if k not in _INHERITED}, **more}


def run(command, log, what, env=None):
    """Runs it to its end, all that it says into the file `log`, and `what` with the seconds on
    stdout; raises Refused with the end of the file when it fails."""
    print("%s (log: %s)" % (what, log), flush=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, stdin=subprocess.DEVNULL, env=env
        )
        try:
            _watch(process, log, began)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        words = log.read_text(errors="replace").strip().splitlines()[-12:]
        message = "%s\n%s ended with %d: the whole of it is in %s"
        raise Refused(message % ("\n".join(words), command[0], process.returncode, log))


def _watch(process, log, began):
    """Until it has ended: on a terminal, its last line."""
    tty = sys.stdout.isatty()
    while True:
        try:
            process.wait(0.5)
            break
        except subprocess.TimeoutExpired:
            pass
        if tty:
            with log.open("rb") as file:
                file.seek(max(0, log.stat().st_size - 300))
                last = file.read().decode(errors="replace").strip().rpartition("\n")[2]
            print("\r%4d s  %-70.70s" % (time.monotonic() - began, last), end="", flush=True)
    if tty:
        print("\r%78s\r" % "", end="", flush=True)
