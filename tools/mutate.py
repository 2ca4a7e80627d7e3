"""Does the test of a requirement fail when the line that fulfils it is gone?

    python tools/mutate.py                  every line of lib/ that cites a row (`# MUST-12`), two
    at a time python tools/mutate.py MUST-12 SHLD-7   those rows only python tools/mutate.py --list
    the lines, and the rows that no line cites

A citation in a comment at the end of a line, or in a comment line above it, names a statement. The
statement is disabled in a copy of the tree, never in the tree itself, and the tests that bear the
row's marker are run on it: one of them must fail. What "disabled" means depends on the statement:

    if, elif, while     the condition is False; if every such mutant survives, True
    def                 the body is `return 0`
    name = const(n)     n * 8 + 1, and n // 8: one of them must be noticed
    name = value        name = 0
    return a and b      `return 0` and `return 1`: one of them must be noticed
    any other           pass

Survivors, rows that no line cites, and rows without a test are printed, and the exit status is 1.
What was found is kept in build/mutants.json and not done again while neither the library nor the
row's tests have changed.
"""

import argparse
import ast
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "host_tests")]

import conformance  # noqa: E402
import rfc_rows  # noqa: E402

CACHE = ROOT / "build" / "mutants.json"
CITED = re.compile(r"#.*?((?:MUST|SHLD|MAY)-\d+(?:[ ,]+(?:MUST|SHLD|MAY)-\d+)*)")
ID = re.compile(r"(?:MUST|SHLD|MAY)-\d+")
SECONDS = 240  # for the tests of one mutant; longer is a hang, which is noticed too
COPIED = ("lib", "host_tests", "tools", "firmware", "pyproject.toml")


class Site:
    """A statement that cites rows."""

    def __init__(self, path, node, rows):
        self.path, self.node, self.rows = path, node, rows
        self.name = "%s:%d" % (path.relative_to(ROOT), node.lineno)

    def mutants(self):
        """The texts of the file with this statement disabled, each with a word for how."""
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        for how, change in ways(self.node):
            text = "".join(change(list(lines)))
            ast.parse(text)
            yield how, text


# --- which statements ---


def sites(folder=ROOT / "lib"):
    """Every statement of the library that cites a row."""
    out = []
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        starts = statements(ast.parse(text))
        for number, rows in citations(text.splitlines()):
            node = starts.get(number) or around(starts, number)
            if node is None:
                raise SystemExit("mutate: %s:%d: no statement here" % (path, number))
            out.append(Site(path, node, rows))
    return out


def citations(lines):
    """(number of the statement's line, rows) for each comment; one on its own line is about the
    next code line."""
    for k, line in enumerate(lines):
        m = CITED.search(line)
        if m and not in_docstring(lines, k):
            at = k
            while lines[at].lstrip().startswith("#"):
                at += 1
            yield at + 1, ID.findall(m.group(1))


def in_docstring(lines, k):
    """Whether an odd number of triple quotes stands before line k: then the # is text."""
    return sum(line.count('"""') for line in lines[:k]) % 2 == 1


def statements(tree):
    """{line: the statement that begins there}."""
    return {node.lineno: node for node in ast.walk(tree) if isinstance(node, ast.stmt)}


def around(starts, number):
    """The innermost simple statement, or the condition, that the line is a part of."""
    best = None
    for node in starts.values():
        end = node.test.end_lineno if isinstance(node, (ast.If, ast.While)) else node.end_lineno
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.For, ast.With)):
            end = node.body[0].lineno - 1
        if node.lineno <= number <= end and (best is None or node.lineno > best.lineno):
            best = node
    return best


# --- what is done to them ---


def ways(node):
    """[(word, function of the file's lines)] for a statement."""
    if isinstance(node, (ast.If, ast.While)):
        return [("never", replace(node.test, "False"))] + (
            [("always", replace(node.test, "True"))] if isinstance(node, ast.If) else []
        )
    if isinstance(node, ast.FunctionDef):
        return [("empty", body(node))]
    if isinstance(node, ast.Assign) and is_const(node.value):
        n = node.value.args[0]
        return [
            ("larger", replace(n, "(%s) * 8 + 1" % ast.unparse(n))),
            ("smaller", replace(n, "(%s) // 8" % ast.unparse(n))),
        ]
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return [("zero", replace(node.value, "0"))]
    if (
        isinstance(node, ast.Return)
        and node.value is not None
        and not isinstance(node.value, ast.Call)
    ):
        return [("false", replace(node.value, "0")), ("true", replace(node.value, "1"))]
    return [("gone", replace(node, "pass"))]


def is_const(node):
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const"
    )


def replace(node, text):
    """Puts `text` in the place of a node; the lines keep their numbers."""

    def change(lines):
        first, last = node.lineno - 1, node.end_lineno - 1
        head = lines[first].encode()[: node.col_offset].decode()
        tail = lines[last].encode()[node.end_col_offset :].decode()
        lines[first : last + 1] = [head + text + tail] + ["\n"] * (last - first)
        return joined(lines, first, last)

    return change


def joined(lines, first, last):
    """A condition over several lines stood in brackets or not; blank lines inside brackets do no
    harm."""
    return lines


