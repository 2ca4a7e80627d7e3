"""Brings what a verb of the Makefile needs into this checkout, and says what it does meanwhile.

    bring.py STAMP REQUIREMENTS [--beside COMMAND] [--optional PACKAGE] [--target FOLDER]
             [PIP-OPTION...]

REQUIREMENTS is a file for pip, whose first line says what it is for. It goes into the Python
environment that STAMP lies in, which is made if it is not there (without a pip of its own where
this Python has one that serves others: 3 s and 26 MB less), or into FOLDER. STAMP is touched when
all is there. When the PACKAGE of --optional cannot be had, the others come alone, without a stamp
and without an error: whoever needs it says what that means. COMMAND is a program of the checkout
that runs at the same time: what will be wanted next, and wants nothing itself.

Runs on what a machine has, before anything is installed: Python's own library only.
"""

import os
import re
import subprocess
import sys
import time

OLDEST = (3, 10)
_PIP = (22, 3)  # the first with --python
_QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_PROGRESS_BAR": "off"}


class CannotBe(Exception):
    """What stands in the way, in a sentence that says what to do."""


def main(argv):
    stamp, file, options = argv[0], argv[1], argv[2:]
    spare, beside = option(options, "--optional"), option(options, "--beside").split()
    null = subprocess.DEVNULL
    if beside:
        beside = subprocess.Popen([sys.executable, *beside], stdout=null, stderr=null)
    try:
        return bring(stamp, file, options, spare)
    finally:
        if beside:
            beside.wait()


def option(options, name):
    """The word behind `name`, taken out of the options; "" without one."""
    if name not in options:
        return ""
    at = options.index(name)
    word = options[at + 1]
    del options[at : at + 2]
    return word


def bring(stamp, file, options, spare):
    """-> the status."""
    try:
        if sys.version_info < OLDEST:
            raise CannotBe("uipy wants Python 3.10 or newer: make PYTHON=python3.12 ...")
        home = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ".venv")
        command = pip(environment(home if "--target" in options else os.path.dirname(stamp)))
        try:
            install(command, file, options)
        except CannotBe as exc:
            if not spare:
                raise
            say("uipy: %s" % exc)
            return without(spare, command, file, options)
    except CannotBe as exc:
        say("uipy: %s" % exc)
        return 2
    except KeyboardInterrupt:
        say("uipy: stopped; the same command goes on from here")
        return 130
    with open(stamp, "w"):
        return 0


def say(line, end="\n"):
    sys.stderr.write(line + end)
    sys.stderr.flush()


def run(command, **more):
    """-> the status, and what was said."""
    more.setdefault("stdout", subprocess.PIPE)
    done = subprocess.run(  # noqa: PLW1510
        command, stderr=subprocess.STDOUT, text=True, env={**os.environ, **_QUIET}, **more
    )
    return done.returncode, done.stdout


def environment(folder):
    """The Python of an environment, which is made if it is not there."""
    bin_folder = "Scripts" if os.name == "nt" else "bin"
    python = os.path.join(folder, bin_folder, "python.exe" if os.name == "nt" else "python")
    if not os.path.exists(python):
        status, said = run([sys.executable, "-m", "venv", "--without-pip", folder])
        if status:
            raise CannotBe("no Python environment in %s: %s" % (folder, last(said)))
    return python


def pip(python):
    """The command that installs for `python`. Its own pip; or this one's; or Python brings it."""
    if run([python, "-c", "import pip"])[0] == 0:
        return [python, "-m", "pip"]
    version = re.match(r"pip (\d+)\.(\d+)", run([sys.executable, "-m", "pip", "--version"])[1])
    if version and tuple(map(int, version.groups())) >= _PIP:
        return [sys.executable, "-m", "pip", "--python", python]
    status, said = run([python, "-m", "ensurepip", "--default-pip"])
    if status:
        wanted = "this Python has no pip (%s): apt install python3-venv, or what your system"
        raise CannotBe((wanted + " calls it") % last(said))
    return [python, "-m", "pip"]


def install(command, file, options):
    """Has pip install what the file names."""
    with open(file) as f:
        say("uipy installs, once: %s" % f.readline().strip("# .\n"))
    began, said = time.time(), []
    process = subprocess.Popen(
        [*command, "install", "-r", file, *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **_QUIET},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        for line in process.stdout:
            said.append(line)
            show(line)
    finally:
        if process.poll() is None and sys.exc_info()[0]:
            process.terminate()
        process.wait()
    show("")
    if process.returncode:
        raise CannotBe("pip could not install %s: %s" % (file, last("".join(said))))
    say("uipy: done in %.1f s" % (time.time() - began))


def without(spare, command, file, options):
    """What the file names beside one package; no stamp says that all is there."""
    with open(file) as f:
        lines = [line for line in f if not line.startswith(spare)]
    less = os.path.join(os.path.dirname(file), ".less-" + os.path.basename(file))
    try:
        with open(less, "w") as f:
            f.writelines(lines)
        install(command, less, options)
    finally:
        os.remove(less)
    return 0


def show(line):
    """The step that pip is at, on a terminal."""
    step = re.match(" *((?:Collecting|Downloading|Building|Installing) [^ (]+)", line)
    if sys.stderr.isatty() and (step or not line):
        say("\r\033[K" + ("  " + step[1][:76] if step else ""), "")


def last(said):
    """Why pip gave up, as it says itself."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it said nothing"]
    errors = [line for line in lines if line.startswith("ERROR: ")]
    return (errors or lines)[-1].replace("ERROR: ", "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
