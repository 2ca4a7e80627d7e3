"""Makes the API reference and the manual beside it: `make docs`, build/docs/index.html.

pdoc lays it out (requirements-docs.txt, put into build/pdoc). The pages of docs/ and boards/ go
through it as docstrings of modules, so that its search finds them too.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools")]

from reference import pages, prose  # noqa: E402

PDOC = ROOT / "build" / "pdoc"
MANUAL = ("docs/*.md", "docs/cookbook/*.md", "boards/*/README.md")
LEFT_OUT = {"CONFORMANCE.md"}  # a table of 1,000 rows
# What is read first; the other pages follow in the order of the alphabet.
FIRST = (
    "contents",
    "getting_started",
    "boards",
    "cookbook",
    "troubleshooting",
    "limits",
    "coming_from",
    "callbacks",
    "web",
    "socket",
    "network",
)


def manual_pages():
    """The files of the manual: docs/, its cookbook, and the page of each board."""
    found = [p for pattern in MANUAL for p in sorted(ROOT.glob(pattern))]
    return [path for path in found if path.name not in LEFT_OUT]


def manual(folder):
    """The pages of the manual as modules of a package `manual`. Returns the pictures in them."""
    found = {p.resolve(): prose.module_name(p) for p in manual_pages()}
    folder.mkdir(parents=True)
    titles, pictures = {}, {}
    for path, name in found.items():
        text, shown = prose.page(path, found)
        pictures.update(shown)
        (folder / (name + ".py")).write_text(repr(text) + "\n")
        titles[name] = "[%s](manual/%s.html)" % (text.splitlines()[0].lstrip("# "), name)
    order = [name for name in FIRST if name in titles]
    order += [name for name in titles if name not in FIRST]
    told = ["# uipy", "## Manual", "\n".join("- " + titles[name] for name in order)]
    told += ["## Reference", "\n".join(_entry(name) for name in pages.pages())]
    (folder / "__init__.py").write_text(repr("\n\n".join(told)) + "\n")
    return pictures


def _entry(name):
    """A line for a page of the reference: its subject is the first sentence of its docstring."""
    said = (pages.introduction(name) or "").split("\n\n")[0].replace("\n", " ")
    first = re.match(r".*?\.(?= |$)", said)
    said = first.group().rstrip(".") if first else said.rstrip(":")
    return "- [`%s`](%s.html): %s" % (name, name.replace(".", "/"), said.replace("<", "&lt;"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "docs")
    options = parser.parse_args()
    if not (PDOC / "pdoc").exists():
        sys.exit("pdoc is not there: make docs installs it into build/pdoc")
    out = options.to
    shutil.rmtree(out, ignore_errors=True)
    source = out / "source"
    pages.write(source)
    pictures = manual(source / "manual")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), str(PDOC)])}
    subprocess.run(
        [
            *[sys.executable, "-m", "pdoc", "--no-show-source", "--docformat", "markdown"],
            *["--template-directory", str(Path(__file__).parent / "templates")],
            *["--footer-text", "uipy", "-o", str(out), "uipy", "manual"],
        ],
        env=env,
        check=True,
    )
    (out / "manual" / "img").mkdir()
    for path, name in pictures.items():
        shutil.copy(path, out / "manual" / "img" / name)
    shutil.rmtree(source)
    print("the manual and the reference: %s" % os.path.relpath(out / "index.html"))


if __name__ == "__main__":
    main()
