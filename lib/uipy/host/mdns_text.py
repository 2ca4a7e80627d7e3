"""A name, and what is to be known of a service (RFC 6763 4.1.1, 6). Allocates: for callers."""

from micropython import const

from .. import Error
from .dns_names import wire

_DIGITS = const(5)  # behind a name, with the hyphen


def label_of(name):
    """The label of a name, text of 1 to 58 octets; raises `Error`."""
    size = len(name.encode()) if isinstance(name, str) else 0
    if not 0 < size < 64 - _DIGITS or min(name) < " " or "\x7f" in name:  # RFC 6763 4.1.1
        raise Error("a name has 1 to 58 octets, no control characters: %r" % (name,))
    return wire((name,))


def data_of(pairs):
    """The data of a TXT record (RFC 6763 6); raises `Error`."""
    out = bytearray()
    for key, value in sorted((pairs or {}).items()):
        if value is True:
            item = key.encode()
        else:
            item = (
                key.encode() + b"=" + (value if isinstance(value, bytes) else str(value).encode())
            )
        # RFC 6763 6.4
        if len(item) > 255 or not key or "=" in key or not " " <= min(key) <= max(key) <= "~":
            raise Error("%r: ASCII, no =, and with its value 255 octets at the most" % (key,))
        out.append(len(item))
        out.extend(item)
    return bytes(out or b"\0")
