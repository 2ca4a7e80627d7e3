"""Does any test of its folder fail when a line of the library is changed?

    python tools/proof/mutants.py                 the sample of `make test`: PER_MILLE of what can
                                                  be changed in tcp/, net/ and aio.py
    python tools/proof/mutants.py 150 --seed 7    150 others, drawn with that seed
    python tools/proof/mutants.py 40 tcp/rto.py   40, of these files or folders of lib/uipy
    python tools/proof/mutants.py 0 drivers       all of them
    python tools/proof/mutants.py 150 --list      which ones

Many changes with the same tests are tried by trial.py, in forks of one process: 1,567 of
tcp/ and net/ in 23 minutes of one core, where a pytest for each took 6.8 s, and 337 of a driver,
whose tests are slower, in 13 minutes of two.

mutate.py asks whether the tests of a requirement notice that its line is gone; here every line
of tcp/, net/, drivers/ and aio.py is asked for, and every test of the folder may answer. A change
is one of these:

    <  <=  >  >=  ==  !=    the neighbour: `<` becomes `<=`, `==` becomes `!=`
    and, or                 the other one
    +  -  <<  >>  &  |      the opposite
    a number                one more, but for a pin's level and a pause
    if, while               never
    a call, or an assignment to an attribute, an element or with an operator: pass
    return value            return 0

A sample stays what it is while other lines change: a change is in it by the hash of its file,
its function and its text. Survivors that no test can notice stand in docs/mutants.tsv with the
reason; others are printed, and the exit status is 1. All happens in copies of the tree.
"""

import argparse
import ast
import concurrent.futures
import copy
import hashlib
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools")]

from proof import trial  # noqa: E402
from proof.mutate import Trees, replace  # noqa: E402

LIB = ROOT / "lib" / "uipy"
REASONS = ROOT / "docs" / "mutants.tsv"
AREAS = ("tcp", "net", "drivers", "aio.py")
IN_CI = ("tcp", "net", "aio.py")
PER_MILLE = 3
SEED = "uipy"
EDGES = {"UIPY_T0": "1073736824", "UIPY_C0": "1073741822"}  # near the wrap
# A pin is high for any number above 0, and a pause is a least time: 1 more changes nothing.
SAME = ("cs", "_cs", "_rst", "sleep_ms", "sleep_us")
MANY = 60  # with the same tests: what is worth the time that trial.py takes to begin
LEAST_S = 30  # for the tests of one change; five times what they take unchanged, if that is more

