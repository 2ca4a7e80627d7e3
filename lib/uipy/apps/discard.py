"""Discard Protocol (RFC 863)."""

from ..app import App


class Discard(App):
    """Takes everything, answers nothing, closes when the client does."""

    keepalive_s = 300  # a client that has vanished does not stay for ever

    def connected(self, conn):
        conn.keepalive_s = self.keepalive_s
