"""Discard Protocol (RFC 863)."""

from ..app import App


class Discard(App):
    """Takes everything, answers nothing, closes when the client does."""
