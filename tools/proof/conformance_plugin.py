"""Pytest plugin: the marker `rfc("9293 MUST-12", ...)` says which requirements a test proves.

A row that no table knows is an error at collection. What each marked test did goes to
build/conformance.json, with digests of the library and of the test's own file: a result counts
only for the sources that it was made with, so a run of some of the tests adds to the results of
the others and never keeps a stale one.
"""

import hashlib
import json
from pathlib import Path

import pytest

from proof import rfc_rows

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "host_tests"
RESULTS = ROOT / "build" / "conformance.json"
_NO_CORE = ("apps", "compat", "drivers")
_RANK = {"passed": 0, "skipped": 1, "failed": 2}


def digest(*paths):
    """A short digest of the files, by name and content."""
    h = hashlib.sha256()
    for path in sorted(paths):
        h.update(str(path.relative_to(ROOT)).encode())
        h.update(path.read_bytes())
    return h.hexdigest()[:16]


def test_digest(path):
    """The digest of a test's file with the helpers beside it, above it and in the laboratory."""
    helpers = [
        p
        for d in {path.parent, TESTS, TESTS / "lab"}
        for p in d.glob("*.py")
        if not p.name.startswith("test_")
    ]
    return digest(path, *helpers)


def kept():
    """What earlier runs found, of test files that are still as they were."""
    if not RESULTS.exists():
        return {}
    found, digests = json.loads(RESULTS.read_text()), {}
    for name in found:
        path = ROOT / name.split("::")[0]
        if path not in digests:
            digests[path] = test_digest(path) if path.exists() else None
    return {n: t for n, t in found.items() if t["file"] == digests[ROOT / n.split("::")[0]]}


def library_digest():
    """The digest of the core: what the requirements are about."""
    lib = ROOT / "lib" / "uipy"
    files = [p for p in lib.rglob("*.py") if p.relative_to(lib).parts[0] not in _NO_CORE]
    return digest(*files)


def pytest_configure(config):
    config.stash[_TESTS] = {}


_TESTS = pytest.StashKey()


def pytest_collection_modifyitems(config, items):
    known = {row.key for rows in rfc_rows.load().values() for row in rows}
    for item in items:
        rows = [row for mark in item.iter_markers("rfc") for row in mark.args]
        unknown = sorted(set(rows) - known)
        if unknown:
            raise pytest.UsageError(
                "%s: no requirement is called %s" % (item.nodeid, ", ".join(unknown))
            )
        if rows:
            name = item.nodeid.split("[")[0]
            config.stash[_TESTS].setdefault(
                name, {"rows": sorted(set(rows)), "path": item.path, "result": None}
            )


def pytest_runtest_logreport(report):
    _REPORTS.append((report.nodeid.split("[")[0], report.when, report.outcome))


_REPORTS = []


def pytest_sessionfinish(session):
    tests = session.config.stash.get(_TESTS, {})
    if not tests or session.config.option.collectonly:
        return
    for name, when, outcome in _REPORTS:
        test = tests.get(name)
        if test and (when == "call" or outcome != "passed"):
            if test["result"] is None or _RANK[outcome] > _RANK[test["result"]]:
                test["result"] = outcome
    ran = {name: test for name, test in tests.items() if test["result"]}
    lib = library_digest()
    old = kept()
    for name, test in ran.items():
        old[name] = {
            "rows": test["rows"],
            "result": test["result"],
            "lib": lib,
            "file": test_digest(test["path"]),
        }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(old, indent=1, sort_keys=True))
