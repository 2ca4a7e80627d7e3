"""Docstrings and the pages of docs/ as the Markdown that pdoc reads.

A docstring of the library is plain text: a table of arguments is aligned by blanks, an example is
indented. In Markdown the first would run together; so it is indented too.
"""

import inspect
import re
from pathlib import Path

ROW = re.compile(r"[^\s,.;:][^.;:]{0,38}?\s{2,}\S")  # "gateway      '192.168.1.1', or None"


def markdown(text):
    """A docstring: aligned paragraphs become blocks of code."""
    return "\n\n".join(_paragraph(part) for part in inspect.cleandoc(text or "").split("\n\n"))


def _paragraph(text):
    lines = text.split("\n")
    if text.startswith("    "):
        return text
    first = [line for line in lines if not line.startswith(" ")]
    if len(lines) > 1 and all(ROW.match(line) for line in first):
        return "\n".join("    " + line for line in lines)
    # An example below its sentence, without an empty line between.
    at = next((k for k, line in enumerate(lines) if k and line.startswith("    ")), 0)
    if at:
        return "\n".join(map(_escaped, lines[:at])) + "\n\n" + "\n".join(lines[at:])
    return "\n".join(map(_escaped, lines))


def _escaped(line):
    """Text outside of code: "<SEQ=1>" is no tag."""
    parts = line.split("`")
    parts[::2] = [p.replace("<", "&lt;") for p in parts[::2]]
    return "`".join(parts)


def page(path, pages):
    """A page with its links as they are among the finished pages, and the pictures that it shows
    ({file: name in manual/img}). What lies elsewhere in the checkout has no page here: its name
    is enough."""
    pictures = {}

    def link(match):
        mark, text, target = match.groups()
        name, hash_, anchor = target.partition("#")
        if "://" in target or not name:
            return match.group()
        there = (path.parent / name).resolve()
        if there in pages:
            return "[%s](%s.html%s%s)" % (text, pages[there], hash_, anchor)
        if there.suffix in (".png", ".svg"):
            shown = pictures[there] = there.parent.name + "_" + there.name
            return "%s[%s](img/%s)" % (mark, text, shown)
        return text

    return re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]*)\)", link, path.read_text()), pictures


def module_name(path: Path):
    """docs/writing-a-driver.md -> writing_a_driver, docs/cookbook/rest.md -> cookbook_rest,
    boards/NAME/README.md -> board_name; docs/README.md, the contents of the manual -> contents"""
    folder = path.parent.name
    name = "contents" if folder == "docs" and path.stem == "README" else path.stem
    if path.parent.parent.name == "boards":
        name = "board_" + folder
    elif folder != "docs":
        name = folder if name == "README" else folder + "_" + name
    return re.sub(r"\W", "_", name.lower())
