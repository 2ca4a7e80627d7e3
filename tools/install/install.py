"""`make install`: uipy onto a board that runs MicroPython, through its serial port.

    make install                              the only board that is plugged in
    make install PORT=/dev/ttyACM1            this one
    make install BOARD=W5500_EVB_PICO         another board than a Pico with an ENC28J60
    make install PARTS=core,enc28j60          a part and what it needs, without what runs at boot
    make install APP=my.py                    and a program of yours, as app.py

Asks the board for its machine, its MicroPython and its room, copies the parts as .mpy files for
that machine, the board's pins and a configuration, and starts it. Only what changed is copied, and
a config.py, pins.py, main.py or app.py that somebody has changed on the board stays (FORCE=1 takes
ours). Whatever stands in the way is one sentence, and status 2.
"""

import argparse
import json
import re
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "tools")]

import interpreters

from install import board as boards
from install import content, costs, keep, ports
from install.content import Refused

DEFAULT = "RPI_PICO_ENC28J60"
_START_S = 30  # how long the board is listened to after its start
_ADDRESS = re.compile(r"http://[\w.:]+/|\b\d+\.\d+\.\d+\.\d+\b")


def say(line):
    print(line, flush=True)


def _kb(octets):
    return "%d kB" % -(-octets // 1000)


def _parser():
    p = argparse.ArgumentParser(prog="install", description=__doc__.split("\n")[0])
    p.add_argument("--port", metavar="NAME", help="the board's serial port")
    p.add_argument("--board", default=DEFAULT, help="a folder of boards/ (%s)" % DEFAULT)
    p.add_argument("--parts", default="", metavar="A,B", help="these and what they need")
    p.add_argument("--config", metavar="FILE", default=str(content.CONFIG), help="its config.py")
    p.add_argument("--app", metavar="FILE", help="a program of yours: app.py on the board")
    p.add_argument("--base", default=".", help="the folder that these two are meant from")
    p.add_argument("--force", action="store_true", help="take ours for what was changed there")
    p.add_argument("--no-start", action="store_true", help="leave the board at its prompt")
    return p


def _wanted(args, board, names):
    """{path: octets}: the library first, what runs at boot last."""
    files = content.library(names, board.arch)
    lib, root = board.facts.lib + "/", board.root
    wanted = {lib + path: data for path, data in files.items() if path != "main.py"}
    if _frozen(board):
        wanted = {}
    if content.BOARD in names:
        wanted[root + "pins.py"] = content.pins(args.board)
        wanted[root + "config.py"] = _file(args.base, args.config)
    if args.app:
        wanted[root + "app.py"] = _file(args.base, args.app)
    if "main.py" in files and not _frozen(board):
        wanted[root + "main.py"] = files["main.py"]
    return wanted, files


def _frozen(board):
    """Whether the board's image has uipy already: what lies in lib/ would never be looked at."""
    there = board.facts.there
    return bool(there) and not there.lstrip("/").startswith(board.facts.lib.lstrip("/") + "/")


def _file(base, path):
    try:
        return Path(base, path).read_bytes()
    except OSError as exc:
        raise Refused("%s: %s" % (path, exc.strerror)) from None


def _look(board, wanted):
    """What the board has of all that matters, and the note of what was put there."""
    lib = board.facts.lib
    paths = [p for p, _ in keep.in_the_way(wanted, lib)]
    paths += [p for p in wanted if not p.startswith(lib + "/uipy/")]
    there = board.look([lib + "/uipy", *dict.fromkeys(paths)])
    note = lib + "/" + keep.NOTE
    return there, keep.parsed(board.read(note)) if note in there else {}


def _room(board, plan, there):
    """Raises Refused when the flash has no room for it."""
    f = board.facts
    need, has = plan.room(f.block, there), f.free_blocks * f.block
    if need > has:
        raise Refused(
            "the board's flash has room for %d octets, and this takes %d: remove files of yours"
            " (mpremote fs rm), or install less (PARTS=core,enc28j60)" % (has, need)
        )


def _fit(args, board, wanted, files, there, before):
    """Takes from config.py what the board's RAM does not hold, and says what it takes."""
    path, f = board.root + "config.py", board.facts
    pins = wanted[board.root + "pins.py"]
    total = f.free_ram + f.used_ram
    off = []
    if not args.force:
        wanted[path], off = costs.lean(wanted[path], pins, files, total)
    config, kept = wanted[path], path in keep.Plan(wanted, there, before, f.lib, args.force).keep
    if kept:
        config = board.read(path)
    cfg = costs.configuration(pins, config)
    need = costs.ram(cfg, files)
    say("RAM: about %s of %s in use when it serves" % (_kb(need), _kb(total)))
    if off and not kept:
        say(
            "  which holds no more: %s off in config.py; with make firmware the code is in flash,"
            " and all goes in" % ", ".join(off)
        )
    if need > total - costs.RESERVE // 2 and not args.force:
        raise Refused(
            "the board's RAM has %d octets, and uipy from files wants about %d of them: switch off"
            " more in config.py (events, ntp, hostname), or leave the code in flash (make"
            " firmware); FORCE=1 tries it" % (total, need)
        )


def _copy(board, plan, there, before):
    lib = board.facts.lib
    for path in plan.gone:
        say("  - %s" % path)
        board.remove(path)
    for path in sorted(plan.empty, key=len, reverse=True):
        board.remove(path, folder=True)
    total = sum(len(data) for data in plan.put.values())
    done = 0
    for path, data in plan.put.items():
        board.put(path, data)
        done += len(data)
        mark = "*" if path in there else "+"
        say("%3d%% %s %s (%d)" % (100 * done // max(total, 1), mark, path, len(data)))
    note = {**plan.note(before), **{p: there[p][1] for p in plan.same}}
    if note != before:
        board.put(lib + "/" + keep.NOTE, json.dumps(note).encode())


def _report(plan):
    say(
        "%d files copied, %d were there already, %d of an older kind removed"
        % (len(plan.put), len(plan.same), len(plan.gone))
    )
    for path in plan.keep:
        say("kept %s: it was changed on the board (FORCE=1 takes ours)" % path)
    for path in plan.beware:
        say("beware: %s is found before ours of that name: rename or remove it" % path)


def _start(board):
    """Starts the board, shows what it says until it says an address; True when it did."""
    said = []

    def heard(text):
        said.append(text)
        sys.stdout.write(text.replace("\r\n", "\n"))
        sys.stdout.flush()

    def tail():
        text = "".join(said)
        return text[text.rfind("soft reboot") :]

    say("the board starts; it says:")
    board.restart(_START_S, heard, lambda: ">>> " in tail() or _told(tail()))
    return _told(tail())


def _told(text):
    """Whether a whole line has an address in it."""
    return any(_ADDRESS.search(line) for line in text.split("\n")[:-1])


def install(args):
    """All of it, by the arguments."""
    asked = [n.strip() for n in args.parts.split(",") if n.strip()]
    content.known_parts(asked)
    content.pins(args.board)
    port = ports.find(args.port)
    with boards.Board(port) as board:
        board.check()
        content.suits(args.board, board.arch)
        f = board.facts
        say(
            "%s: %s, MicroPython %s, %s, RAM free %s, flash free %s"
            % (port, f.machine, ".".join(map(str, f.version)), board.arch or "no native code",
               _kb(f.free_ram), _kb(f.free_blocks * f.block))
        )  # fmt: skip
        if f.version[:2] < boards.TRIED:
            say("uipy was tried with MicroPython %d.%d and newer" % boards.TRIED)
        if not content.made(board.arch):
            say("joining the parts and compiling them for this machine, once")
        names = content.chosen(asked, args.board)
        wanted, files = _wanted(args, board, names)
        if _frozen(board):
            say("its image has uipy (%s): only configuration is copied" % f.there)
        else:
            say("parts: %s" % ", ".join(names))
        there, before = _look(board, wanted)
        if not _frozen(board) and content.BOARD in names:
            _fit(args, board, wanted, files, there, before)
        plan = keep.Plan(wanted, there, before, f.lib, args.force)
        _room(board, plan, there)
        _copy(board, plan, there, before)
        _report(plan)
        _next(args, board, plan, content.BOARD in names, wanted)
    return 0


def _next(args, board, plan, runs, wanted):
    """What there is to do next."""
    config = board.root + "config.py"
    if not runs:
        say("to use it: import uipy (docs/architecture.md; firmware/examples has programs)")
        return
    if board.root + "main.py" in plan.keep:
        say("main.py is yours and starts what you wrote; what it can import: docs/lan.md")
    if args.no_start:
        say("start it with: mpremote connect %s reset" % board.port)
        return
    text = board.read(config) if config in plan.keep else wanted[config]
    name = costs.configuration(text).get("hostname")
    told = _start(board)
    say("")
    if told:
        page = "at that address" + (", and http://%s.local/" % name if name else "")
        say("its page: %s" % page)
    else:
        say("no address yet: is the cable in? Ctrl-C and `import uipy.doctor` there says more")
    say("its configuration: mpremote connect %s edit :config.py" % board.port)
    say("its console: mpremote connect %s (Ctrl-C stops it, Ctrl-D starts it)" % board.port)


def main(argv=None):
    args = _parser().parse_args(argv)
    try:
        return install(args)
    except (Refused, interpreters.Missing) as said:
        sys.stderr.write("install: %s\n" % said)
    except KeyboardInterrupt:
        sys.stderr.write("install: stopped; run it again, what is there is not copied twice\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
