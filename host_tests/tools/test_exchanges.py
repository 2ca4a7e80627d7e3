"""What is counted of each part is what it says to be: the exchanges do what they are for."""

import os

import pytest
from exchanges import count
from interpreters import ROOT
from lab.pythons import run_unix
from sizes import sizes

PATH = ("joined", "tools")
ALL = {*count.WHAT, *count.PLAIN, *(case + "-all" for case in count.PLAIN)}
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
    with pytest.raises(AssertionError, match=r"rather: .* were good"):
        run_unix(script, path=PATH, heap=count.HEAP)


@pytest.mark.parametrize("case", ["icmp", "udp", "tcp64", "tcp1460"])
def test_the_echoes_of_the_bench_are_echoed(case):
    """A reset in place of an echo is an answer too, and cheaper."""
    run_unix(ROOT / "tools" / "bench" / "packets.py", case, 5, "with", path=PATH)


def test_parts_that_are_counted_exist():
    assert {part for part, _ in count.WHAT.values()} <= set(sizes.parts())


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


def test_cycles_are_estimated_by_what_both_tables_have():
    cycles = {"ICMP 56": 50_000, "UDP 18": 70_000}
    assert count.conversion({"icmp": 10_000, "udp": 20_000}, cycles) == (2.0, 30_000)
    assert set(count.emulated()) == set(count.PLAIN.values())
    assert [count.about(n) for n in (7, 123, 98_765)] == ["7", "120", "99,000"]


def test_the_page_has_a_row_for_each_exchange():
    page = sizes.DOCS.read_text()
    for part, what in count.WHAT.values():
        assert page.count("| %s | `%s` |" % (what, part)) == 1
    more = page.partition("| more |")[2].splitlines()[2:5]
    assert [line.split(" | ")[0] for line in more] == ["| " + x for x in count.PLAIN.values()]
    assert all(abs(int(line.split(" | ")[3].strip("| "))) < 1000 for line in more)
