"""The requirement rows of the RFCs: read from host_tests/rfc/*.tsv, and checked against the RFCs'
own text.

A row is `<rfc> <id>`, for instance `9293 MUST-12`. The rows of RFC 9293 are those of its Appendix
B, each with the sentence of the body that bears the id; an id that stands on several lines there
has letters (`MUST-56a`). The other RFCs number nothing, so their rows are ours: a section, a dash,
a number, and the words of the clause, quoted.
"""

import re
from pathlib import Path

TABLES = Path(__file__).resolve().parents[2] / "host_tests" / "rfc"
COUNTS = {
    "MUST": 75,
    "SHLD": 32,
    "MAY": 18,
    "REC": 1,
}  # the lines of Appendix B, by the prefix of their id
_KINDS = ("MUST", "SHOULD", "MAY", "SHOULD NOT", "MUST NOT")
_LINE = re.compile(r"^ {4}\|(.{17})\|(.{9})\|(.{6})\|(.{8})\|(.{5})\|(.{8})\|(.{6})\|")
_HEADING = re.compile(r"^(?:Appendix )?(\d+(?:\.\d+)*|[A-Z](?:\.\d+)*)\.? {1,4}\S")
# RFC 9293 3.8.3 says this one without its number.
_UNNUMBERED = {"MUST-22": "SYN retransmissions MUST be handled"}


class BadTable(Exception):
    """The RFC's text, or a table of ours, is not what this reader knows."""


class Row:
    """One requirement. `level` is MUST, SHOULD, MAY, MUST NOT or SHOULD NOT."""

    def __init__(self, rfc, id, level, section, feature, text):
        self.rfc, self.id, self.level, self.section = rfc, id, level, section
        self.feature, self.text = feature, text
        self.key = rfc + " " + id

    @property
    def must(self):
        """Whether the check insists on a test: by the id where there is one, as Appendix B is
        counted.
        """
        return self.id.startswith("MUST-") if self.rfc == "9293" else self.level.startswith("MUST")

    @property
    def cited(self):
        """The id as the code cites it: without the letter."""
        return self.id.rstrip("abc")

    def line(self):
        """The row as it stands in its file."""
        return "\t".join((self.id, self.level, self.section, self.feature, self.text))


def load(folder=TABLES):
    """{rfc: [Row]} of every table, RFC 9293 first, then by number."""
    tables = {}
    for path in sorted(folder.glob("*.tsv"), key=lambda p: (p.stem != "9293", int(p.stem))):
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        tables[path.stem] = [Row(path.stem, *line.split("\t")) for line in lines if line]
        ids = [row.id for row in tables[path.stem]]
        twice = {i for i in ids if ids.count(i) > 1}
        if twice:
            raise BadTable("%s: %s stands there twice" % (path, sorted(twice)))
    return tables


# --- RFC 9293: Appendix B ---


def appendix_b(text):
    """The lines of the table as [id, level, feature], in order."""
    start = text.rindex("\nAppendix B.")
    rows, open_row = [], None
    for line in text[start:].splitlines():
        m = _LINE.match(line)
        if not m:
            open_row = None
            continue
        cells = [cell.strip() for cell in m.groups()]
        if cells[1] and cells[1] != "ReqID":
            level = [k for k, cell in zip(_KINDS, cells[2:], strict=False) if cell == "X"]
            if len(level) != 1:
                raise BadTable("Appendix B: %s has %d levels" % (cells[1], len(level)))
            open_row = [cells[1], level[0], cells[0]]
            rows.append(open_row)
        elif open_row:
            open_row[2] += " " + cells[0]
    for row in rows:
        row[2] = re.sub(r"\bALP(\^1)?", "the application", row[2].removeprefix("*").strip())
        row[2] = re.sub(r"\s+", " ", re.sub(r"(\w)- (\w)", r"\1-\2", row[2]))
    return rows


def count(rows):
    """Check how many rows of each kind there are (RFC 9293: 75 MUST, 32 SHOULD, 18 MAY, 1 REC)."""
    have = {}
    for row in rows:
        kind = row[0].split("-")[0]
        have[kind] = have.get(kind, 0) + 1
    if have != COUNTS:
        raise BadTable("Appendix B has %s, not %s" % (have, COUNTS))


def paragraphs(text):
    """[(section, paragraph with single spaces)], page furniture and tables of contents
    included.
    """
    section, out, words = "", [], []
    for line in text.splitlines() + [""]:
        m = _HEADING.match(line)
        if m:
            section = m.group(1)
        if line.strip(" |"):
            words.append(line.strip(" |"))
        elif words:
            out.append((section, re.sub(r"(\w)- (\w)", r"\1-\2", " ".join(words))))
            words = []
    return [(s, re.sub(r"\s+", " ", p)) for s, p in out]


def sentence(paras, id):
    """(section, sentence) of the body where the id stands."""
    want = re.compile(
        re.escape(_UNNUMBERED[id]) if id in _UNNUMBERED else r"[([]" + id + r"(?!\d)"
    )
    for section, para in paras:
        if want.search(para):
            for s in re.split(r"(?<=[.:;])\s+(?=[A-Z(])", para):
                if want.search(s):
                    return section, re.sub(r"^(o|Source Quench|\([a-e]\)) ", "", s.strip())
    raise BadTable("%s stands nowhere in the body" % id)


def extract(text):
    """The rows of RFC 9293 from its text; raises BadTable when the number is another."""
    lines = appendix_b(text)
    count(lines)
    paras = paragraphs(text[: text.rindex("\nAppendix B.")])
    ids, seen, rows = [line[0] for line in lines], {}, []
    for id, level, feature in lines:
        section, words = sentence(paras, id)
        seen[id] = seen.get(id, 0) + 1
        letter = "abc"[seen[id] - 1] if ids.count(id) > 1 else ""
        rows.append(Row("9293", id + letter, level, section, feature, words))
    return rows


# --- the other RFCs: the quotes are quotes ---


def flat(text):
    """The text without page breaks and line breaks, for comparing quotes."""
    text = re.sub(r"\n+[^\n]*\[Page \w+\]\n\f?[^\n]*\n+", "\n", text)
    text = re.sub(r"\n[ \t]*\|", "\n ", text)
    return re.sub(r"\s+", " ", re.sub(r"(\w)-\n\s*(\w)", r"\1-\2", text))


def misquoted(rows, text):
    """The rows whose words do not stand in the RFC; `...` joins pieces that stand apart in this
    order.
    """
    bare = flat(text)
    wrong = []
    for row in rows:
        at = 0
        for piece in row.text.split(" ... "):
            at = bare.find(piece.strip(), at) if at >= 0 else -1
        if at < 0:
            wrong.append(row)
    return wrong
