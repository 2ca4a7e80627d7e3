"""The names of the core's counters.

`stack.stat` is a bytearray of 4 bytes a counter; `bump(stat, _N_X)` adds one. A counter is a small
int that wraps at 2**30. The modules that count repeat the index as a `const` (a constant cannot be
imported on a board without costing RAM); host_tests/layering/test_consts.py compares the copies
with this table.
"""

NAMES = (
    "frames_in",  # 0 handed to input()
    "frames_out",  # 1 returned by input() or output()
    "eth_ignored",  # 2 another host's, or an EtherType that we do not speak
    "arp_in",  # 3
    "arp_out",  # 4
    "arp_bad",  # 5 malformed, or claiming an address that nobody can have
    "arp_evicted",  # 6 a live entry made room for another
    "ip_in",  # 7
    "ip_out",  # 8
    "ip_bad",  # 9 version, length or header checksum
    "ip_frag",  # 10 fragments, dropped
    "ip_ignored",  # 11 another host's datagram
    "ip_proto",  # 12 no handler for the protocol
    "icmp_in",  # 13
    "icmp_out",  # 14
    "icmp_bad",  # 15 length or checksum
    "icmp_error",  # 16 error messages received for one of our packets
    "udp_in",  # 17
    "udp_out",  # 18
    "udp_bad",  # 19 length or checksum
    "udp_no_port",  # 20
    "tcp_in",  # 21
    "tcp_out",  # 22
    "tcp_bad",  # 23 length, checksum, option or address
    "tcp_passive",  # 24 connections accepted
    "tcp_active",  # 25 connections opened by us
    "tcp_rexmt",  # 26 segments sent again
    "tcp_rto",  # 27 retransmission timeouts
    "tcp_fast",  # 28 fast retransmits
    "tcp_probe",  # 29 zero-window probes
    "tcp_keep",  # 30 keep-alives
    "tcp_rst_in",  # 31 resets accepted
    "tcp_rst_out",  # 32 resets sent
    "tcp_challenge",  # 33 challenge ACKs sent
    "tcp_muted",  # 34 challenge ACKs held back by the limit
    "tcp_old",  # 35 segments outside the window
    "tcp_ooo",  # 36 segments that came out of order
    "tcp_ooo_lost",  # 37 of them, dropped for want of a buffer
    "tcp_partial",  # 38 data that the application did not take
    "tcp_no_reader",  # 39 data after close(): answered with a reset
    "tcp_syn_dropped",  # 40 table of half-open connections full
    "tcp_ack_dropped",  # 41 handshake complete, no row free
    "tcp_evicted",  # 42 idle connections aborted for a newcomer
    "tcp_timeout",  # 43 connections given up (R2, user timeout, keep-alive, idle)
    "tcp_tw_evicted",  # 44 TIME-WAIT rows that ended early
    "tcp_cookie_out",  # 45
    "tcp_cookie_in",  # 46
    "tcp_cookie_bad",  # 47
    "tcp_paws",  # 48 RFC 7323 5
    "tcp_sack",  # 49 segments resent because of SACK
    "tcp_ecn",  # 50 congestion marks obeyed
    "app_error",  # 51 callbacks that raised
    "arp_conflict",  # 52 another station uses our address
    "icmp_muted",  # 53 errors held back by the limit
)
