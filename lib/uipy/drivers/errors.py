"""Errors that a driver raises at construction; afterwards trouble is counted, never raised."""


class NoChip(Exception):
    """The chip does not answer as it should; the message names the pins and what was read."""
