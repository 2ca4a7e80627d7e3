"""What a service is called, and what is to be known of it (RFC 6763). Allocates: for callers."""

from .. import Error
from .dns_names import wire


def type_of(kind):
    """The wire name of "_http._tcp" in .local; raises `Error`."""
    parts = kind.split(".")
    if len(parts) == 3 and parts[2] == "local":
        parts = parts[:2]
    if len(parts) != 2 or parts[1] not in ("_tcp", "_udp") or not 1 < len(parts[0]) < 17:
        raise Error("a type of service is like _http._tcp, not %r" % (kind,))
    if parts[0][0] != "_":
        raise Error("a type of service begins with _: not %r" % (kind,))
    return wire((parts[0], parts[1], "local"))


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
        if len(item) > 255 or not key or "=" in key:
            raise Error("%r has no =, and with its value 255 octets at the most" % (key,))
        out.append(len(item))
        out.extend(item)
    return bytes(out or b"\0")
