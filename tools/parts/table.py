"""Which module goes into which part.

Three rules and a table. A part takes in what its modules import at their top. What is imported
inside a function ("load on use"), or by nobody, is a part of its own, and takes in what only it
imports. What two parts import is a part of its own.
"""

from parts.scopes import Refused, shown

# A part and what it is made from: a folder ("uipy.apps.") or modules, and all that they need.
PARTS = {
    "uipy": ("uipy",),
    "uipy.core": (
        "uipy.stack",
        "uipy.app",
        "uipy.net.arp",
        "uipy.net.udp",
        "uipy.tcp.demux",
    ),
    "uipy.toolbox": ("uipy.source", "uipy.ring", "uipy.stream", "uipy.writer"),
    "uipy.apps": ("uipy.apps.",),
    "uipy.loop": ("uipy.loop",),
    "uipy.host.dns": ("uipy.host.dns", "uipy.host.dns_answer", "uipy.host.dns_reply"),
    "uipy.drivers.enc28j60": ("uipy.drivers.enc28j60.",),
    "uipy.drivers.wiznet": ("uipy.drivers.wiznet.",),
    "uipy.drivers.slip": ("uipy.drivers.slip.",),
}
CORE = "uipy.core"
# Modules of the core and the toolbox that programs know by name: they keep a door of that name.
DOORS = ("kern", "app", "errors", "ring", "source", "stack", "stat", "stream", "writer")
FACES = ("modules.",)  # of what others have made: `import socket` finds lib/modules/socket.py
# What a person installs (`make install`, mip): a piece, and what it takes of the parts, by their
# names' beginnings. The longest beginning counts; what is no "uipy." belongs to the board.
PIECES = {
    "core": ("uipy",),
    "enc28j60": ("uipy.drivers.enc28j60",),
    "wiznet": ("uipy.drivers.wiznet",),
    "slip": ("uipy.drivers.slip",),
    "apps": ("uipy.apps",),
    "host": ("uipy.host",),
    "web": ("uipy.web",),
    "sock": ("uipy.sock", "modules"),
    "doctor": ("uipy.doctor",),
    "compat": ("uipy.compat",),
    "board": ("",),
}
DRIVERS = ("enc28j60", "wiznet", "slip")
FLAT = ("uipy.net.", "uipy.tcp.", "uipy.kern.")  # leave no package behind: uipy/tcp_sack.py


def partition(house, table):
    """{part: its modules in the order of their imports}, by this table."""
    part_of, order = {}, _order(house)
    for part, roots in table.items():
        for root in roots:
            members = [n for n in order if n == root or n + "." == root]
            if root.endswith("."):
                members += [n for n in order if n.startswith(root) and n not in members]
            if not members:
                raise Refused("tools/parts/table.py: the table names %s, which is none" % root)
            part_of.update(dict.fromkeys(members, part))
    for name in reversed(order):  # importers first
        if part_of.get(name) == CORE or name == "uipy.kern":
            _take_in(house, name, CORE, part_of)
    lazy = set().union(*(house.later(m) for m in house.modules.values()))
    # What a face takes is found by its own name as well.
    lazy.update(*(house.needs(m) for n, m in house.modules.items() if n.startswith(FACES)))
    importers = {n: [] for n in order}
    for name in order:
        for target in house.needs(house.modules[name]):
            importers[target].append(name)
    for name in reversed(order):
        if name not in part_of:
            by = {part_of[n] for n in importers[name]}
            alone = name in lazy or len(by) != 1
            part_of[name] = _flat(name) if alone else by.pop()
    return {
        part: [n for n in order if part_of[n] == part] for part in dict.fromkeys(part_of.values())
    }


def _take_in(house, name, part, part_of):
    part_of[name] = part
    for target in house.needs(house.modules[name]):
        if target not in part_of:
            _take_in(house, target, part, part_of)


def _flat(name):
    if name.startswith(FLAT):
        return "uipy." + name[5:].replace(".extra.", ".").replace(".", "_")
    return name


def _order(house):
    """All modules, each behind those that it imports at its top."""
    done, busy = [], []

    def add(name):
        if name in done:
            return
        m = house.modules[name]
        if name in busy:
            ring = " -> ".join([*busy[busy.index(name) :], name])
            raise Refused("%s:1: imports in a ring: %s" % (shown(m.path), ring))
        busy.append(name)
        for other in house.needs(m):
            add(other)
        busy.pop()
        done.append(name)

    for name in sorted(house.modules):
        add(name)
    return done
