"""host_tests/README.md keeps its word: the tests on it pass, and the files that it names exist."""

import inspect
import re
from pathlib import Path

import pytest
from aio import cable, still

HERE = Path(__file__).resolve().parents[1]
PAGE = (HERE / "README.md").read_text()


def shown():
    """The tests on the page, by name."""
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(block, "README.md", "exec"), names)
    return {name: test for name, test in names.items() if name.startswith(("test_", "case_"))}


SHOWN = shown()
TESTS = [name for name in SHOWN if name.startswith("test_")]
CASES = [name for name in SHOWN if name.startswith("case_")]


def test_there_is_one_for_each_kind():
    assert len(TESTS) == 3 and len(CASES) == 1


@pytest.mark.parametrize("name", TESTS)
def test_what_is_shown_passes(name, request):
    wanted = inspect.signature(SHOWN[name]).parameters
    SHOWN[name](**{fixture: request.getfixturevalue(fixture) for fixture in wanted})


@pytest.mark.parametrize("name", CASES)
def test_case_that_is_shown_passes(name):
    still.run(lambda loop: cable.play(SHOWN[name], loop.ms))


@pytest.mark.parametrize("path", re.findall(r"`([\w/]+\.py)`", PAGE))
def test_what_is_named_exists(path):
    assert (HERE / path).exists()


def test_every_file_of_the_laboratory_is_named():
    files = {"lab/" + p.name for p in (HERE / "lab").glob("*.py")} - {"lab/__init__.py"}
    assert files == set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.M))
