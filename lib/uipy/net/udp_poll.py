"""`UdpApp.poll`: an application on UDP that wants to be called from time to time, as `App.poll` is
on TCP. Loaded by the first `bind` of one that sets `poll_ms`.
"""

from array import array

from ..kern import tadd, tdiff
from .datagram import FAR


class Polls:
    """When the ports of a stack are to be polled: 4 octets each."""

    def __init__(self, udp):
        self.udp = udp
        self.at = array("i", [0 for _ in udp.ports])
        udp.stack.layers.append(self)

    def begin(self, port):
        """The first call is due `poll_ms` after the next poll of the stack."""
        self.at[port.idx] = -1  # no time
        self.udp.stack.wake_up()

    # As a layer of the stack

    def output(self, now):
        """Makes the calls that are due; has no frame of its own."""
        for port in self.udp.ports:
            ms = _every(port)
            if ms:
                at = self.at[port.idx]
                if at < 0:
                    self.at[port.idx] = tadd(now, ms)
                elif tdiff(now, at) >= 0:
                    self.at[port.idx] = tadd(now, ms)
                    with port:
                        port.app.poll(port)
        return 0

    def deadline(self, now):
        """ms until `output` has something to do."""
        left = FAR
        for port in self.udp.ports:
            if _every(port):
                at = self.at[port.idx]
                left = min(left, 0 if at < 0 else tdiff(at, now))
        return max(0, left)


def _every(port):
    """How often a port is polled; 0: it is none, or wants no call."""
    return getattr(port.app, "poll_ms", 0) if port is not None else 0


def begin(udp, port):
    """The application of this port has a `poll_ms`."""
    polls = None
    for layer in udp.stack.layers:
        if isinstance(layer, Polls):
            polls = layer
    (polls or Polls(udp)).begin(port)
