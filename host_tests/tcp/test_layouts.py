"""The tables of halves: no two fields share one, and none is left over."""

import re
from pathlib import Path

import pytest

LIB = Path(__file__).resolve().parents[2] / "lib" / "uipy"
FIELD = re.compile(r"(\w+) = const\((\d+)\)(.*)")
TABLES = {  # file: first field, name of the size
    "a row": ("tcp/row.py", "USED", "ROW_SIZE"),
    "a row in TIME-WAIT": ("tcp/timewait.py", "_W_SND", "_SIZE"),
    "its timestamps": ("tcp/timewait.py", "_W_OPTS", "_SIZE_TS"),
    "what is known of a frame": ("net/datagram.py", "IP_AT", "SEG_SIZE"),
    "the datagram being built": ("net/datagram.py", "OUT_TTL", "OUT_SIZE"),
    "clock, flags and settings": ("net/datagram.py", "NOW", "ENV_SIZE"),
}


@pytest.mark.parametrize("table", TABLES)
def test_the_fields_of_a_table_lie_side_by_side(table):
    """A field is one element wide, a time of a connection and what is marked `pair` two; a second
    name may begin where another does (NKEY, SHOWN)."""
    file, first, size = TABLES[table]
    found = [m.groups() for m in map(FIELD.match, (LIB / file).read_text().splitlines()) if m]
    names = [name for name, _, _ in found]
    fields = found[names.index(first) : names.index(size)]
    ends = {int(fields[0][1])}
    for name, at, comment in fields:
        assert int(at) in ends, name
        pair = "# pair" in comment or (name.endswith("_AT") and file == "tcp/row.py")
        ends = {int(at), int(at) + 1 + pair}
    assert int(found[names.index(size)][1]) == max(ends)
