"""What is to be known of a service (RFC 6763 6). Allocates: for callers."""

from .. import Error


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
