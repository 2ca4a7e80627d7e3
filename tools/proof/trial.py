"""Tries changes of functions in forks of a process that has everything imported.

mutants.py calls `try_all`, which starts pytest with this file as a plugin:

    UIPY_TRIAL=file python -m pytest -p proof.trial --capture=sys TESTS

Each line of the file is a change in JSON: its number, the source file, the first and the last line
of the statement, the file's text with the change in it. First every test runs once, in a fork,
and coverage.py says which lines each of them runs. Then, for each change, another fork puts the
changed function's code in the place of the old one and runs the tests that run its line, until
one fails: those that noticed a change of the same function before come first, then the quick ones.
The answers stand in file.out as they are found:

    "noticed"   a test failed, or took ten times as long as it does
    "survives"  none did, or no test runs the line; the files with a test that starts another
                process were not asked: `away` has the names of their tests
    "unsure"    cannot be tried here: the function is not loaded, or its cell variables differ

The tests must pass in the reverse order before the first change is tried.
"""

import ast
import functools
import gc
import importlib
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import time
import types
from collections import Counter, defaultdict
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKERS = int(os.environ.get("UIPY_TRIAL_WORKERS", "2"))
LEAST_S = 3  # for one test; ten times what it takes, if that is more
HEAP = 4 << 30  # octets of address space for a change that never ends
NOTICED, SURVIVES, UNSURE = "noticed", "survives", "unsure"
STATUS = {0: SURVIVES, 77: UNSURE}  # of a fork; any other, or a signal: noticed


# --- for mutants.py ---


