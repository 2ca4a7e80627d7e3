"""The paths that are not hot take no heap either, and an allocation in any of them is seen."""

import pytest
from interpreters import ROOT
from lab import heap

sources = heap.sources  # a fixture
SCRIPT = ROOT / "tools" / "proof" / "coldpath.py"

# What each path reaches: states, what applications and counters told, the status of an answer.
PATHS = {
    "fin_wait": "FIN-WAIT-1 FIN-WAIT-2 done",
    "closing": "FIN-WAIT-1 CLOSING done",
    "time_wait_full": "FIN-WAIT-2 tcp_tw_evicted",
    "last_ack": "LAST-ACK done",
    "deaf": "FIN-WAIT-1 unread tcp_rst_out tcp_no_reader",
    "aborted": "aborted tcp_rst_out",
    "kept_alive": "tcp_keep timeout",
    "given_up": "timeout tcp_timeout",
    "half_opened": "tcp_out",
    "evicted": "idle tcp_evicted",
    "sent_udp": "udp_out",
    "too_big": "too-big icmp_error udp_out",
    "refused_udp": "refused icmp_error",
    "http_505": "505",
    "http_431": "431",
    "http_408": "408",
}

# An allocation as the first thing that this function does, and the paths in which it is seen.
BROKEN = [
    ("tcp/states.py", "fin_wait_1", "fin_wait closing"),
    ("tcp/states.py", "closing", "closing"),
    ("tcp/states.py", "fin", "fin_wait closing last_ack"),
    ("tcp/states.py", "last_ack", "last_ack"),
    ("tcp/states.py", "time_wait", "fin_wait closing"),
    ("tcp/timewait.py", "add", "fin_wait time_wait_full"),
    ("tcp/timewait.py", "input", "fin_wait"),
    ("tcp/timewait.py", "_run", "fin_wait"),
    ("tcp/timewait.py", "_free", "time_wait_full"),
    ("tcp/send.py", "_fin_leaves", "fin_wait closing"),
    ("tcp/send.py", "_rst", "aborted"),
    ("tcp/closed.py", "reset_back", "deaf"),
    ("tcp/conn.py", "shutdown", "fin_wait"),
    ("tcp/conn.py", "close", "deaf last_ack"),
    ("tcp/conn.py", "abort", "aborted"),
    ("tcp/timers.py", "_silence", "kept_alive"),
    ("tcp/timers.py", "_unanswered", "given_up"),
    ("tcp/timers.py", "tell", "given_up too_big"),
    ("tcp/halfopen.py", "_expired", "half_opened"),
    ("tcp/listen.py", "evict", "evicted"),
    ("tcp/icmp.py", "_error", "too_big"),
    ("net/udp.py", "leave", "sent_udp"),
    ("net/udp.py", "_tell", "too_big refused_udp"),
    ("net/icmp.py", "_error", "too_big refused_udp"),
    ("apps/http.py", "_answer", "http_505 http_431 http_408"),
    ("apps/http.py", "poll", "http_408"),
]


@pytest.mark.parametrize("run", [heap.on_32_bits, heap.on_64_bits])
def test_no_path_takes_heap_and_each_gets_where_it_should(run):
    heap.get_there(SCRIPT, run, PATHS)


@pytest.mark.parametrize(("file", "function", "paths"), BROKEN)
def test_an_allocation_in_each_of_them_is_seen(sources, file, function, paths):
    heap.is_seen(SCRIPT, sources, file, function, paths)
