"""`import socket` on a board: docs/socket.md."""

from uipy.sock.door import install as _door
from uipy.sock.face import socket  # noqa: F401
from uipy.sock.names import getaddrinfo  # noqa: F401

# uipy/sock/numbers.py, whose names are gone on a board
AF_INET = 2
AF_INET6 = 10
SOCK_STREAM = 1
SOCK_DGRAM = 2
SOCK_RAW = 3
IPPROTO_IP = 0
IPPROTO_TCP = 6
IPPROTO_UDP = 17
SOL_SOCKET = 1
SO_REUSEADDR = 0x04
SO_KEEPALIVE = 0x08
SO_BROADCAST = 0x20
SO_LINGER = 0x80
SO_SNDBUF = 0x1001
SO_RCVBUF = 0x1002
SO_ERROR = 0x1007
SO_TYPE = 0x1008
TCP_NODELAY = 0x40
IP_MULTICAST_TTL = 5
IP_ADD_MEMBERSHIP = 0x400
IP_DROP_MEMBERSHIP = 0x401
MSG_PEEK = 0x01
MSG_DONTWAIT = 0x02
SHUT_RD = 0
SHUT_WR = 1
SHUT_RDWR = 2

_door()  # to `tls`
