"""Does the test of a requirement fail when the line that fulfils it is gone?

    python tools/proof/mutate.py                    every line of lib/ that cites a row
                                                    (`# MUST-12`), two at a time
    python tools/proof/mutate.py MUST-12 SHLD-7     those rows only
    python tools/proof/mutate.py --list             the lines, and the rows that no line cites

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
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools")]

from proof import conformance, rfc_rows  # noqa: E402
from proof.conformance_plugin import kept  # noqa: E402

CACHE = ROOT / "build" / "mutants.json"
ID = re.compile(r"(?:MUST|SHLD|MAY)-\d+")
SECONDS = 60  # for the tests of one mutant; longer is a hang, which is noticed too
COPIED = (
    "lib",
    "host_tests",
    "tools",
    "firmware",
    "boards",
    "pyproject.toml",
    "docs",
    "README.md",
)


class Site:
    """A statement that cites rows."""

    def __init__(self, path, node, rows):
        self.path, self.node, self.rows = path, node, rows
        self.name = "%s:%d" % (path.relative_to(ROOT), node.lineno)

    def mutants(self):
        """The texts of the file with this statement disabled, in each way."""
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        for change in ways(self.node):
            text = "".join(change(list(lines)))
            ast.parse(text)
            yield text


# --- which statements ---


def sites(folder=ROOT / "lib"):
    """Every statement of the library that cites a row."""
    out = []
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        starts = statements(ast.parse(text))
        for number, rows in citations(text):
            node = starts.get(number) or around(starts, number)
            if node is None:
                raise SystemExit("mutate: %s:%d: no statement here" % (path, number))
            out.append(Site(path, node, rows))
    return out


def citations(text):
    """(line of the statement, rows) for each comment that cites; one on a line of its own is about
    the next line of code."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and ID.search(token.string):
            at = token.start[0]
            while lines[at - 1].lstrip().startswith("#"):
                at += 1
            yield at, ID.findall(token.string)


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
    """What is done to a statement: functions that change the file's lines."""
    if isinstance(node, ast.While):
        return [replace(node.test, "False")]
    if isinstance(node, ast.If):
        return [replace(node.test, "False"), replace(node.test, "True")]
    if isinstance(node, ast.FunctionDef):
        return [body(node)]
    if isinstance(node, ast.Assign) and (n := constant(node.value)):
        return [replace(n, "(%s) %s" % (ast.unparse(n), by)) for by in ("* 8 + 1", "// 8")]
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return [replace(node.value, "0")]
    if isinstance(node, ast.Return) and not isinstance(node.value, (ast.Call, type(None))):
        return [replace(node.value, "0"), replace(node.value, "1")]
    return [replace(node, "pass")]


def constant(node):
    """n of `const(n)`, otherwise None."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "const":
        return node.args[0]
    return None


def replace(node, text):
    """Puts `text` in the place of a node; the lines keep their numbers."""

    def change(lines):
        first, last = node.lineno - 1, node.end_lineno - 1
        head = lines[first].encode()[: node.col_offset].decode()
        tail = lines[last].encode()[node.end_col_offset :].decode()
        lines[first : last + 1] = [head + text + tail] + ["\n"] * (last - first)
        return lines

    return change


def body(node):
    """Puts `return 0` in front of a function's body, behind its docstring."""

    def change(lines):
        first = node.body[1] if len(node.body) > 1 and ast.get_docstring(node) else node.body[0]
        at = first.lineno - 1
        pad = re.match(r"\s*", lines[at]).group()
        return lines[:at] + [pad + "return 0\n"] + lines[at:]

    return change


# --- and what the tests say ---


def proofs():
    """{row of RFC 9293 without its letter: the tests that bear its marker}, from the last runs."""
    out = {}
    for name, test in kept().items():
        if test["result"] == "passed":
            for row in test["rows"]:
                rfc, _, id = row.partition(" ")
                if rfc == "9293":
                    out.setdefault(id.rstrip("abc"), set()).add(name)
    return {row: sorted(tests) for row, tests in out.items()}


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
            command,
            cwd=where,
            env=env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 99
    if done.returncode not in (0, 1):  # a mutant that cannot be imported proves nothing
        raise SystemExit("mutate: no test ran: " + (done.stdout + done.stderr)[-2000:])
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


