"""Sockets on the stack: what a program that imports `socket` finds (docs/socket.md).

face.py     class socket: blocking, timeouts, what a stream has; the only place that waits
tcp.py      the endpoints of TCP: a connection with a ring each way, and a listener with its queue
udp.py      the endpoint of UDP: a queue of datagrams
names.py    getaddrinfo
numbers.py  the constants
"""