def try_all(tests, mutants, env, workers):
    """(mutant, answer, away) for each of them, as they are found. Raises SystemExit if the tests
    fail as it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changes"
        with path.open("w", encoding="utf-8") as f:
            for n, m in enumerate(mutants):
                lines = m.path.read_text(encoding="utf-8").splitlines(keepends=True)
                first, last = statement(str(m.path), m.node.lineno)
                f.write(json.dumps([n, str(m.path), first, last, m.apply(lines)]) + "\n")
        env = {k: v for k, v in env.items() if k not in ("UIPY_PARTS", "UIPY_CHECKED", "CI")}
        there = [str(ROOT / "tools"), *filter(None, [env.get("PYTHONPATH")])]
        env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(there)}
        env |= {"UIPY_TRIAL": str(path), "UIPY_TRIAL_WORKERS": str(workers)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "proof.trial", "--capture=sys"]
        null = subprocess.DEVNULL
        with subprocess.Popen(
            [*command, "-p", "no:cacheprovider", *tests],
            cwd=ROOT,
            env=env,
            stdout=null,
            stderr=null,
        ) as pytest_:
            for words in said(path.with_suffix(".out"), pytest_):
                if "failed" in words:
                    raise SystemExit("mutants: the tests fail as it is: " + words["failed"])
                yield mutants[words["nr"]], words["answer"], words["away"]


def said(path, process):
    """What the process writes into that file, until it ends."""
    while not path.exists() and process.poll() is None:
        time.sleep(0.1)
    with path.open(encoding="utf-8") as f:
        while True:
            ended = process.poll() is not None
            line = f.readline()
            while line:
                while not line.endswith("\n"):
                    line += f.readline()
                yield json.loads(line)
                line = f.readline()
            if ended:
                return
            time.sleep(0.1)


@functools.cache
def statements(path):
    """(first line, last line) of each statement, of a compound one those of its head."""
    out = []
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.stmt) and not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            body = getattr(node, "body", None)
            out.append((node.lineno, body[0].lineno if body else node.end_lineno))
    return out


def statement(path, line):
    """The shortest statement at this line."""
    around = [s for s in statements(path) if s[0] <= line <= s[1]]
    return min(around, key=lambda s: s[1] - s[0], default=(line, line))


# --- in the process that has everything imported ---


class Change:
    """A line of the file."""

    def __init__(self, nr, path, first, last, text):
        self.nr, self.path, self.text = nr, os.path.realpath(path), text
        self.lines = range(first, last + 1)

    @functools.cached_property
    def functions(self):
        """(name, first line, code) of each function whose code is another one."""
        changed = compile(self.text, self.path, "exec", dont_inherit=True)
        return list(differing(unchanged(self.path), changed))


@functools.cache
def unchanged(path):
    return compile(Path(path).read_text(encoding="utf-8"), path, "exec", dont_inherit=True)


def differing(a, b):
    """The functions, not those inside functions, in which two modules or classes differ."""
    inner = [[c for c in x.co_consts if isinstance(c, types.CodeType)] for x in (a, b)]
    for old, new in zip(*inner, strict=False):
        if old == new:
            continue
        if old.co_flags & 2:  # CO_NEWLOCALS: a function; a class has none
            yield old.co_name, old.co_firstlineno, new
        else:
            yield from differing(old, new)


def swap(change):
    """Puts the changed code into every function that has the old one; whether there was one."""
    found = False
    for name, line, code in change.functions:
        for f in gc.get_objects():
            if isinstance(f, types.FunctionType):
                old = f.__code__
                if (old.co_name, old.co_firstlineno) == (name, line) and (
                    os.path.realpath(old.co_filename) == change.path
                ):
                    f.__code__ = code
                    found = True
    return found


class Trials:
    """The tests of a session, what they run, and the changes that wait for them."""

    def __init__(self, session, path):
        self.session = session
        with open(path, encoding="utf-8") as f:
            self.changes = [Change(*json.loads(line)) for line in f]
        self.files = {c.path for c in self.changes}
        self.items = list(session.items)
        self.ran = defaultdict(set)  # (file, line): numbers of tests
        self.seconds = {}
        self.failed = False
        self.away: list = []  # tests of files in which a process is started, by a fixture perhaps
        self.noticed = defaultdict(Counter)  # per function: by which tests
        self.out = open(Path(path).with_suffix(".out"), "w", encoding="utf-8")  # noqa: SIM115

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report):
        self.failed = self.failed or report.failed

    # --- what each test runs ---

    def learn(self):
        """Runs every test once, in a fork: some tests use up what they are given."""
        kept = self.out.name + ".ran"
        if os.fork():
            os.wait()
            with open(kept, "rb") as f:
                self.ran, self.seconds, self.away, failed = pickle.load(f)
            os.unlink(kept)
            if failed:
                self._say(failed=failed)
            return not failed
        try:
            failed = self._learn()
            with open(kept, "wb") as f:
                pickle.dump((dict(self.ran), self.seconds, self.away, failed), f)
        finally:
            os._exit(0)

    def _learn(self):
        """The name of a test that fails."""
        begun = subprocess.Popen.__init__
        processes, files = [], set()
        lines = coverage.Coverage(data_file=None, include=sorted(self.files), config_file=False)
        lines.start()

        def popen(*args, **kwargs):
            processes.append(args)
            return begun(*args, **kwargs)

        for n, item in enumerate(self.items):
            nextitem = self.items[n + 1] if n + 1 < len(self.items) else None
            subprocess.Popen.__init__ = popen
            begin = time.monotonic()
            lines.switch_context(str(n))
            try:
                self._run(item, nextitem)
            finally:
                subprocess.Popen.__init__ = begun
            self.seconds[n] = time.monotonic() - begin
            if processes:
                files.add(item.path)
                processes.clear()
            if self.failed:
                return item.nodeid
        self.away = [n for n, item in enumerate(self.items) if item.path in files]
        lines.stop()
        for path in self.files:
            for k, tests in lines.get_data().contexts_by_lineno(path).items():
                self.ran[path, k] = {int(n) for n in tests if n}
        return ""

    def _run(self, item, nextitem):
        self.session.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)

    # --- the changes ---

    def all(self):
        for path in sorted(self.files):  # some are imported on use
            name = path.split("/lib/")[1].removesuffix(".py").removesuffix("/__init__")
            importlib.import_module(name.replace("/", "."))
        waiting = {}
        for change in [None, *self.changes]:
            tests = self._tests(change)
            if change and not tests:
                self._answer(change, SURVIVES)
                continue
            pid, pipe = self._fork(change, tests)
            waiting[pid] = change, pipe
            if change is None or len(waiting) == WORKERS:
                self._reap(waiting)
            if self.failed:
                return
        while waiting:
            self._reap(waiting)

    def _tests(self, change):
        """The numbers of its tests, the likeliest first."""
        if change is None:
            return [n for n in reversed(range(len(self.items))) if n not in self.away]
        tests = set().union(*(self.ran.get((change.path, k), ()) for k in change.lines))
        before = self.noticed[self._where(change)]
        return sorted(tests.difference(self.away), key=lambda n: (-before[n], self.seconds[n]))

    def _where(self, change):
        return change.path, next((f[:2] for f in change.functions), None)

    def _fork(self, change, tests):
        read, write = os.pipe()
        pid = os.fork()
        if pid:
            os.close(write)
            return pid, read
        try:
            os.close(read)
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            resource.setrlimit(resource.RLIMIT_AS, (HEAP, HEAP))
            os._exit(self._try(change, tests, write))
        except BaseException:
            os._exit(1)

    def _try(self, change, tests, pipe):
        try:
            if change and not swap(change):
                return 77
        except (ValueError, SyntaxError):
            return 77
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for k, n in enumerate(tests):
            os.write(pipe, b"%d\n" % n)
            signal.setitimer(signal.ITIMER_REAL, max(LEAST_S, 10 * self.seconds[n]))
            self._run(self.items[n], self.items[tests[k + 1]] if k + 1 < len(tests) else None)
            if self.failed:
                return 1
        return 0

    def _reap(self, waiting):
        pid, status = os.waitpid(-1, 0)
        change, pipe = waiting.pop(pid)
        with os.fdopen(pipe) as f:
            last = f.read().split()[-1:]
        code = os.waitstatus_to_exitcode(status)
        if change is None:
            self.failed = code != 0
            if self.failed:
                self._say(failed=" ".join(self.items[int(n)].nodeid for n in last))
            return
        answer = STATUS.get(code, NOTICED)
        if answer == NOTICED:
            self.noticed[self._where(change)].update(map(int, last))
        self._answer(change, answer)

    def _answer(self, change, answer):
        self._say(nr=change.nr, answer=answer, away=[self.items[n].nodeid for n in self.away])

    def _say(self, **words):
        self.out.write(json.dumps(words) + "\n")
        self.out.flush()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    if session.testsfailed:  # while they were collected
        return None
    trials = Trials(session, os.environ["UIPY_TRIAL"])
    session.config.pluginmanager.register(trials)
    if trials.learn():
        trials.all()
    return True
