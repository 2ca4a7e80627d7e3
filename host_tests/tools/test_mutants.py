"""tools/proof/mutants.py: which changes it makes, and that the book of survivors is up to date."""

import ast

import pytest
from proof import mutants

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
