"""Looks for literals in the machine code of kernels: `literals.py [file.mpy file.py]`; all parts.

MicroPython aligns frozen machine code to two octets. ARMv6-M (RP2040) can make a number of 8 bits,
shifted, in a register; any other lies in the code as a word, behind a load relative to the program
counter, which reads at a multiple of four: in frozen code that is next to the word, half of the
time. A jump over more than 2 kB takes its distance from such a word too, and ends anywhere. A .mpy
file on a file system is not affected. So no kernel may have such a load: it makes its wide numbers
by shifts, and no `return`, `if` or loop in it spans 2 kB.

One load stands in the head of each function: how many arguments it takes, for the message about a
call with another number. It is passed over.

What is read is the .mpy file for armv6m, and the source that it was made from for the kernels'
names, which native code does not keep.
"""

import ast
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from parts import cross, join
from sizes.mpyinfo import Mpy

SCOPES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip


def loads(code):
    """(offset, word) of each literal that Thumb code loads (ARMv6-M ARM A5.2, A6.7.27). The
    literals lie between the instructions: the walk passes over them."""
    found, at, data = [], 0, set()
    while at + 1 < len(code):
        if at in data:
            at += 4
            continue
        half = code[at] | code[at + 1] << 8
        if half >> 11 == 0b01001:  # LDR Rt, [PC, #imm8 * 4]
            word = (at + 4 & ~3) + (half & 0xFF) * 4
            data.add(word)
            found.append((at, int.from_bytes(code[word : word + 4], "little")))
        at += 4 if half >> 11 in (0b11101, 0b11110, 0b11111) else 2
    return found


def count_of_arguments(at, word):
    """The load in the head of a function, before the message about a wrong call."""
    return at < 64 and word >> 16 == word & 0xFFFF and word & 0xFFFF <= 2 * 5


def scopes(tree):
    """Names of what a module defines at its top and compiles apart, in the order of the text."""
    names = []

    def visit(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, SCOPES):
                names.append(getattr(child, "name", "<%s>" % type(child).__name__.lower()))
            else:
                visit(child)

    visit(tree)
    return names


def native(mpy):
    """(function, code) of all but the module itself."""
    return list(zip(mpy.functions, mpy.bodies, strict=True))[1:]


def kernels(mpy, source):
    """(name, code) of each native function of a .mpy file."""
    if mpy.arch not in ("", "armv6m"):
        raise ValueError("not for armv6m")
    names = scopes(ast.parse(source))
    tops = [(f, body) for f, body in native(mpy) if "." not in f.name]
    if len(names) != len(tops):
        raise ValueError("%d functions in the source, %d in the file" % (len(names), len(tops)))
    for name, (f, body) in zip(names, tops, strict=True):
        if f.kind != "bytecode":
            yield name, body
    for f, body in native(mpy):
        if "." in f.name and f.kind != "bytecode":
            yield f.name, body


def complaints(mpy_file, source_file):
    """What is wrong with a file; and how many kernels were looked at."""
    said, count = [], 0
    for name, code in kernels(Mpy(mpy_file.read_bytes()), source_file.read_text()):
        count += 1
        for at, word in loads(code):
            if not count_of_arguments(at, word):
                said.append("%s: %s loads 0x%X at octet %d of %d"
                            % (source_file.name, name, word, at, len(code)))  # fmt: skip
    return said, count


def parts():
    """(.mpy file, its source) of every part that a board gets."""
    folder, source = cross.package("armv6m"), join.build("viper")
    for path in sorted(folder.rglob("*.mpy")):
        yield path, source / path.relative_to(folder).with_suffix(".py")


def main(argv):
    files = [(Path(argv[0]), Path(argv[1]))] if argv else list(parts())
    said, count = [], 0
    for mpy_file, source_file in files:
        more, n = complaints(mpy_file, source_file)
        said, count = said + more, count + n
    said.append("%d kernels in %d files, %d literals" % (count, len(files), len(said)))
    print("\n".join(said))
    return 1 if len(said) > 1 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