NET = ["arp", "eth", "icmp", "ipv4", "udp", "stack"]
LEASED = ["host/test_dhcp_lease.py", "host/test_dhcp_connections.py", "host/test_linklocal.py"]
NUMBERS = "drivers/test_numbers.py"
TESTS = {  # by folder; the first one that fits
    "tcp/extra/renumber": ["host/test_dhcp_connections.py", "host/test_linklocal.py"],
    "net/acd": ["host/test_acd.py", "host/test_acd_owner.py", *LEASED],
    "host/dhcp_message": ["host/test_dhcp.py", "host/test_dhcp_garbage.py"],
    "host/dhcp": ["host/test_dhcp.py", *LEASED],
    "host/routes": ["host/test_dhcp.py"],
    "host/linklocal": ["host/test_linklocal.py"],
    "tcp": ["tcp"],
    "net/arp": ["arp", "ipv4", "tcp/test_neighbour.py"],
    "net/igmp": ["ipv4/test_igmp.py", "ipv4/test_igmp_table.py"],
    "net/reassembly": ["ipv4/test_reassembly.py", "ipv4/test_reassembly_slots.py"],
    "net/redirect": ["ipv4/test_redirect.py"],
    "net/icmp": ["icmp", "udp", "ipv4", "tcp/test_icmp_errors.py"],
    "net/datagram": [*NET, "tcp"],
    "net": [*NET, "tcp/test_neighbour.py", "tcp/test_icmp_errors.py"],
    "aio": ["aio"],
    "host/sntp": ["host/test_sntp.py"],
    "host/syslog": ["host/test_syslog.py"],
    "host/mdns_rename": ["host/test_mdns_rename.py"],
    **{
        "sock/" + name: ["sock/test_open.py", "sock/test_stream.py", "sock/test_end.py"]
        for name in ("tcp", "backlog", "face", "options", "args")
    },
    "sock/udp": ["sock/test_udp.py", "sock/test_udp_groups.py"],
    "sock/groups": ["sock/test_udp_groups.py"],
    "sock/names": ["sock/test_names.py"],
    "sock/lan": ["sock/test_network.py", "sock/test_network_names.py"],
    "sock/nic": ["sock/test_network.py", "sock/test_network_names.py"],
    "web": ["web/test_%s.py" % name for name in ("bodies", "ahead", "routes", "values", "auth")],
    "drivers/enc28j60": [
        "drivers/test_groups.py",
        "drivers/test_enc28j60_driver.py",
        "drivers/test_enc28j60_chip.py",
        "drivers/test_enc28j60_setup.py",
        "drivers/test_enc28j60_frames.py",
        "drivers/test_enc28j60_octets.py",
        "drivers/test_enc28j60_steps.py",
        "drivers/test_enc28j60_health.py",
        "drivers/test_enc28j60_recovery.py",
        NUMBERS,
    ],
    "drivers/wiznet": [
        "drivers/test_groups.py",
        "drivers/test_wiznet_frames.py",
        "drivers/test_wiznet_steps.py",
        "drivers/test_wiznet.py",
        "drivers/test_wiznet_said.py",
        "drivers/test_wiznet_doubt.py",
        "drivers/test_wiznet_upkeep.py",
        "drivers/test_wiznet_seam.py",
        "drivers/test_wiznet_state.py",
        "drivers/test_wiznet_recovery.py",
        NUMBERS,
    ],
    "drivers/slip": ["slip/test_slip.py", "slip/test_octets.py", "slip/test_console.py", NUMBERS],
    "drivers/mac": ["drivers/test_mac.py"],
    "drivers/bus": ["drivers/test_bus.py"],
    "drivers/spidev": [
        "drivers/test_spidev.py",
        "drivers/test_enc28j60_setup.py",
        "drivers/test_enc28j60_frames.py",
        "drivers/test_wiznet_frames.py",
    ],
    "drivers": ["drivers/test_enc28j60_frames.py", "drivers/test_wiznet_frames.py"],
}
FIRST = {  # of the folder's tests, the file that most likely notices
    "tcp/ack": "window",
    "tcp/check": "rfc5961",
    "tcp/conn": "callbacks",
    "tcp/connect": "ports",
    "tcp/emit": "sending",
    "tcp/halfopen": "waiting",
    "tcp/icmp": "icmp_errors",
    "tcp/listen": "waiting",
    "tcp/rto": "retransmission",
    "tcp/send": "sending",
    "tcp/states": "closing",
    "tcp/text": "established",
    "tcp/timers": "keepalive",
    "tcp/timewait": "time_wait",
    "tcp/whose": "established",
    "tcp/extra/cookie": "cookies",
    "tcp/extra/pool": "established",
}

OTHER: dict[type, Any] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


class Mutant:
    """A change of a file's text. `key` says which one it is, whatever the lines' numbers are."""

    def __init__(self, path, where, node, text, nth):
        self.path, self.node, self.text = path, node, text
        self.file = str(path.relative_to(LIB))
        before = " ".join(ast.unparse(node).split("\n")[0].split())
        self.key = (self.file, where, before, text + (" #%d" % nth if nth else ""))
        self.in_function = where.rpartition(".")[2].lstrip("_")[:1].islower()

    def __str__(self):
        return "%s:%d: %s: `%s` -> `%s`" % (self.file, self.node.lineno, *self.key[1:])

    def hash(self, seed):
        return int(hashlib.sha256("\0".join((seed, *self.key)).encode()).hexdigest()[:8], 16)

    def apply(self, lines):
        return "".join(replace(self.node, self.text)(lines))


