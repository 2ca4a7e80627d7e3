"""What the modules and a Stack take of a board's RAM, counted on 32-bit MicroPython.

Code that is frozen or in ROMFS stays in flash; what its import leaves in RAM are module tables,
function objects and classes. To see it on a build that has neither: compile every module first,
then execute the compiled code one module after the other into modules made from empty files, and
count what that adds. Between the steps the heap is collected, so that what is counted is what
stays.
"""

import ast
import tempfile
from pathlib import Path
from typing import NamedTuple

import interpreters
import romfs

LIB = interpreters.ROOT / "lib" / "uipy"
ROM = """
import vfs
image = open("{}", "rb").read()
vfs.mount(vfs.VfsRom(image), "/rom")
sys.path.append("/rom")
"""
ROOTS = ("__init__", "app", "eth", "udp", "tcp", "stack")  # of a Stack with TCP and UDP
BEGIN = """
import gc, sys
codes = {}
keep = [None] * 32
del keep[:]
was = 0

class Null:
    l2 = 14
    mac = b"\\x02\\x00\\x00\\x00\\x00\\x07"
    mtu = 1500
    def recv_into(self, buf): return 0
    def can_send(self): return True
    def send(self, buf, n): pass
    def link_up(self): return True

def make(tcp, options):
    from uipy.stack import Stack
    return Stack(Null(), ip="192.168.1.7/24", gateway="192.168.1.1", tcp=tcp, udp=8, arp=8,
                 key=b"8 octets", tcp_options=options)
"""


# What Stack(tcp_options=...) can take in: {option: (value, its module)}.
OPTIONS = {
    "urgent": (True, "tcp_urg"),
    "reassembly": (4, "tcp_pool"),
    "cookies": (True, "tcp_cookie"),
    "ecn": (1, "tcp_ecn"),
    "timestamps": (True, "tcp_ts"),
    "sack": (True, "tcp_sack"),
}
DEFAULT = "urgent"  # is there unless it is switched off


class Count(NamedTuple):
    """Octets of RAM; `options` has pairs of what an option's module leaves and what it takes."""

    modules: dict
    stack: int
    connection: int
    options: dict


def imported(path, deep=False):
    """Names of the modules of the core that a file imports when it is imported (`deep`: or
    later).
    """
    tree = ast.parse(path.read_text())
    nodes = ast.walk(tree) if deep else _at_once(tree)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.level or node.module.startswith("uipy")):
            base = (node.module or "").replace("uipy.", "")
            yield from [base] if base else [alias.name for alias in node.names]


def _at_once(tree):
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node
            yield from _at_once(node)


def order(roots, kernels):
    """The modules that these need, each after what it imports; `kernels`: which kern takes."""
    done = []

    def add(name):
        if name in done or (name.startswith("_kern") and name != kernels):
            return
        for other in imported(LIB / f"{name}.py"):
            add(other)
        done.append(name)

    for root in roots:
        add(root)
    return done


def program(names, source, steps=()):
    """A script that counts, in parts (wasm/run.mjs): each module, then each (name, statement)."""
    read = "codes['{0}'] = compile(open('{1}/{0}.py').read(), '{0}', 'exec')"
    load = "__import__('{1}')\nexec(codes['{0}'], sys.modules['{1}'].__dict__)"
    parts = [BEGIN, *[read.format(name, source) for name in names]]
    parts.append(_counted("pass", "nothing"))
    for name in names:
        module = "uipy" if name == "__init__" else f"uipy.{name}"
        parts.append(_counted(load.format(name, module), name))
    return "\n".join([*parts, *[_counted(do, name) for name, do in steps]])


def _counted(statement, name):
    return (
        "gc.collect()\n# %%\nwas = gc.mem_alloc()\n# %%\n"
        f"{statement}\ngc.collect()\n# %%\nprint('{name}', gc.mem_alloc() - was)"
    )


def _run(run, text, names=()):
    """Runs a script with empty files for these modules to import; {name: octets}."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "lib" / "uipy"
        package.mkdir(parents=True)
        for name in names:
            (package / f"{name}.py").write_text("")
        script = Path(folder) / "count.py"
        script.write_text(text)
        lines = [line.split() for line in run(script, package.parent).splitlines()]
    found = {name: int(n) for name, n in lines}
    nothing = found.pop("nothing")
    return {name: n - nothing for name, n in found.items()}


def measure():
    """The Count on 32 bits, where kern takes the kernels in plain Python."""
    present = {o: v for o, v in OPTIONS.items() if (LIB / f"{v[1]}.py").exists()}
    names = order(ROOTS, "_kern_py")
    extra = [n for n in order([m for _, m in present.values()], "_kern_py") if n not in names]
    off = dict.fromkeys(present, False)
    steps = [("Stack", f"keep.append(make(8, {off}))"), ("more", f"keep.append(make(16, {off}))")]
    for option, (value, _) in present.items():
        steps.append((f"with_{option}", f"keep.append(make(8, { ({**off, option: value}) }))"))

    def run(script, stubs):
        files = ((stubs, "/lib"), (LIB, "/src"))
        return interpreters.run_wasm(script, files=files, heap=8 << 20)

    found = _run(run, program(names + extra, "/src", steps), names + extra)
    options = {o: (found[m], found[f"with_{o}"] - found["Stack"]) for o, (_, m) in present.items()}
    modules = {name: found[name] for name in names}
    return Count(modules, found["Stack"], (found["more"] - found["Stack"]) // 8, options)


def cross_check():
    """What the modules leave on the unix binary: (counted as above, in ROMFS, from .mpy files)."""
    names = order(ROOTS, "_kern_viper")
    counted = _run(
        lambda script, stubs: interpreters.run_unix(script, path=(stubs,)),
        program(names, LIB),
        names,
    )
    whole = "import " + ", ".join(f"uipy.{n}" for n in names if n != "__init__")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            native = ["-march=x64"] if name == "_kern_viper" else []
            target = Path(folder) / "lib" / "uipy" / f"{name}.mpy"
            interpreters.compile_mpy(LIB / f"{name}.py", target, "-O3", *native)
        rom = Path(folder) / "rom.img"
        rom.write_bytes(romfs.image(Path(folder) / "lib"))
        mount = ROM.format(rom)
        steps = [_counted("pass", "nothing"), _counted(whole, "all")]

        def everything(text, *path):
            return _run(lambda script, _: interpreters.run_unix(script, path=path), text)["all"]

        in_rom = everything("\n".join([BEGIN, mount, *steps]))
        plain = everything("\n".join([BEGIN, *steps]), Path(folder) / "lib")
    return sum(counted.values()), in_rom, plain
