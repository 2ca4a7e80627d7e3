"""MicroPython's `network` on uipy: what a program imports by this name (uipy/sock/nic.py).

It belongs where the board finds it before its own: frozen, or in the root of its file system.
"""

from uipy.sock.nic import (  # noqa: F401
    AP_IF,
    LAN,
    PHY_ENC28J60,
    PHY_W5100S,
    PHY_W5500,
    PHY_W6100,
    STA_IF,
    STAT_CONNECT_FAIL,
    STAT_CONNECTING,
    STAT_GOT_IP,
    STAT_IDLE,
    STAT_NO_AP_FOUND,
    STAT_WRONG_PASSWORD,
    WIZNET5K,
    WLAN,
    country,
    hostname,
    ipconfig,
    route,
)
