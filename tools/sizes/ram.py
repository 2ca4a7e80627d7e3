"""What the parts and a Stack take of a board's RAM, counted on 32-bit MicroPython.

Code that is frozen or in ROMFS stays in flash; what its import leaves in RAM are module tables,
function objects and classes. To see it on a build that has neither: compile every part (the joined
form, parts/join.py) first, then execute the compiled code one module after the other into modules
made from empty files, and count what that adds. Between the steps the heap is collected, so that
what is counted is what stays.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

import interpreters
from image import romfs
from parts import cross, join, sources

ROM = """
import vfs
image = open("{}", "rb").read()
vfs.mount(vfs.VfsRom(image), "/rom")
sys.path.append("/rom")
"""
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
    from uipy.core import Stack
    return Stack(Null(), ip="192.168.1.7/24", gateway="192.168.1.1", tcp=tcp, udp=8, arp=8,
                 key=b"8 octets", tcp_options=options)

def host():
    from uipy.core import Stack
    return Stack(Null(), ip="192.168.1.7/24", tcp=0, udp=16, key=b"8 octets", groups=4)
"""

# What Stack(tcp_options=...) can take in: {option: (value, its part)}.
OPTIONS = {
    "urgent": (True, "uipy.tcp_urgent"),
    "reassembly": (4, "uipy.tcp_pool"),
    "cookies": (True, "uipy.tcp_cookie"),
    "ecn": (1, "uipy.tcp_ecn"),
    "timestamps": (True, "uipy.tcp_timestamps"),
    "sack": (True, "uipy.tcp_sack"),
}
# What a service of host/ and net/ takes, as its docstring makes it: {name: (its part, how)}.
SERVICES = {
    "Acd": ("uipy", "Acd(stack)"),
    "Groups": ("uipy", "Groups(stack)"),
    "Reassembly": ("uipy", "Reassembly(stack)"),
    "Redirects": ("uipy", "Redirects(stack)"),
    "Dhcp": ("uipy.host", "Dhcp(stack)"),
    "LinkLocal": ("uipy.host", "LinkLocal(stack)"),
    "Resolver": ("uipy.host", "Resolver(stack, ['192.168.1.1'])"),
    "Mdns": ("uipy.host", "Mdns(stack, 'board')"),
    "Sntp": ("uipy.host", "Sntp(stack, ['192.168.1.1'])"),
    "Syslog": ("uipy.host", "Syslog(stack, '192.168.1.1')"),
}
# What a socket takes, each made for the second time: {what: how}.
SOCKETS = {
    "socket.socket()": "socket()",
    "a UDP socket, bound": "bound()",
    "a TCP socket that listens, for each that may wait": "listening(2)",
    "a TCP socket, connected: rings of 4 and of 2 segments": "connecting()",
}
USE = """
from uipy import loop
from uipy.sock.face import socket
loop.attach(make(8, None))

def bound():
    s = socket(2, 2)
    s.bind(("", 0))
    return s

def listening(n):
    s = socket()
    s.bind(("", 0))
    s.listen(n)
    return s

def connecting():
    s = socket()
    s.setblocking(False)
    try:
        s.connect(("192.168.1.9", 80))
    except OSError:
        pass
    return s
"""
# What a web site takes, in this order: {what: how}. A client is an App of `listen(80, site, n)`.
SITE = """
from uipy.apps import Site
from uipy.web import Events, Routes, WebApp, WebSockets
site, plain = Site(), Site()
"""
CLIENT, ROUTES, ROUTED = (
    "a client of a `Site`",
    "`Routes(site)`",
    "a client of a `Site` with `Routes`",
)
WEB = {
    CLIENT: "plain()",
    ROUTES: "Routes(site)",
    ROUTED: "site()",
    "`Events(4)`": "Events(4)",
    "`WebSockets(WebApp, 1)`": "WebSockets(WebApp, 1)",
}
DEFAULT = "urgent"  # is there unless it is switched off
CORE = ("uipy", "uipy.core")  # what every Stack needs
# Not counted: asyncio is another's, and what stands on it.
LEFT_OUT = (
    *("uipy.aio", "uipy.compat", "uipy.host.dns_aio", "uipy.watch", "config"),
    *("uipy.sock.tls", "modules.ssl", "modules.usocket"),  # want TLS in the image, or another
    "uipy.doctor",  # runs when it is imported, and forgets what it took
)


class Count(NamedTuple):
    """Octets of RAM; `options` has pairs of what an option's part leaves and what it takes,
    `services` what a service takes, those of WEB among them."""

    parts: dict
    stack: int
    connection: int
    options: dict
    services: dict

    def core(self):
        """The code of a Stack with what is there unless it is switched off."""
        code = sum(self.parts[name] for name in CORE)
        return code + (self.options[DEFAULT][0] if DEFAULT in self.options else 0)


def order(variant):
    """The parts of a variant, each behind those that it imports."""
    house = join.House(sources.sources(), variant)
    made, done = join.parts_of(house), []

    def add(name):
        if name not in done:
            for home, _ in made[name].imports:
                add(house.part_of[home])
            done.append(name)

    for name in (*CORE, *sorted(made)):
        if not name.startswith(LEFT_OUT):
            add(name)
    return [name for name in done if file_of(name, join.build(variant))]


