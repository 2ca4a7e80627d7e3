"""Tables that commands write into README.md and docs/, between <!-- NAME:begin --> and <!--
NAME:end -->."""

import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def table(head, rows):
    """A Markdown table; all columns but the first to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *[[str(c) for c in row] for row in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def between(old, name, text, who="it"):
    """`old` with what stands between the marks replaced; ends the program when there are none."""
    begin, end = "<!-- %s:begin -->" % name, "<!-- %s:end -->" % name
    head, mark, rest = old.partition(begin)
    _, other, tail = rest.partition(end)
    if not mark or not other:
        sys.exit("%s lacks the lines %s and %s" % (who, begin, end))
    return "%s%s\n\n%s\n\n%s%s" % (head, begin, text, end, tail)


def put(name, text, path=README):
    """Replaces what stands between the marks; ends the program when there are none."""
    old = path.read_text() if path.exists() else ""
    new = between(old, name, text, path.name)
    if new != old:
        path.write_text(new)
        rewritten(path)


def rewritten(path):
    """Says which file of the checkout a command has changed."""
    sys.stderr.write("rewritten: %s\n" % path)