def body(node):
    """Puts `return 0` in front of a function's body, behind its docstring."""

    def change(lines):
        first = node.body[1] if len(node.body) > 1 and ast.get_docstring(node) else node.body[0]
        at = first.lineno - 1
        pad = re.match(r"\s*", lines[at]).group()
        return lines[:at] + [pad + "return 0\n"] + lines[at:]

    return change


# --- and what the tests say ---


def tests_of(row, proofs):
    """The tests that bear one of the row's markers (all letters of it)."""
    out = set()
    for key, tests in proofs.items():
        if key.rstrip("abc") == "9293 " + row:
            out |= {name for name, result in tests if result == "passed"}
    return sorted(out)


def noticed(site, text, tests, where):
    """Whether one of the tests fails on the mutant, in the copy of the tree at `where`."""
    target = where / site.path.relative_to(ROOT)
    before = target.read_text(encoding="utf-8")
    target.write_text(text, encoding="utf-8")
    try:
        return run(tests, where) != 0
    finally:
        target.write_text(before, encoding="utf-8")


def run(tests, where):
    """pytest's exit status for these tests in that tree; 99 when they hang."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    env = {k: v for k, v in os.environ.items() if k not in ("UIPY_RECORD", "CI")}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    try:
        done = subprocess.run(
            command, cwd=where, env=env, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return 99
    if done.returncode not in (
        0,
        1,
        2,
    ):  # 2: a test module could not be imported, which is noticing
        raise SystemExit("mutate: pytest does not start: %s" % (done.stdout + done.stderr)[-2000:])
    return done.returncode


def copy_tree():
    """The parts of the tree that the tests need, in a temporary directory."""
    where = Path(tempfile.mkdtemp(prefix="uipy-mutant-"))
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, where / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, where / name)
    return where


class Verdicts:
    """What was found before, by what it was found with."""

    def __init__(self):
        self.known = json.loads(CACHE.read_text()) if CACHE.exists() else {}

    def key(self, text, tests):
        h = hashlib.sha256(text.encode())
        h.update(self.state.encode())
        for name in tests:
            h.update(name.encode())
        return h.hexdigest()[:24]

    def keep(self):
        CACHE.parent.mkdir(exist_ok=True)
        CACHE.write_text(json.dumps(self.known, indent=0, sort_keys=True))


def examine(jobs, verdicts, workers):
    """Runs every job (site, row, tests); returns those whose every mutant survived."""
    places = [copy_tree() for _ in range(workers)]
    free = list(places)

    def one(job):
        site, _row, tests = job
        where = free.pop()
        try:
            for _, text in site.mutants():
                key = verdicts.key(text, tests)
                if key not in verdicts.known:
                    verdicts.known[key] = noticed(site, text, tests, where)
                if verdicts.known[key]:
                    return None
            return job
        finally:
            free.append(where)

    try:
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            found = []
            for n, job in enumerate(pool.map(one, jobs), 1):
                found.append(job)
                print("\r%d of %d" % (n, len(jobs)), end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return [job for job in found if job]
    finally:
        verdicts.keep()
        for where in places:
            shutil.rmtree(where, ignore_errors=True)


def main(argv=None):
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("rows", nargs="*", help="MUST-12 ...; default: every row that is cited")
    p.add_argument("--list", action="store_true", help="print the statements and stop")
    p.add_argument("--workers", type=int, default=2)
    a = p.parse_args(argv)
    wanted = {
        row.cited
        for row in rfc_rows.load()["9293"]
        if row.must and row.key not in conformance.deviations()
    }
    proofs = conformance.results()
    jobs = [
        (s, row, tests_of(row, proofs))
        for s in sites()
        for row in s.rows
        if not a.rows or row in a.rows
    ]
    faults = [
        "%s is cited by no line of lib/" % r
        for r in sorted(wanted, key=number)
        if not any(r == j[1] for j in jobs)
    ]
    faults = [] if a.rows else faults
    if a.list:
        for site, row, tests in jobs:
            print(
                "%-32s %-8s %2d tests  %s"
                % (site.name, row, len(tests), ast.unparse(site.node).split("\n")[0][:60])
            )
        print("\n".join(faults))
        return 0
    faults += [
        "%s: %s has no passing test of today's sources: run `make conformance`" % (s.name, r)
        for s, r, t in jobs
        if not t
    ]
    verdicts = Verdicts()
    verdicts.state = state()
    left = examine([job for job in jobs if job[2]], verdicts, a.workers)
    faults += ["%s: survives without %s (%s)" % (s.name, row, ", ".join(t)) for s, row, t in left]
    for fault in faults:
        print("mutate: " + fault)
    print(
        "%d statements, %d rows cited, %d survivors"
        % (len(jobs), len({j[1] for j in jobs}), len(left))
    )
    return 1 if faults else 0


def number(row):
    return int(row.split("-")[1])


def state():
    """A digest of the library and of the tests."""
    from conformance_plugin import digest, library_digest

    return library_digest() + digest(*(ROOT / "host_tests").rglob("*.py"))


if __name__ == "__main__":
    sys.exit(main())
