"""A file of the user's on the simulated board (`make run APP=FILE`), as `app.py` on a real one.

Its process is program.py's. When the file, or a module beside it, has been saved, the board starts
again: a new process, as behind a reset.
"""

import os
import select
import subprocess
import sys
import time

from boards import ends, launch

_LOOK_MS = 200  # between two looks at the files


class _Ended(Exception):
    """The board's process has ended; the status is the argument."""


class _Process:
    """The board's process, as ends.py wants one; `heard` learns on which ports it listens."""

    def __init__(self, python, file, heard, fd, settings, mac, fds, env):
        self._heard = heard
        self._told, theirs = os.pipe()
        services = settings.services.split(",") if settings.services else []
        command, more = launch.prepared(
            python, file, fd=fd, mac=mac.hex(), told=theirs, stay=True, who="board",
            services=services, ntp=settings.ntp,
            **{name: getattr(settings, name) for name in launch.SETTINGS},
        )  # fmt: skip
        self._process = subprocess.Popen(
            [*command, os.path.basename(file)],
            cwd=os.path.dirname(file),
            pass_fds=(*fds, theirs),
            env={**os.environ, **env, **more},
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; it ends when we do
        )
        os.close(theirs)
        self._said = b""

    def await_ready(self, serve):
        """There is nothing to wait for."""

    def listen(self):
        """Takes in what it says; raises _Ended when it has."""
        if not select.select([self._told], [], [], 0)[0]:
            return
        said = os.read(self._told, 4096)
        if not said:
            self.gone()
        *lines, self._said = (self._said + said).split(b"\n")
        for line in lines:
            self._heard(int(line))

    def gone(self):
        """Its end of a pipe is closed."""
        raise _Ended(self._process.wait())

    def fileno(self):
        return self._told

    def close(self):
        ends.stop(self._process)
        os.close(self._told)


class Watch:
    """What a program consists of: the file, and the modules beside it."""

    def __init__(self, file):
        self._file = file
        self._seen = self._new = self._look()
        self._next = 0.0

    def changed(self):
        """True once when something was saved: all of it, for two looks have seen the same."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _LOOK_MS / 1000
        new, self._new = self._new, self._look()
        if self._new != new or new == self._seen or self._file not in new:
            return False
        self._seen = new
        return True

    def _look(self):
        found = {}
        try:
            with os.scandir(os.path.dirname(self._file)) as folder:
                for entry in folder:
                    if entry.name.endswith(".py") or entry.path == self._file:
                        stat = entry.stat()
                        found[entry.path] = stat.st_mtime_ns, stat.st_size
        except OSError:  # an editor is just at it
            pass
        return found


class AppBoard:
    """An end of the wire (wire/pump.py). `heard(port)` is told on which ports the program
    listens, `fresh()` that the board has started again.
    """

    def __init__(self, file, settings, mac, python, heard, fresh):
        self._file = file
        self._fresh = fresh
        self._watch = Watch(file)
        in_chip = settings.chip != "none" and python == "micropython"
        kind = ends.ChipProcessBoard if in_chip else ends.ProcessBoard

        def start(*args):
            return _Process(python, file, heard, *args)

        self._make = lambda: kind(settings, mac, start)
        self._board = self._make()

    def run(self, now):
        if self._watch.changed():
            say("%s was saved: the board starts again" % os.path.basename(self._file))
            self.close()
            self._fresh()
            self._board = self._make()
        try:
            if self._board:
                return min(self._board.run(now), _LOOK_MS)
        except _Ended as exc:
            say("the board's process has ended (%s); save the file, and it starts again" % exc)
            self.close()
        return _LOOK_MS

    def give(self, frame):
        if self._board:
            self._board.give(frame)

    def take(self):
        return self._board.take() if self._board else None

    def files(self):
        return self._board.files() if self._board else ([], [])

    def close(self):
        if self._board:
            self._board.close()
            self._board = None


def say(line):
    """What is not the board's."""
    sys.stderr.write("run: %s\n" % line)
    sys.stderr.flush()
