"""Errors that a caller can make; each says what to do. The wire never raises any of them."""


class Error(Exception):
    """Base of every error that uipy raises."""


class NotConnected(Error):
    """The connection has ended (or its row serves another one now)."""


class Busy(Error):
    """A source is still running on this connection; wait for `acked` until `conn.sending` is
    false."""


class Reentered(Error):
    """`poll`, `input` or `output` was called from a callback or an interrupt; set a flag
    instead."""


class SourceChanged(Error):
    """A source gave other bytes for an offset than before; take a snapshot of what changes."""


class TableFull(Error):
    """A fixed table has no free row; give it more rows at construction."""


class BadAddress(Error):
    """Not an address that can be used here."""


class NoEntropy(Error):
    """This port has no os.urandom: give `Stack(key=...)` 8 octets that differ with each boot and
    cannot be guessed."""