def file_of(name, tree):
    """The file of a part, None if it has no code."""
    place = tree.joinpath(*name.split("."))
    found = [f for f in (place / "__init__.py", place.with_suffix(".py")) if f.exists()]
    return found[0] if found and found[0].stat().st_size else None


def program(names, tree, source, steps=()):
    """A script that counts, in parts (wasm/run.mjs): each module, then each (name, statement).
    `source`: where the script finds `tree`.
    """
    files = {name: file_of(name, tree).relative_to(tree).as_posix() for name in names}
    read = "codes['{0}'] = compile(open('{1}/{2}').read(), '{0}', 'exec')"
    load = "__import__('{0}')\nexec(codes['{0}'], sys.modules['{0}'].__dict__)"
    parts = [BEGIN, *[read.format(name, source, files[name]) for name in names]]
    # Twice: what the first count of a script takes for itself is not always the same.
    parts += [_counted("pass", "first"), _counted("pass", "nothing")]
    parts += [_counted(load.format(name), name) for name in names]
    return "\n".join([*parts, *[_counted(do, name) for name, do in steps]])


def _counted(statement, name):
    return (
        "gc.collect()\n# %%\nwas = gc.mem_alloc()\n# %%\n"
        f"{statement}\ngc.collect()\n# %%\nprint('{name}', gc.mem_alloc() - was)"
    )


def _run(run, text, names=(), tree=None):
    """Runs a script with empty files for these modules to import; {name: octets}."""
    with tempfile.TemporaryDirectory() as folder:
        lib = Path(folder) / "lib"
        lib.mkdir()
        for name in names:
            empty = lib / file_of(name, tree).relative_to(tree)
            empty.parent.mkdir(parents=True, exist_ok=True)
            empty.write_text("")
        script = Path(folder) / "count.py"
        script.write_text(text)
        lines = [line.split() for line in run(script, lib).splitlines()]
    found = {name: int(n) for name, n in lines}
    nothing = found.pop("nothing")
    found.pop("first", None)
    return {name: n - nothing for name, n in found.items()}


def measure():
    """The Count on 32 bits, with the kernels in plain Python: this build has no native code."""
    tree, names = join.build("plain"), order("plain")
    present = {o: v for o, v in OPTIONS.items() if v[1] in names}
    off = dict.fromkeys(present, False)
    steps = [("Stack", f"keep.append(make(8, {off}))"), ("more", f"keep.append(make(16, {off}))")]
    for option, (value, _) in present.items():
        steps.append((f"with_{option}", f"keep.append(make(8, { ({**off, option: value}) }))"))
    for name, (home, how) in SERVICES.items():
        steps.append(("_", f"from {home} import {name}\nstack = host()"))
        steps.append((f"new_{name}", f"keep.append({how})"))

    steps.append(("_", USE))
    for k, how in enumerate(SOCKETS.values()):
        steps += [("_", f"keep.append({how})"), (f"socket_{k}", f"keep.append({how})")]
    steps.append(("listen_1", "keep.append(listening(1))"))
    steps.append(("_", SITE))
    steps += [(f"web_{k}", f"keep.append({how})") for k, how in enumerate(WEB.values())]

    def run(script, stubs):
        files = ((stubs, "/lib"), (tree, "/src"))
        return interpreters.run_wasm(script, files=files, heap=8 << 20)

    found = _run(run, program(names, tree, "/src", steps), names, tree)
    options = {o: (found[p], found[f"with_{o}"] - found["Stack"]) for o, (_, p) in present.items()}
    parts = {name: found[name] for name in names}
    services = {name: found[f"new_{name}"] for name in SERVICES}
    found["socket_2"] -= found["listen_1"]
    services.update((what, found[f"socket_{k}"]) for k, what in enumerate(SOCKETS))
    services.update((what, found[f"web_{k}"]) for k, what in enumerate(WEB))
    more = (found["more"] - found["Stack"]) // 8
    return Count(parts, found["Stack"], more, options, services)


def cross_check():
    """What the core leaves on the unix binary: (counted as above, in ROMFS, from .mpy files)."""
    tree, names = join.build("viper"), list(CORE)
    counted = _run(
        lambda script, stubs: interpreters.run_unix(script, path=(stubs,)),
        program(names, tree, tree),
        names,
        tree,
    )
    compiled = cross.package("x64")
    with tempfile.TemporaryDirectory() as folder:
        rom = Path(folder) / "rom.img"
        rom.write_bytes(romfs.image(romfs.tree(compiled)))
        steps = [_counted("pass", "nothing"), _counted("import uipy.core", "all")]

        def everything(text, *path):
            return _run(lambda script, _: interpreters.run_unix(script, path=path), text)["all"]

        in_rom = everything("\n".join([BEGIN, ROM.format(rom), *steps]))
        plain = everything("\n".join([BEGIN, *steps]), compiled)
    return sum(counted.values()), in_rom, plain
