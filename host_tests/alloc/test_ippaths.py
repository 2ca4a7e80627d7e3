"""Fragments, groups and redirects take no heap, and an allocation in any of their ways is seen."""

import pytest
from interpreters import ROOT
from lab import heap

sources = heap.sources  # a fixture
SCRIPT = ROOT / "tools" / "proof" / "ippaths.py"

PATHS = {
    "fragmented_ping": "frag_reassembled icmp_out",
    "overlapping": "frag_overlap",
    "too_late": "frag_timeout frag_repeated icmp_out",
    "nonsense": "frag_bad frag_too_long",
    "crowded": "frag_evicted frag_timeout",
    "queried": "igmp_queries igmp_reports ip_out",
    "suppressed": "igmp_suppressed",
    "old_router": "igmp_queries igmp_reports",
    "redirected": "redirect_taken udp_out",
}

BROKEN = [
    ("net/reassembly.py", "_slot", "fragmented_ping overlapping"),
    ("net/reassembly.py", "_put", "fragmented_ping"),
    ("net/reassembly.py", "_give", "fragmented_ping"),
    ("net/reassembly.py", "_refuse", "overlapping nonsense"),
    ("net/reassembly.py", "_expire", "too_late crowded"),
    ("net/reassembly.py", "_before", "crowded"),
    ("net/igmp.py", "_query", "queried suppressed old_router"),
    ("net/igmp.py", "_heard", "suppressed"),
    ("net/igmp.py", "_send", "queried"),
    ("net/igmp_out.py", "frame", "queried"),
    ("net/redirect.py", "_sound", "redirected"),
    ("net/redirect.py", "_take", "redirected"),
    ("net/redirect.py", "way", "redirected"),
]


@pytest.mark.parametrize("run", [heap.on_32_bits, heap.on_64_bits])
def test_no_path_takes_heap_and_each_gets_where_it_should(run):
    heap.get_there(SCRIPT, run, PATHS)


@pytest.mark.parametrize(("file", "function", "paths"), BROKEN)
def test_an_allocation_in_each_of_them_is_seen(sources, file, function, paths):
    heap.is_seen(SCRIPT, sources, file, function, paths)
