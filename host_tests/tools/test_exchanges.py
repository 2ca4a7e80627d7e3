"""What is counted of each part is what it says to be: the exchanges do what they are for."""

import os

import pytest
from exchanges import FIRST, N, book, count, edges
from interpreters import ROOT
from lab.pythons import run_unix
from sizes import sizes

PATH = ("joined", "tools")
ALL = {*book.CASES, *(case + "-all" for case in book.PLAIN)}
RATHER = """
from exchanges import host, run
class Rather(host.{}):
    {}
run.measure("rather", Rather)
"""


def test_every_exchange_does_what_it_is_for():
    said = run_unix(count.RUN, path=PATH, heap=count.HEAP)
    found = dict(line.split() for line in said.splitlines())
    assert set(found) == ALL and set(found.values()) == {"14"}


@pytest.mark.parametrize(
    ("case", "change"),
    [
        ("OurName", "frames = 0"),
        ("Question", "frames = 1"),
        ("Name", "def heard(self, answer): pass"),
        ("Time", "def before(self): self.hear(b'')"),
        ("Announced", "def said(self): return b'short'"),
    ],
)
def test_what_it_does_not_do_is_not_counted(tmp_path, case, change):
    script = tmp_path / "rather.py"
    script.write_text(RATHER.format(case, change))
    with pytest.raises(AssertionError, match=r"Rather: .* were good"):
        run_unix(script, path=PATH, heap=count.HEAP)


@pytest.mark.parametrize("case", ["icmp", "udp", "tcp64", "tcp1460"])
def test_the_echoes_of_the_bench_are_echoed(case):
    """A reset in place of an echo is an answer too, and cheaper."""
    run_unix(ROOT / "tools" / "bench" / "packets.py", case, 5, "with", path=PATH)


def test_parts_that_are_counted_exist():
    assert {part for part, _ in book.ALL.values()} <= set(sizes.parts())


def test_counts_are_the_difference_of_with_and_without(tmp_path, monkeypatch):
    fake = tmp_path / "valgrind"
    fake.write_text(
        '#!/bin/sh\nfor a; do case "$a" in --callgrind-out-file=*) to="${a#*=}";; esac; done\n'
        "k=0; for n in 90000 5250 77 1250 90000 9000 77 2000; do k=$((k + 1))\n"
        'echo "totals: $n" > "$to.$k"; done; echo "dns 14"; echo "sntp 14"\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path, os.environ["PATH"]))
    assert count.instructions("dns", "sntp") == {"dns": 400, "sntp": 700}
    fake.write_text("#!/bin/sh\necho 'dns 14'\n")
    with pytest.raises(SystemExit, match="0 counts"):
        count.instructions("dns")


def test_the_page_has_a_row_for_each_exchange():
    page = sizes.DOCS.read_text()
    for part, what in book.WHAT.values():
        assert page.count("| %s | `%s` |" % (what, part)) == 2  # cycles, and instructions
    more = page.partition("| more |")[2].splitlines()[2:5]
    assert [line.split(" | ")[0] for line in more] == ["| " + x for x in book.PLAIN.values()]
    assert all(abs(int(line.split(" | ")[3].strip("| "))) < 1000 for line in more)


def test_every_exchange_was_measured_frozen_and_from_files():
    made, rows = book.read()
    assert set(made) == set(book.FORMS)
    assert set(rows) == {(form, case) for form in book.FORMS for case in book.CASES}
    for cycles, spread, full in rows.values():
        assert 0 <= spread < cycles / 20 and full > 0.99 * cycles


def test_the_two_forms_of_the_library_differ_by_less_than_twice():
    """The search for heap is what differs; an error of measurement is tens of times as much."""
    _, rows = book.read()
    for case in book.CASES:
        frozen, files = rows["frozen", case][0], rows["files", case][0]
        assert max(files, frozen) < 2 * min(files, frozen), case


def test_every_part_has_its_cycles_in_make_size():
    table = sizes.code(sizes.parts(), {}, book.of_parts(book.read()[1]))
    lines = {line.split(" | ")[0][2:]: line for line in table.splitlines()}
    for part in {part for part, _ in book.ALL.values()}:
        assert lines[part].split(" | ")[-1][0].isdigit()


class Pin:
    def add_listener(self, f):
        self.f = f


class Mcu:
    """As much of one as Edges needs."""

    def __init__(self):
        pin = Pin()
        self.core = self.chip = self
        self.gpio = {edges.MARK: pin}
        self.cycles = 0

    def work(self, n):
        f = self.gpio[edges.MARK].f
        f(0, 1)  # the pin comes to life
        f(1, 0)
        self.cycles += n
        f(0, 1)
        self.cycles += 77  # not of the window


def test_cycles_are_the_difference_of_with_and_without():
    mcu = Mcu()
    found = edges.Edges(mcu)
    n = FIRST + N
    for heap in (300, 200, 0):
        for k in range(n):
            late = k >= FIRST
            mcu.work(40)
            mcu.work(10 + heap + (k == n - 1) if late else 9999)
    assert found.count() == (200, 1, 300)
    mcu.work(1)
    with pytest.raises(ValueError, match="windows"):
        found.count()


def test_what_was_measured_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "cycles.tsv"
    book.write("files", "MicroPython v9", {"dns": edges.Count(7000, 3, 8000)}, path)
    book.write("frozen", "MicroPython v9", {"dns": (6000, 0, 6500), "icmp": (5000, 0, 5000)}, path)
    book.write("files", "MicroPython v10", {"udp": (1, 0, 1)}, path)
    made, rows = book.read(path)
    assert made["files"] == (book.library(), "MicroPython v10")
    assert rows["files", "dns"] == (7000, 3, 8000) and rows["files", "udp"] == (1, 0, 1)
    assert book.of_parts(rows) == {"uipy.host.dns": "6,000", "uipy.core": "5,000"}
    for form, case in ((f, c) for f in book.FORMS for c in book.CASES):
        book.write(form, "MicroPython v9", {case: (1000, 1, 2000)}, path)
    assert "changed since" not in book.text(path)
    monkeypatch.setattr(book, "library", lambda: "another")
    assert "the library has changed since" in book.text(path)
