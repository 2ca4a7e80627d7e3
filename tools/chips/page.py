"""Tables in docs/DRIVERS.md, between marks."""

from pathlib import Path

import readme

PAGE = Path(__file__).resolve().parents[2] / "docs" / "DRIVERS.md"


def between(mark):
    """-> what stands between <!-- mark --> and <!-- /mark -->."""
    text = PAGE.read_text()
    return text.split(f"<!-- {mark} -->\n", 1)[1].split(f"<!-- /{mark} -->", 1)[0].strip()


def put(mark, body):
    text = PAGE.read_text()
    head, rest = text.split(f"<!-- {mark} -->\n", 1)
    tail = rest.split(f"<!-- /{mark} -->", 1)[1]
    PAGE.write_text(f"{head}<!-- {mark} -->\n\n{body.strip()}\n\n<!-- /{mark} -->{tail}")
    readme.rewritten(PAGE)


def table(head, rows, right=()):
    """Markdown; `right` are the columns of numbers."""
    line = "|".join("--:" if i in right else "---" for i in range(len(head)))
    lines = ["| " + " | ".join(head) + " |", f"|{line}|"]
    lines += ["| " + " | ".join(str(c) for c in row) + " |" for row in rows]
    return "\n".join(lines)
