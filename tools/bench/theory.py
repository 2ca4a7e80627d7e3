"""What TCP can carry: the window, and Reno where segments are lost each by itself.

Padhye, Firoiu, Towsley and Kurose, "Modeling TCP Throughput" (SIGCOMM 1998), sections 2.1 and 2.3,
without their timeouts: the wire's losses are independent, so that three duplicate ACKs show each
of them. For a window without a limit it is the square root of Mathis, Semke, Mahdavi and Ott
(1997).
"""

from math import sqrt

ACK_EVERY = 2  # segments that an ACK acknowledges (RFC 9293 3.8.6.3): b


def window(n, rtt, mss):
    """Octets a second with n segments a round trip of rtt ms."""
    return 1000 * n * mss / rtt


def reno(n, rtt, mss, loss):
    """Octets a second when loss % of the segments are lost, and the window is n segments or less;
    rtt in ms."""
    if not loss:
        return window(n, rtt, mss)
    p, b = loss / 100, ACK_EVERY
    w = _peak(p, b)
    rounds = b * w / 2 + 1 if w < n else b * n / 8 + (1 - p) / (p * n) + 2
    segments = (1 - p) / p + min(w, n)
    return min(1000 * mss * segments / (rtt * rounds), window(n, rtt, mss))


def _peak(p, b):
    """The mean window, in segments, at which a loss happens when nothing else limits it (equation
    13)."""
    k = (2 + b) / (3 * b)
    return k + sqrt(8 * (1 - p) / (3 * b * p) + k * k)
