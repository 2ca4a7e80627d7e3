"""The API reference (`make docs`): every public name is in it, said in words, and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from reference import pages, prose, site

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow  # in the second pass of `make test` nothing would be different


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The reference, made."""
    to = tmp_path_factory.mktemp("docs")
    if not (site.PDOC / "pdoc").exists():
        pytest.skip("pdoc is not there: make docs")
    program = [sys.executable, "tools/reference/site.py", "--to", str(to)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr.strip(), "pdoc complains:\n" + done.stderr
    return to


def html(folder, page):
    return text_of(folder / (page.replace(".", "/") + ".html"))


def text_of(path):
    """A page without its scripts and styles."""
    return re.sub(r"<(script|style).*?</\1>", "", path.read_text(), flags=re.S)


def test_every_public_class_and_call_has_a_docstring():
    # By itself: the suite also runs on the form of the library that has no docstrings.
    program = [sys.executable, "tools/reference/pages.py"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(list(pages.public())) > 400


def test_every_public_name_is_on_its_page(folder):
    for page, name, member in pages.public():
        mark = 'id="%s"' % (name + ("." + member if member else ""))
        assert mark in html(folder, page), (page, name, member)


def test_no_private_name_is_shown(folder):
    for page in pages.pages():
        private = re.findall(r'<section id="((?:\w+\.)?_\w+)"', html(folder, page))
        assert not [name for name in private if not name.endswith("__init__")], page


def test_the_signatures_have_types(folder):
    text = re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", html(folder, "uipy")))
    assert "defevery(self,ms:int,f:Callable[[],object])->uipy.timers.Timer:" in text


def test_each_page_of_the_manual_is_beside_it(folder):
    wanted = site.manual_pages()
    assert len(wanted) > 40 and len({prose.module_name(p) for p in wanted}) == len(wanted)
    for path in wanted:
        title = path.read_text().splitlines()[0].lstrip("# ").replace("`", "")
        made = (folder / "manual" / (prose.module_name(path) + ".html")).read_text()
        assert title in re.sub(r"<[^>]+>", "", made), path.name


def test_the_drawing_of_the_wiring_is_shown(folder):
    for page in ("getting_started", "board_rpi_pico_enc28j60"):
        shown = re.search(
            r'<img src="(img/[^"]*wiring.svg)"', text_of(folder / "manual" / (page + ".html"))
        )
        assert "<svg" in (folder / "manual" / shown[1]).read_text(), page


def test_links_lead_somewhere(folder):
    ids = {}
    for path in folder.rglob("*.html"):
        ids[path.resolve()] = set(re.findall(r'id="([^"]+)"', path.read_text()))
    dead = []
    for path in ids:
        for link in re.findall(r'(?:href|src)="([^"]+)"', text_of(path)):
            if "://" in link or link.startswith("data:"):
                continue
            name, _, anchor = link.partition("#")
            there = (path.parent / name).resolve() if name else path
            if not there.exists() or (anchor and there in ids and anchor not in ids[there]):
                dead.append((path.name, link))
    assert not dead


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Two.", "Two."),
        ("ip       ours\ngateway  or None", "    ip       ours\n    gateway  or None"),
        ("ip       ours,\n         as text", "    ip       ours,\n             as text"),
        ("Say:\n    x = 1\n    y = 2", "Say:\n\n    x = 1\n    y = 2"),
        ("A <SYN>, `a < b`", "A &lt;SYN>, `a < b`"),
    ],
)
def test_a_docstring_becomes_markdown(text, wanted):
    assert prose.markdown("One.\n\n" + text + "\n\nLast.") == "One.\n\n%s\n\nLast." % wanted


def test_an_attribute_is_what_the_comment_behind_its_first_value_says(folder):
    text = html(folder, "uipy").split('id="App.poll_ms"')[1][:2000]
    assert "how often" in text and "0 = never" in text


def test_what_a_module_says_of_its_subject_is_said_of_the_class(folder):
    assert "echo reply" not in html(folder, "uipy.web")
    assert "A ping of our own" in html(folder, "uipy.host").split('id="Ping"')[1][:3000]
