"""uipy: a memory-frugal TCP/IP stack for boards with a bare Ethernet chip, and for anything else
that carries frames.

The public names; each is imported when it is first used, so that what a board does not use takes
no RAM.
"""

__version__ = "0.1.0"

_HOME = {
    "Stack": "stack",
    "App": "app",
    "UdpApp": "net.udp",
    "Groups": "net.igmp",
    "Acd": "net.acd",
    "Reassembly": "net.reassembly",
    "Redirects": "net.redirect",
    "Source": "source",
    "Bytes": "source",
    "File": "source",
    "Chain": "source",
    "Ring": "ring",
    "Error": "errors",
    "BadAddress": "errors",
    "Busy": "errors",
    "NoChip": "drivers.errors",
    "NoEntropy": "errors",
    "NotConnected": "errors",
    "Reentered": "errors",
    "SourceChanged": "errors",
    "TableFull": "errors",
}


def __getattr__(name):
    # A module too: MicroPython asks here for `from . import ring` before it looks for the file.
    home = _HOME.get(name)
    try:
        value = __import__("uipy." + (home or name), None, None, (name,))
    except ImportError:
        if home:  # on this board a file is missing; its name is in the message
            raise
        raise AttributeError(name)
    if home:
        value = getattr(value, name)
    globals()[name] = value
    return value
