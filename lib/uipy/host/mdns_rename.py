"""Our name in `.local` becomes another one while the board runs (RFC 6762 8.4, 10.1).

    rename(mdns, "cellar")

Those who know the old name are told that it is gone; the new one is then probed as at the start,
and all services go by it.
"""

from .. import Error
from ..kern import zero
from .mdns import DOWN, LEAVE
from .mdns_text import label_of


def rename(mdns, name):
    """`mdns` is to be called `name`: text of 1 to 58 octets. Returns at once; `mdns.name` is the
    new one when the goodbye has left. Raises `Error`."""
    if mdns.state >= LEAVE and not mdns.later:
        raise Error("it was closed: make another Mdns")
    mdns.later = label_of(name)
    mdns.close()


def again(mdns):
    """The goodbye has left."""
    label = mdns.later
    mdns.later = None
    mdns.records.call(label)
    mdns.base = label[0]
    mdns.number = 1
    mdns.trouble = mdns.clashes = 0
    mdns.told = False
    zero(mdns.said, 0, len(mdns.said))
    mdns.state = DOWN
    mdns.stack.wake_up()
