"""Frames into a file for Wireshark (pcap, nanoseconds)."""

import threading
import time

import dpkt


class Recorder:
    """Writes frames to `path` as they come; `l2` as in the device contract (14 Ethernet, 0 bare
    IP).

    Each frame is on the disk when `add` returns, so that a recording of a process that was killed
    is whole.
    """

    def __init__(self, path, l2=14):
        kind = dpkt.pcap.DLT_EN10MB if l2 else dpkt.pcap.DLT_RAW
        self._file = open(path, "wb")  # noqa: SIM115
        self._out = dpkt.pcap.Writer(self._file, snaplen=65535, linktype=kind, nano=True)
        self._lock = threading.Lock()

    def add(self, frame, at=None):
        """One frame at `at` seconds (now)."""
        with self._lock:
            self._out.writepkt(bytes(frame), ts=time.time() if at is None else at)
            self._file.flush()

    def close(self):
        """What was recorded stays; more is an error."""
        self._file.close()


def read(path):
    """Yields (seconds, frame) of a recording."""
    with open(path, "rb") as f:
        yield from dpkt.pcap.UniversalReader(f)
