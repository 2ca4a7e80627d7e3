"""The door to `tls`, for libraries that import it by that name: `requests` and `urllib` do.

An image with TLS has a `tls` of its own in C, which no file can stand in front of; a name in
`sys.modules` can. `install` puts this module there, and nothing is loaded before somebody asks it
for something.
"""

import sys


def __getattr__(name):
    from .tls import SSLContext  # noqa: F401 - the module is wanted

    return getattr(sys.modules["uipy.sock.tls"], name)


def install():
    """`import tls` finds this module from now on."""
    sys.modules.setdefault("tls", sys.modules[__name__])
