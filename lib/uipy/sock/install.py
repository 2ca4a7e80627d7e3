"""Where a port has a `network` of its own in C, ours takes its place.

    from uipy.sock.install import install
    install()                       before anything imports network

MicroPython finds such a module before any file, but not before a name in `sys.modules`. `socket`
needs no help: a file comes before the port's own; but `usocket` is the port's own, whatever files
there are.
"""

import sys


def install():
    """`import network` and `import usocket` find ours from now on. Nothing happens on a port that
    has none.
    """
    if _built_in("network"):
        from .nic import LAN  # noqa: F401 - the module is wanted

        sys.modules["network"] = sys.modules["uipy.sock.nic"]
    if _built_in("usocket"):
        sys.modules["usocket"] = __import__("socket")


def _built_in(name):
    # Without a path MicroPython finds what is built in, and nothing else.
    path = list(sys.path)
    sys.path.clear()
    try:
        __import__(name)
    except ImportError:
        return False
    finally:
        sys.path.extend(path)
    return True
