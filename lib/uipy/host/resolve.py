"""`stack.resolve`: the address of a name in one line, for callbacks.

    stack.resolve("example.org", found)         def found(ip): ...  4 octets, or None

The resolver that the stack has is asked, else that of the program (`uipy.loop.attach`). Without
either one is made that asks the name servers of the `Dhcp` of this stack: two names at a time,
four answers kept, 2.3 kB. More can be had of a `Resolver` itself: other records, why there is no
answer, names in `.local`.
"""

import sys

from .. import Error
from .dns import Resolver


def resolve(stack, name, f):
    """f(ip) is called once, from `stack.poll` and never before this returns. Raises `Error` when
    no resolver is there and none can be made, and for what cannot be a name, `TableFull` when as
    many names are asked for as the resolver has rows."""
    if not callable(f):
        raise Error("what is to be called with the address is wanted: stack.resolve(name, f)")

    def done(answer):
        f(None if answer.error else answer.octets())

    _resolver(stack).resolve(name, "A", done)


def _resolver(stack):
    servers = domain = None
    for layer in stack.layers:
        if isinstance(layer, Resolver):
            return layer
        if hasattr(layer, "dns"):  # uipy.host.Dhcp
            servers, domain = layer.dns, layer.domain
    loop = sys.modules.get("uipy.loop")  # who has no use for it has not loaded it
    loop = loop and loop.the
    if loop and loop.stack is stack and loop.resolver:
        return loop.resolver
    if servers is None:
        raise Error("no name server is known: Resolver(stack, ['192.168.1.1']) of uipy.host first")
    return Resolver(stack, servers, domain, 2, 4)
