"""The retransmission timeout (RFC 6298), in ms; SRTT is kept times 8 and RTTVAR times 4, so that
shifts do the divisions."""

from micropython import const

from ..kern import put16, put32, tdiff, u16, u32

_RTO = const(38)
_SRTT = const(40)
_RTTVAR = const(44)


def sample(t, r, at):
    """A segment sent at `at` was acknowledged now; it was not sent twice (Karn, RFC 6298 3)."""
    m = tdiff(t.stack.now, at)
    if m < 1:
        m = 1  # the clock's granularity G
    if m > 0xFFFF:
        m = 0xFFFF  # longer than any RTO; a peer's TSecr may say anything, and m << 3 stays small
    srtt = u32(r, _SRTT)
    if not srtt:  # (2.2)
        put32(r, _SRTT, m << 3)
        put32(r, _RTTVAR, m << 1)
    else:
        _smooth(r, srtt, m - (srtt >> 3))
    m = u32(r, _RTTVAR)
    _set(t, r, (u32(r, _SRTT) >> 3) + (m if m > 1 else 1))


def _smooth(r, srtt, d):
    """(2.3) with alpha = 1/8, beta = 1/4; d is the new measurement less the old SRTT."""
    var = u32(r, _RTTVAR)
    var += (d if d > 0 else -d) - (var >> 2)
    put32(r, _RTTVAR, var)
    srtt += d
    put32(r, _SRTT, srtt if srtt > 1 else 1)


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
