"""The laboratory: a board on a virtual clock, and others on its wire who are played by hand.

    packets.py      frames, made and judged octet by octet
    net.py          the wire, its clock, and a Station on it: ARP, IP, ICMP, UDP
    tcp.py          a Lab with a Peer for each connection: TCP
    end.py          what Station and Peer have in common: one end of a connection
    pythons.py      scripts on MicroPython, 64 and 32 bits
    framelog.py     records what every stack was given, for the replay on MicroPython

../README.md says how a test is written with them.
"""
