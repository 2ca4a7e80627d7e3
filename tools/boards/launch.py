"""How the process of a program on a board is started (program.py): ../runboard.py, app.py."""

import json
import os
import sys

import interpreters
from boards import ends

ROOT = interpreters.ROOT
PROGRAM = ROOT / "tools" / "boards" / "program.py"
SETTINGS = ("ip", "gateway", "dns", "tcp", "name", "chip")  # of board.Settings


def prepared(python, file, folders=(), heap="4M", **told):
    """-> the command that runs `file` under "cpython" or "micropython", and what its environment
    needs besides ours. `folders` is where modules are looked for behind the file's own; what
    else the process is told is in program.py.
    """
    micropython = python == "micropython"
    shims = str(ROOT / "tools" / "shims")
    library = str(interpreters.joined() if micropython else ROOT / "lib")
    tools = [library, *(str(ROOT / p) for p in ends.PATHS)]
    root = os.path.dirname(os.path.abspath(file))
    # As on a board: its root folder, what is frozen, /lib.
    first, rest = [root, *folders, library + "/modules"], [shims, root + "/lib", library]
    if micropython:
        command = [interpreters.micropython(), "-X", "heapsize=" + heap]
        env = {"MICROPYPATH": os.pathsep.join([*tools, ".frozen"])}
        path = [*first, shims + "/unix", ".frozen", *rest]
    else:
        command = [sys.executable, "-u"]
        env = {}
        path = [*first, *rest, *(p for p in sys.path if p not in tools)]
    told.update(path=path, tools=tools, shims=shims)
    return [*command, str(PROGRAM)], {**env, "UIPY_PROGRAM": json.dumps(told)}
