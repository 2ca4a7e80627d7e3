"""A MAC address for a board whose chip has none."""

from hashlib import sha256


def local_mac(uid=None):
    """6 bytes, locally administered and unicast (IEEE 802: bit 1 of the first octet set, bit 0
    clear).

    The same board gets the same address after each boot and no two boards share one: it is a hash
    of `uid`, by default `machine.unique_id()`. Allocates; called once.
    """
    if uid is None:
        from machine import unique_id

        uid = unique_id()
    m = bytearray(sha256(uid).digest()[:6])
    m[0] = (m[0] | 2) & 0xFE
    return bytes(m)
