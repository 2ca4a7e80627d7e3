"""In CI a skip is a failure: what a machine lacks there is installed, not passed over.

A test whose need cannot be met in CI at all carries `@pytest.mark.may_skip_in_ci`.
"""

import os

import pytest

_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
_skipped: list[str] = []


def _reason(report) -> str:
    """What pytest.skip() said, without the place where it was said."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def pytest_runtest_logreport(report):
    allowed = hasattr(report, "wasxfail") or "may_skip_in_ci" in report.keywords
    if report.skipped and not allowed:
        _skipped.append("%s: %s" % (report.nodeid, _reason(report)))


def pytest_collectreport(report):
    if report.skipped:  # pytest.importorskip at the top of a file
        _skipped.append("%s: %s" % (report.nodeid, _reason(report)))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    if _CI and _skipped and session.exitstatus in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if not (_CI and _skipped):
        return
    terminalreporter.section("skipped, which CI counts as failed", red=True)
    for line in _skipped:
        terminalreporter.write_line(line)
