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
    """A page of docs/ with its links as they are among the finished pages. What lies elsewhere in
    the checkout has no page here: its name is enough."""

    def link(match):
        text, target = match.groups()
        name, hash_, anchor = target.partition("#")
        if "://" in target or not name:
            return match.group()
        there = (path.parent / name).resolve()
        if there in pages:
            return "[%s](%s.html%s%s)" % (text, pages[there], hash_, anchor)
        if there.parent.name == "img":
            return "[%s](%s)" % (text, name)
        return text

    return re.sub(r"\[([^\]]*)\]\(([^)\s]*)\)", link, path.read_text())


def module_name(path: Path):
    """docs/writing-a-driver.md -> writing_a_driver"""
    return re.sub(r"\W", "_", path.stem.lower())
