"""The retransmission timeout (RFC 6298), in ms; SRTT is kept times 8 and RTTVAR times 4, so that
shifts do the divisions."""

from micropython import const

from .kern import put16, put32, tdiff, u16, u32

_RTO = const(38)
_SRTT = const(40)
_RTTVAR = const(44)


def sample(t, r, at):
    """A segment sent at `at` was acknowledged now; it was not sent twice (Karn, RFC 6298 3)."""
    m = tdiff(t.stack.now, at)
    if m < 1:
        m = 1  # the clock's granularity G
    srtt = u32(r, _SRTT)
    if not srtt:  # (2.2)
        srtt = m << 3
        var = m << 1
    else:  # (2.3) with alpha = 1/8, beta = 1/4; SRTT is the old one in RTTVAR's line
        d = m - (srtt >> 3)
        var = u32(r, _RTTVAR)
        var += (d if d > 0 else -d) - (var >> 2)
        srtt += d
    put32(r, _SRTT, srtt if srtt > 1 else 1)
    put32(r, _RTTVAR, var)
    _set(t, r, (srtt >> 3) + (var if var > 1 else 1))


def _set(t, r, rto):
    if rto < t.rto_min:  # (2.4)
        rto = t.rto_min
    put16(r, _RTO, rto if rto < t.rto_max else t.rto_max)  # (2.5)


def back_off(t, r):
    """(5.5): doubled, up to the maximum."""
    _set(t, r, u16(r, _RTO) << 1)


def start_rto(t, r, lost):
    """The RTO with which data begins: 3 s when the SYN had to be sent again (5.7); what was
    measured otherwise."""
    if lost:
        return 3000 if t.rto_max > 3000 else t.rto_max
    return u16(r, _RTO)
