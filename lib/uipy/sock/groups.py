"""The multicast groups of a datagram socket: IP_ADD_MEMBERSHIP and IP_DROP_MEMBERSHIP."""

from ..errors import BadAddress, Error
from ..net.igmp import Groups
from .numbers import EINVAL, ENOMEM

_IGMP = 2
_ANY = b"\0\0\0\0"


def groups_of(stack):
    """The stack's groups, made when the first one is wanted. Raises OSError(ENOMEM) when it has no
    room for any: Stack(groups=...)."""
    try:
        return stack.handlers.get(_IGMP) or Groups(stack)
    except Error as exc:
        raise OSError(ENOMEM, str(exc))


def member(stack, joined, join, value):
    """Joins or leaves; `joined` is the list of (group, interface's number) of the socket. `value`:
    the group and the address of the interface, zeros for the first one, 4 octets each. Raises
    ValueError for other octets, OSError(EINVAL) for what is no group or no interface of ours, and
    for leaving what was not joined, ENOMEM when there is no room for one more: all as lwIP."""
    if len(value) != 8:
        raise ValueError("a group and an interface are wanted, 4 octets each")
    group, ip = bytes(value[:4]), bytes(value[4:])
    idx = 0
    if ip != _ANY:
        idx = -1
        for iface in stack.ifaces:
            if iface.ip == ip:
                idx = iface.idx
    if idx < 0 or not (join or (group, idx) in joined):
        raise OSError(EINVAL)
    groups = groups_of(stack)
    if not join:
        joined.remove((group, idx))
        groups.leave(group, idx)
        return
    try:
        groups.join(group, idx)
    except BadAddress:
        raise OSError(EINVAL)
    except Error as exc:
        raise OSError(ENOMEM, str(exc))
    joined.append((group, idx))


def leave_all(stack, joined):
    """The socket is closed. (lwIP stays in the groups.)"""
    while joined:
        groups_of(stack).leave(*joined.pop())
