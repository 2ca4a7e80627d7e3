"""A board on a serial port (tools/boards/serialboard.py) for tests of what copies files to boards.

with Board(tmp_path) as board:
    board.mpremote("fs", "ls"), board.install("--parts", "core"), board.files()
"""

import importlib.util
import subprocess
import sys
import time
import urllib.request

import interpreters
import pytest
from littlefs import LittleFS, UserContext

ROOT = interpreters.ROOT
PATIENCE_S = 120  # for what takes seconds on an idle machine
_BLOCK = 4096


class Board:
    """A new board, whose flash is a file in `folder`."""

    def __init__(self, folder, blocks=352, heap="2M"):
        for need in ("serial", "mpremote"):
            if importlib.util.find_spec(need) is None:
                pytest.skip("no %s here: pip install -r requirements-install.txt" % need)
        self.flash = folder / "flash.img"
        self._log = (folder / "board.log").open("w+")
        self._process = subprocess.Popen(
            [
                *(sys.executable, str(ROOT / "tools/boards/serialboard.py"), "--port", "0"),
                *("--flash", str(self.flash), "--blocks", str(blocks), "--heap", heap),
            ],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        said = [self._process.stdout.readline() for _ in range(2)]
        assert all(said), self._log.name
        self.port, self.page = (line.split()[-1] for line in said)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        self._process.stdout.close()
        self._log.close()

    # What is done to it

    def mpremote(self, *args):
        """mpremote's output; a status other than 0 fails the test."""
        command = [sys.executable, "-m", "mpremote", "connect", self.port, *args]
        return interpreters.run(command, PATIENCE_S)

    def install(self, *args):
        """`make install` with these arguments: (status, output, complaint)."""
        program = str(ROOT / "tools" / "install" / "install.py")
        command = [sys.executable, program, "--port", self.port, *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
        return done.returncode, done.stdout, done.stderr

    def put(self, path, text):
        """A file, as a person puts it there."""
        self.mpremote("exec", "f=open(%r,'w');f.write(%r);f.close()" % (path, text))

    # What it is like then

    def files(self):
        """{path: octets} of its flash."""
        data = bytearray(self.flash.read_bytes())
        context = UserContext(buffer=data)
        count = len(data) // _BLOCK
        fs = LittleFS(context=context, block_size=_BLOCK, block_count=count, mount=True)
        found = {}
        for folder, _, names in fs.walk("/"):
            for name in names:
                path = folder.rstrip("/") + "/" + name
                with fs.open(path, "rb") as f:
                    found[path] = f.read()
        return found

    def fetch(self, path="/"):
        """A page of the board, as soon as it serves it."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                with urllib.request.urlopen(self.page.rstrip("/") + path, timeout=30) as answer:
                    return answer.read()
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
