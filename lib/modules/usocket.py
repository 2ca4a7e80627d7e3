"""`socket` by the name that it had once: old umqtt, urequests."""

import socket


def __getattr__(name):
    return getattr(socket, name)
