"""tools/proof/mutants.py: which changes it makes, and that the book of survivors is up to date."""

import ast
import os

import pytest
from proof import mutants, trial

TEXT = '''"""A subject."""
from micropython import const

_N = const(5)


class Row:
    def take(self, a, b):
        """Says what."""
        if a < 3 and b:
            self.n += a << 1
            return a
        bump(a)
        cs(0)
        self.cs(1)
        raise ValueError("not %d" % a)
'''
CHANGES = [
    ("", "5", "6"),
    ("Row.take", "a < 3 and b", "False"),
    ("Row.take", "a < 3 and b", "(a < 3 or b)"),
    ("Row.take", "a < 3", "(a <= 3)"),
    ("Row.take", "3", "4"),
    ("Row.take", "self.n += a << 1", "pass"),
    ("Row.take", "a << 1", "(a >> 1)"),
    ("Row.take", "1", "2"),
    ("Row.take", "return a", "return 0"),
    ("Row.take", "bump(a)", "pass"),
    ("Row.take", "cs(0)", "pass"),
    ("Row.take", "0", "1"),
    ("Row.take", "self.cs(1)", "pass"),  # a 2 is as high as a 1
]


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A library of one file."""
    monkeypatch.setattr(mutants, "LIB", tmp_path)
    path = tmp_path / "row.py"
    path.write_text(TEXT)
    return path


def test_each_line_is_changed_in_each_way(source):
    found = mutants.mutants(source)
    assert [m.key[1:] for m in found] == CHANGES
    for m in found:
        text = m.apply(TEXT.splitlines(keepends=True))
        ast.parse(text)
        assert text != TEXT and text.count("\n") == TEXT.count("\n")


def test_a_sample_stays_when_other_lines_change(source):
    before = {m.key: m.hash("x") for m in mutants.mutants(source)}
    source.write_text(
        TEXT.replace("        bump(a)\n", "        a = 0\n        bump(a)\n        a = 1\n")
    )
    after = {m.key: m.hash("x") for m in mutants.mutants(source)}
    assert before.items() <= after.items() and len(after) > len(before)


def test_every_reason_is_of_a_change_that_there_is():
    for key, reason in mutants.reasons().items():
        assert key in {m.key for m in mutants.mutants(mutants.LIB / key[0])}, key
        assert len(reason) > 10


def test_every_file_has_tests():
    for path in mutants.files(mutants.AREAS):
        for m in mutants.mutants(path)[:1]:
            assert all((mutants.ROOT / t).exists() for t in mutants.tests_of(m)), m


# --- many at once, in forks of one process ---

LIBRARY = '''"""Tried by trial.py."""


class Row:
    def take(self, a):
        if a > 2:
            a -= 1
        return a


def count(n):
    while n:
        n -= 1


def spare():
    return 1
'''
TESTS = """
from tried_row import Row, count


def test_take(used=[]):
    assert not used, "in a process that is not fresh"
    used.append(1)
    assert Row().take(1) == 1


def test_count():
    assert count(3) is None


"""
AWAY = """
import subprocess


def test_of_another_process():
    subprocess.run(["true"])


def test_beside_it():
    pass
"""


@pytest.fixture
def tried(tmp_path, monkeypatch):
    """What `try_all` says: {change: answer}, and the tests that it leaves out."""
    monkeypatch.setattr(mutants, "LIB", tmp_path / "lib")
    path = tmp_path / "lib" / "tried_row.py"
    path.parent.mkdir()
    path.write_text(LIBRARY)

    def run(tests=TESTS):
        (tmp_path / "test_tried.py").write_text(tests)
        (tmp_path / "test_away.py").write_text(AWAY)
        found = mutants.mutants(path)
        env = {**os.environ, "PYTHONPATH": str(path.parent)}
        said = trial.try_all([str(tmp_path)], found, env, 2)
        answers = {m.key[1:]: (answer, away) for m, answer, away in said}
        assert len(answers) == len(found)
        return {key: a[0] for key, a in answers.items()}, next(iter(answers.values()))[1]

    return run


def test_changes_are_tried_in_forks(tried):
    answers, away = tried()
    assert [name.split("::")[1] for name in away] == ["test_of_another_process", "test_beside_it"]
    assert answers["Row.take", "return a", "return 0"] == trial.NOTICED
    assert answers["count", "n -= 1", "pass"] == trial.NOTICED  # it never ends
    assert answers["count", "n", "False"] == trial.SURVIVES
    assert answers["Row.take", "a > 2", "False"] == trial.SURVIVES  # no test comes there
    assert answers["Row.take", "a -= 1", "pass"] == trial.SURVIVES
    assert answers["spare", "return 1", "return 0"] == trial.SURVIVES


def test_nothing_is_said_of_changes_when_the_tests_fail_without(tried):
    with pytest.raises(SystemExit, match=r"fail as it is.*test_take"):
        tried(TESTS.replace("== 1", "== 2"))