# --- what can be changed ---


def mutants(path):
    """Every change of a file."""
    seen = {}
    out = []

    def visit(node, where, same=False):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            where = (where + "." if where else "") + node.name
            inside = node.body
        elif isinstance(node, (ast.Import, ast.ImportFrom)) or skipped(node):
            return
        else:
            inside = ast.iter_child_nodes(node)
        for target, text in changes(node):
            key = (where, ast.unparse(target), text)
            if not (same and isinstance(target, ast.Constant) and target.value):
                out.append(Mutant(path, where, target, text, seen.get(key, 0)))
            seen[key] = seen.get(key, 0) + 1
        same = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in SAME
        for child in inside:
            visit(child, where, same)

    visit(ast.parse(path.read_text(encoding="utf-8")), "")
    return out


def skipped(node):
    """Docstrings, what a test cannot see, and what only says who calls."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, (ast.Constant, ast.Yield))
    return isinstance(node, (ast.Raise, ast.JoinedStr, ast.keyword, ast.Assert))


def changes(node):
    """(node, what stands in its place) for the node itself, not for what is in it."""
    if isinstance(node, (ast.If, ast.While)):
        yield node.test, "False"
    elif isinstance(node, ast.Return):
        value = node.value
        if value is not None and not (isinstance(value, ast.Constant) and not value.value):
            yield node, "return 0"
    elif isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield node, "pass"
    elif isinstance(node, ast.Assign):
        if not isinstance(node.targets[0], ast.Name):
            yield node, "pass"
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER:
        compare = copy.deepcopy(node)
        compare.ops = [OTHER[type(node.ops[0])](), *node.ops[1:]]
        yield node, "(%s)" % ast.unparse(compare)
    elif isinstance(node, (ast.BoolOp, ast.BinOp)) and type(node.op) in OTHER:
        joined = copy.deepcopy(node)
        joined.op = OTHER[type(node.op)]()
        yield node, "(%s)" % ast.unparse(joined)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield node, str(node.value + 1)


def files(areas):
    """The source files of these folders, or files, of lib/uipy."""
    for area in areas:
        path = LIB / area
        if not path.exists():
            raise SystemExit("mutants: no lib/uipy/%s" % area)
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def drawn(count, areas, seed):
    """The sample: `count` of all (0: all), or the one of CI (None)."""
    every = [m for path in files(areas) for m in mutants(path)]
    if count is None:
        return [m for m in every if m.hash(SEED) % 1000 < PER_MILLE]
    if not count or count >= len(every):
        return every
    return random.Random(seed).sample(every, count)


# --- what the tests say ---


def folder_of(mutant):
    """Its tests are at TESTS[folder]."""
    name = mutant.file[:-3]
    return next(k for k in TESTS if name.startswith(k))


def tests_of(mutant):
    """The tests that are to notice, most likely one first."""
    name, folder = mutant.file[:-3], folder_of(mutant)
    first = FIRST.get(name)
    if first is None and name.startswith("tcp/"):
        stem = name.rsplit("/", 1)[1]
        first = stem if (ROOT / ("host_tests/tcp/test_%s.py" % stem)).exists() else None
    begin = ["tcp/test_%s.py" % first] if first else []
    return ["host_tests/" + t for t in begin + TESTS[folder]]


def run(tests, where, seconds):
    """pytest's exit status for these tests in that tree; 99 when they take too long."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    env = {k: v for k, v in os.environ.items() if not k.startswith("UIPY_") and k != "CI"}
    env |= {"PYTHONDONTWRITEBYTECODE": "1", **EDGES}
    null = subprocess.DEVNULL
    try:
        return subprocess.run(
            command, cwd=where, env=env, timeout=seconds, check=False, stdout=null, stderr=null
        ).returncode
    except subprocess.TimeoutExpired:
        return 99


