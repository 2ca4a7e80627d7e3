"""The core's counters: small ints that wrap at 2**30.

`stack.stat` is an array('i'), one element a counter; `bump(stat, N_X)` adds one. Each number has
its name at the same place in NAMES, which `stack.counters()`, /status.json and /metrics use.
"""

from micropython import const

N_FRAMES_IN = const(0)  # handed to input()
N_FRAMES_OUT = const(1)  # returned by input() or output()
N_ETH_IGNORED = const(2)  # another host's, or an EtherType that we do not speak
N_ARP_IN = const(3)
N_ARP_OUT = const(4)
N_ARP_BAD = const(5)  # malformed, or claiming an address that nobody can have
N_ARP_EVICTED = const(6)  # a live entry made room for another
N_IP_IN = const(7)
N_IP_OUT = const(8)
N_IP_BAD = const(9)  # version, length or header checksum
N_IP_FRAG = const(10)  # fragments, dropped
N_IP_IGNORED = const(11)  # another host's datagram
N_IP_PROTO = const(12)  # no handler for the protocol
N_ICMP_IN = const(13)
N_ICMP_OUT = const(14)
N_ICMP_BAD = const(15)  # length or checksum
N_ICMP_ERROR = const(16)  # error messages received for one of our packets
N_UDP_IN = const(17)
N_UDP_OUT = const(18)
N_UDP_BAD = const(19)  # length or checksum
N_UDP_NO_PORT = const(20)
N_TCP_IN = const(21)
N_TCP_OUT = const(22)
N_TCP_BAD = const(23)  # length, checksum, option or address
N_TCP_PASSIVE = const(24)  # connections accepted
N_TCP_ACTIVE = const(25)  # connections opened by us
N_TCP_REXMT = const(26)  # segments sent again
N_TCP_RTO = const(27)  # retransmission timeouts
N_TCP_FAST = const(28)  # fast retransmits
N_TCP_PROBE = const(29)  # zero-window probes
N_TCP_KEEP = const(30)  # keep-alives
N_TCP_RST_IN = const(31)  # resets accepted
N_TCP_RST_OUT = const(32)  # resets sent
N_TCP_CHALLENGE = const(33)  # challenge ACKs sent
N_TCP_MUTED = const(34)  # challenge ACKs held back by the limit
N_TCP_OLD = const(35)  # segments outside the window
N_TCP_OOO = const(36)  # segments that came out of order
N_TCP_OOO_LOST = const(37)  # of them, dropped for want of a buffer
N_TCP_PARTIAL = const(38)  # data that the application did not take
N_TCP_NO_READER = const(39)  # data after close(): answered with a reset
N_TCP_SYN_DROPPED = const(40)  # table of half-open connections full
N_TCP_ACK_DROPPED = const(41)  # handshake complete, no row free
N_TCP_EVICTED = const(42)  # idle connections aborted for a newcomer
N_TCP_TIMEOUT = const(43)  # connections given up (R2, user timeout, keep-alive, idle)
N_TCP_TW_EVICTED = const(44)  # TIME-WAIT rows that ended early
N_TCP_COOKIE_OUT = const(45)
N_TCP_COOKIE_IN = const(46)
N_TCP_COOKIE_BAD = const(47)
N_TCP_PAWS = const(48)  # RFC 7323 5
N_TCP_SACK = const(49)  # segments resent because of SACK
N_TCP_ECN = const(50)  # congestion marks obeyed
N_APP_ERROR = const(51)  # callbacks that raised
N_ARP_CONFLICT = const(52)  # another station uses our address
N_ICMP_MUTED = const(53)  # errors held back by the limit

NAMES = (
    "frames_in",
    "frames_out",
    "eth_ignored",
    "arp_in",
    "arp_out",
    "arp_bad",
    "arp_evicted",
    "ip_in",
    "ip_out",
    "ip_bad",
    "ip_frag",
    "ip_ignored",
    "ip_proto",
    "icmp_in",
    "icmp_out",
    "icmp_bad",
    "icmp_error",
    "udp_in",
    "udp_out",
    "udp_bad",
    "udp_no_port",
    "tcp_in",
    "tcp_out",
    "tcp_bad",
    "tcp_passive",
    "tcp_active",
    "tcp_rexmt",
    "tcp_rto",
    "tcp_fast",
    "tcp_probe",
    "tcp_keep",
    "tcp_rst_in",
    "tcp_rst_out",
    "tcp_challenge",
    "tcp_muted",
    "tcp_old",
    "tcp_ooo",
    "tcp_ooo_lost",
    "tcp_partial",
    "tcp_no_reader",
    "tcp_syn_dropped",
    "tcp_ack_dropped",
    "tcp_evicted",
    "tcp_timeout",
    "tcp_tw_evicted",
    "tcp_cookie_out",
    "tcp_cookie_in",
    "tcp_cookie_bad",
    "tcp_paws",
    "tcp_sack",
    "tcp_ecn",
    "app_error",
    "arp_conflict",
    "icmp_muted",
)
