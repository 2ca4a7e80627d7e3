"""The paths that are not hot take no heap either, fragments, groups and redirects among them, and
an allocation in any of them is seen.
"""

import pytest
from interpreters import ROOT
from lab import heap

sources = heap.sources  # a fixture
COLD = ROOT / "tools" / "proof" / "coldpath.py"
IP = COLD.with_name("ippaths.py")

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

IP_PATHS = {
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

IP_BROKEN = [
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

WALKS = [(COLD, PATHS), (IP, IP_PATHS)]


@pytest.mark.parametrize("run", [heap.on_32_bits, heap.on_64_bits])
@pytest.mark.parametrize(("script", "paths"), WALKS, ids=["cold", "ip"])
def test_no_path_takes_heap_and_each_gets_where_it_should(script, paths, run):
    heap.get_there(script, run, paths)


@pytest.mark.parametrize(
    ("script", "file", "function", "paths"),
    [(COLD, *row) for row in BROKEN] + [(IP, *row) for row in IP_BROKEN],
)
def test_an_allocation_in_each_of_them_is_seen(sources, script, file, function, paths):
    heap.is_seen(script, sources, file, function, paths)
