"""The pages keep their word: what they link to and the files that they name exist, and a function
is in the file that is named behind it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    ".",
    "docs",
    "docs/cookbook",
    "tools",
    "host_tests",
    *(str(p) for p in (ROOT / "boards").glob("*/")),
)
PAGES = [str(p.relative_to(ROOT)) for f in FOLDERS for p in sorted((ROOT / f).glob("*.md"))]
# In which folders a page's names of files begin.
AT = {
    "docs/architecture.md": ("lib/uipy", "."),
    "docs/writing-a-driver.md": ("lib/uipy/drivers", "."),
    "docs/SECURITY.md": ("host_tests", "."),
}
MADE = "build/"  # is not there until it is made
OLD = ("tcp_in.py", "tcp_out.py", "_kern_", "compat_uip.py", "stack.ip.", "drivers/w5500")
CHANGES = "CHANGELOG.md"  # speaks of what is gone


def text(page):
    return (ROOT / page).read_text()


def defined(path):
    """Names of functions, classes and methods of a file ('Class.method' too)."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (node.name + "." + getattr(m, "name", "") for m in node.body)


def file(page, name):
    """The file that a page calls so, or None."""
    for top in AT.get(page, (".",)):
        if (ROOT / top / name).exists():
            return ROOT / top / name
    return None


def in_files(page):
    """(function, file) for each `function` (`file.py`), with stars or a few words between."""
    return re.findall(r"`([\w.]+)`\*{0,2}\s+\(`([\w/]+\.py)`", text(page))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#\s]*[./][^)#\s]*)", text(page)):
        if "://" not in link:
            assert ((ROOT / page).parent / link).exists(), link


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_are_named_exist(page):
    names = set(re.findall(r"`([\w./]+/[\w.]*(?:\.py|\.md|\.tsv|/))`", text(page)))
    assert len(names) > 15
    assert not [n for n in names if not n.startswith(MADE) and file(page, n) is None]


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/SECURITY.md"])
def test_functions_are_where_the_page_says(page):
    found = in_files(page)
    assert len(found) > 20
    assert not [(f, name) for f, name in found if f not in set(defined(file(page, name)))]


def test_every_test_of_the_security_page_is_named_with_its_file():
    found = [function for function, _ in in_files("docs/SECURITY.md")]
    assert sorted(found) == sorted(re.findall(r"`(test_\w+)`", text("docs/SECURITY.md")))


@pytest.mark.parametrize("page", [p for p in PAGES if p != CHANGES])
def test_no_page_has_a_name_of_before(page):
    assert not [name for name in OLD if name in text(page)]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "host_tests/README.md"])
def test_every_verb_is_one_of_the_makefile(page):
    makefile = text("Makefile")
    for verb in re.findall(r"(?:`|^ {4})make ([a-z-]+)", text(page), re.M):
        assert re.search(r"^%s:" % verb, makefile, re.M), verb


def test_every_kernel_of_the_folder_is_in_the_table():
    page = text("docs/architecture.md")
    for name in ("octets", "halves", "viper"):
        for node in ast.parse(text("lib/uipy/kern/%s.py" % name)).body:
            if isinstance(node, ast.FunctionDef):
                assert "`%s(" % node.name in page, node.name


def test_every_file_of_tcp_is_in_the_table():
    page = text("docs/architecture.md")
    for path in (ROOT / "lib/uipy/tcp").glob("*.py"):
        assert path.name == "__init__.py" or "`tcp/%s`" % path.name in page, path.name