class Hunt:
    """Tries {mutant: tests}, as many at a time as there are trees."""

    def __init__(self, trees, tests):
        self.trees = trees
        self.tests = tests
        self.seconds = {}

    def measure(self, tests):
        """How long the tests of an unchanged folder take; they must pass."""
        key = tests[-1]
        if key not in self.seconds:
            begin = time.monotonic()
            if run(tests, self.trees.all[0], 600):
                raise SystemExit("mutants: the tests fail as it is: " + " ".join(tests))
            self.seconds[key] = max(5 * (time.monotonic() - begin), LEAST_S)
        return self.seconds[key]

    def survives(self, mutant):
        where = self.trees.free.pop()
        target = where / mutant.path.relative_to(ROOT)
        before = target.read_text(encoding="utf-8")
        tests = self.tests[mutant]
        try:
            text = mutant.apply(before.splitlines(keepends=True))
            target.write_text(text, encoding="utf-8")
            return run(tests, where, self.seconds[tests[-1]]) == 0
        finally:
            target.write_text(before, encoding="utf-8")
            self.trees.free.append(where)

    def all(self):
        """Those that survive, as they are found."""
        chosen = list(self.tests)
        for mutant in chosen:
            self.measure(self.tests[mutant])
        with concurrent.futures.ThreadPoolExecutor(len(self.trees.all)) as pool:
            for n, alive in enumerate(pool.map(self.survives, chosen)):
                if sys.stderr.isatty():
                    sys.stderr.write("\r%d of %d " % (n + 1, len(chosen)))
                if alive:
                    yield chosen[n]


def reasons():
    """{key of a mutant that no test can notice: the reason}."""
    out = {}
    for line in REASONS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("# "):
            *key, reason = line.split("\t")
            out[tuple(key)] = reason
    return out


def survivors(tried, workers):
    """Those that survive, as they are found."""
    folders = defaultdict(list)
    for mutant in tried:
        if mutant.in_function:
            folders[folder_of(mutant)].append(mutant)
    left = {mutant: tests_of(mutant) for mutant in tried}
    for folder, some in folders.items():
        if len(some) >= MANY:
            tests = ["host_tests/" + t for t in TESTS[folder]]
            for mutant, answer, away in trial.try_all(tests, some, os.environ | EDGES, workers):
                if answer == trial.NOTICED:
                    del left[mutant]
                elif answer == trial.SURVIVES and away:
                    left[mutant] = away
                elif answer == trial.SURVIVES:
                    del left[mutant]
                    yield mutant
    trees = Trees(workers)
    try:
        yield from Hunt(trees, left).all()
    finally:
        trees.remove()


def hunt(chosen, workers):
    """Prints the survivors that have no reason; how many they are."""
    known = reasons()
    tried = [m for m in chosen if m.key not in known]
    alive = 0
    for mutant in survivors(tried, workers):
        alive += 1
        print("mutants: survives: %s" % mutant, flush=True)
        print("\t".join(mutant.key), flush=True)
    print(
        "mutants: %d of %d noticed, %d survive, %d known to change nothing"
        % (len(tried) - alive, len(tried), alive, len(chosen) - len(tried))
    )
    return alive


def main(argv=None):
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("count", nargs="?", type=int, help="how many; 0: all; none: the sample of CI")
    p.add_argument("areas", nargs="*", help="files or folders of lib/uipy")
    p.add_argument("--seed", default="1")
    p.add_argument("--list", action="store_true", help="print them and stop")
    p.add_argument("--workers", type=int, default=2)
    a = p.parse_intermixed_args(argv)
    chosen = drawn(a.count, a.areas or (IN_CI if a.count is None else AREAS), a.seed)
    if a.list:
        print(*chosen, len(chosen), sep="\n")
        return 0
    return 1 if hunt(chosen, a.workers) else 0


if __name__ == "__main__":
    sys.exit(main())
