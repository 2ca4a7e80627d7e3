"""Counts octets: `make size`. Prints Markdown tables; with --update four lines go into README.md,
the tables into docs/sizes.md, and a sentence into docs/web.md.

    code    .mpy of each part as mpy-cross makes it (-O3, armv6m): what goes on a board
    RAM     32-bit MicroPython (WebAssembly): what the parts leave when their code is in flash, and
            what a Stack and one more connection take
    frames  functions whose VM frame is over 11 words, and so comes from the heap when called

    cycles  of the usual exchanges of each part, from docs/cycles.tsv (exchanges/book.py), which
            `make bench-cycles ARGS="--parts --update"` writes

The same exchanges in instructions: `make size ARGS=--packets` (exchanges/count.py; it wants
valgrind and a minute), which prints that table alone.
"""

import argparse
import ast
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import interpreters
import readme
from exchanges import book, count
from interpreters import ROOT, Missing, compile_mpy
from parts import cross

from sizes import mpyinfo, ram

LIB = ROOT / "lib" / "uipy"
DOCS = ROOT / "docs" / "sizes.md"
WEB = ROOT / "docs" / "web.md"
ARCH = "armv6m"
# The aims of the README's lines, in octets.
AIM_CODE, AIM_RAM, AIM_DATA, AIM_CONNECTION = 46 << 10, 10 << 10, 5 << 10, 220

SITES = (
    "A `Site` with routes keeps {} kB a client where one without keeps {} kB, and {} kB for all, "
    "most of it for\nwhat is sent ahead: `Routes(site, head=, text=, fields=, ahead=)` sizes all "
    "four."
)


def parts():
    """{part: its .mpy file}, without the doors (join.py: doors)."""
    folder, tree = cross.package(ARCH), interpreters.joined()
    found = {}
    for path in sorted(folder.rglob("*.mpy")):
        name = path.relative_to(folder).with_suffix("")
        source = tree / name.with_suffix(".py")
        if source.read_text().startswith("#"):
            dotted = ".".join(name.parts).removesuffix(".__init__")
            found[dotted] = path
    return found


def code(files, left, cycles):
    """What each part takes in flash, in RAM when it is imported, and in time."""
    native = dict.fromkeys(files, 0)
    for part, f in functions(files):
        native[part] += f.size if f.kind == "viper" else 0
    rows = [
        (name, mpy.stat().st_size, native[name] or "", left.get(name, ""), cycles.get(name, ""))
        for name, mpy in sorted(files.items(), key=lambda item: (item[0] not in ram.CORE, item))
    ]
    head = ("part", ".mpy octets", "of it machine code", "RAM octets, code in flash")
    head += ("cycles of an exchange",)
    return readme.table(head, rows)


def options(board):
    """What is asked for with tcp_options."""
    rows = [
        (f"`{option}`" + (", unless switched off" if option == ram.DEFAULT else ""), left, taken)
        for option, (left, taken) in board.options.items()
    ]
    return readme.table(("option of TCP", "RAM of its code", "RAM of its tables"), rows)


def services(board):
    """What one object of each takes."""
    rows = [
        (f"`{ram.SERVICES[name][1]}`" if name in ram.SERVICES else name, taken)
        for name, taken in board.services.items()
    ]
    return readme.table(("service", "RAM of its tables"), rows)


def web(board):
    """The sentence of docs/web.md."""
    taken = board.services
    return SITES.format(
        *("%.1f" % (taken[name] / 1000) for name in (ram.ROUTED, ram.CLIENT, ram.ROUTES))
    )


def lines(files, board):
    """The README's four lines."""
    octets = sum(files[name].stat().st_size for name in ram.CORE)
    data = board.stack + (board.options[ram.DEFAULT][1] if ram.DEFAULT in board.options else 0)
    rows = [
        ("flash: .mpy of the core with its kernels", octets, AIM_CODE),
        ("RAM: functions, classes and tables of the core, code in flash", board.core(), AIM_RAM),
        ("RAM: `Stack(dev, tcp=8, udp=8, arp=8)`, frames of 1514 octets", data, AIM_DATA),
        ("RAM: one connection more", board.connection, AIM_CONNECTION),
    ]
    return readme.table(("octets, 32-bit MicroPython", "", "aim"), rows)


def check():
    """The way of counting, against ROMFS and plain import, on the 64-bit binary."""
    counted, rom, plain = ram.cross_check()
    return (
        "The core on the 64-bit unix binary: "
        f"{counted} octets counted in this way, {rom} in ROMFS, {plain} imported from .mpy files."
    )


def words():
    """Every identifier of the package, for the names that a .mpy stores as numbers."""
    found = set()
    for path in interpreters.joined().rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            found.add(getattr(node, "name", None) or getattr(node, "attr", None))
    return {w for w in found if isinstance(w, str) and w.isidentifier()}


def functions(files):
    """(part, mpyinfo.Function) of every function."""
    names = mpyinfo.static_names(words(), compile_mpy)
    for part, mpy in files.items():
        for f in mpyinfo.Mpy(mpy.read_bytes(), names).functions:
            if f.name != "<module>":
                yield part, f


def frames(files):
    """Functions over the limit."""
    found = [(part, f.name, f.frame) for part, f in functions(files) if f.frame > mpyinfo.LIMIT]
    head = (
        "%d of %d functions have a VM frame of more than %d words: a call takes it from the heap."
    )
    listed = readme.table(("part", "function", "words"), found)
    return head % (len(found), len(list(functions(files))), mpyinfo.LIMIT) + "\n\n" + listed


def packets(update):
    """What the exchanges of each part cost."""
    try:
        costs = count.text(count.instructions())
    except Missing as lack:
        sys.exit(str(lack))
    print(costs)
    if update:
        readme.put("packets", costs, DOCS)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--update", action="store_true", help="write README.md and docs/sizes.md")
    parser.add_argument("--packets", action="store_true", help="instructions per packet instead")
    args = parser.parse_args(argv)
    if args.packets:
        packets(args.update)
        return
    try:
        files, board = parts(), ram.measure()
        short = lines(files, board)
        cycles = book.of_parts(book.read()[1])
        long = [
            code(files, board.parts, cycles),
            options(board),
            services(board),
            check(),
            frames(files),
        ]
    except Missing as lack:
        sys.exit(str(lack))
    print("\n\n".join([short, *long]))
    exchanges = book.text()
    print("\n" + exchanges)
    print("\nThe same in instructions: make size ARGS=--packets")
    if args.update:
        readme.put("part-cycles", exchanges, DOCS)
        readme.put("web", web(board), WEB)
        readme.put("size", short)
        readme.put("sizes", "\n\n".join(long), DOCS)


if __name__ == "__main__":
    main()