class Trees:
    """Copies of the tree, one for each mutant that is tried at the same time."""

    def __init__(self, n):
        first = copy_tree()
        self.all = [first]
        for _ in range(n - 1):
            self.all.append(Path(tempfile.mkdtemp(prefix="uipy-mutant-")))
            shutil.copytree(first, self.all[-1], dirs_exist_ok=True)
        self.free = list(self.all)

    def digest(self):
        """Of the library and the tests in them."""
        h = hashlib.sha256()
        for folder in ("lib", "host_tests", "tools"):
            for path in sorted((self.all[0] / folder).rglob("*.py")):
                h.update(path.read_bytes())
        return h.hexdigest()

    def remove(self):
        for where in self.all:
            shutil.rmtree(where, ignore_errors=True)


class Hunt:
    """Looks for survivors; what was found with the same sources before is not done again."""

    def __init__(self, trees):
        self.trees = trees
        self.digest = trees.digest()
        self.known = json.loads(CACHE.read_text()) if CACHE.exists() else {}

    def survives(self, site, tests):
        """Whether none of the site's mutants is noticed."""
        where = self.trees.free.pop()
        try:
            return not any(self._noticed(site, text, tests, where) for text in site.mutants())
        finally:
            self.trees.free.append(where)

    def _noticed(self, site, text, tests, where):
        key = hashlib.sha256("\n".join([self.digest, text, *tests]).encode()).hexdigest()[:24]
        if key not in self.known:
            self.known[key] = noticed(site, text, tests, where)
        return self.known[key]

    def all(self, jobs, workers):
        """Those of the jobs (site, row, tests) that survive."""
        out = []
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for n, alive in enumerate(pool.map(lambda job: self.survives(job[0], job[2]), jobs)):
                print("\r%d of %d" % (n + 1, len(jobs)), end="", file=sys.stderr, flush=True)
                out += [jobs[n]] if alive else []
        print(file=sys.stderr)
        CACHE.parent.mkdir(exist_ok=True)
        CACHE.write_text(json.dumps(self.known, indent=0, sort_keys=True))
        return out


def uncited(jobs):
    """The MUST rows without a reason in docs/deviations.tsv that no line cites."""
    wanted = {
        row.cited
        for row in rfc_rows.load()["9293"]
        if row.must and row.key not in conformance.deviations()
    }
    return sorted(wanted - {row for _, row, _ in jobs}, key=lambda row: int(row.split("-")[1]))


def show(jobs):
    for site, row, tests in jobs:
        words = ast.unparse(site.node).split("\n")[0][:60]
        print("%-32s %-8s %2d tests  %s" % (site.name, row, len(tests), words))


def hunt(jobs, workers):
    """Complaints about the jobs: no test, tests that fail without a mutant, survivors."""
    out = ["%s: %s has no passing test: run `make conformance`" % j[:2] for j in jobs if not j[2]]
    jobs = [job for job in jobs if job[2]]
    trees = Trees(workers)
    try:
        if run(sorted({name for job in jobs for name in job[2]}), trees.all[0]):
            return ["the tests fail as it is: nothing can be said about mutants"]
        for site, row, tests in Hunt(trees).all(jobs, workers):
            out.append("%s: %s survives without it: %s" % (site.name, row, ", ".join(tests)))
    finally:
        trees.remove()
    return out


def main(argv=None):
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("rows", nargs="*", help="MUST-12 ...; default: every row that is cited")
    p.add_argument("--list", action="store_true", help="print the statements and stop")
    p.add_argument("--workers", type=int, default=2)
    a = p.parse_args(argv)
    tests = proofs()
    jobs = [(site, row, tests.get(row, [])) for site in sites() for row in site.rows]
    faults = ["%s is cited by no line of lib/" % row for row in uncited(jobs)]
    if a.rows:
        jobs, faults = [job for job in jobs if job[1] in a.rows], []
    if a.list:
        show(jobs)
    else:
        faults += hunt(jobs, a.workers)
    for fault in faults:
        print("mutate: " + fault)
    print(
        "%d statements for %d rows, %d faults"
        % (len(jobs), len({j[1] for j in jobs}), len(faults))
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
