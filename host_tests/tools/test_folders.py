"""The folders of tools/ stand alone: no tool imports a test, and each says what it holds."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = sorted((ROOT / "tools").rglob("*.py"))
TESTS = {p.stem for p in (ROOT / "host_tests").iterdir() if p.is_dir() or p.suffix == ".py"}
TESTS -= {p.parent.name for p in TOOLS}  # a tool and its tests may have one name
FOLDERS = ("bench", "boards", "exchanges", "judge", "proof", "reference", "wire")


def imported(path):
    """The first name of each module that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def test_no_tool_imports_a_test():
    assert {"lab", "kernel", "conftest"} <= TESTS and len(TOOLS) > 60
    assert not [(p.name, name) for p in TOOLS for name in imported(p) if name in TESTS]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_names_each_of_its_files(folder):
    said = (ROOT / "tools" / folder / "__init__.py").read_text()
    files = [p.name for p in (ROOT / "tools" / folder).glob("*.py") if p.name != "__init__.py"]
    assert files and not [name for name in files if name not in said]


def test_the_page_names_each_folder():
    page = (ROOT / "tools" / "README.md").read_text()
    folders = {p.parent for p in (ROOT / "tools").rglob("*.*") if "__pycache__" not in p.parts}
    top = {p.relative_to(ROOT / "tools").parts[0] for p in folders if p != ROOT / "tools"}
    assert not [name for name in top if "| `%s/` |" % name not in page]
