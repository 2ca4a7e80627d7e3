"""What lies between a board and whoever talks to it.

    pump.py         the loop that joins the two ends of a wire
    wire.py         the wire: seeded loss, reordering, delay, rate
    media.py        frames of Linux: a TAP, or one end of a veth pair
    lan.py          the Linux kernel as the peer, in a network namespace
    sliprelay.py    a serial line that speaks SLIP, joined to a TUN
    gateway.py      the way from 127.0.0.1 to a board, without root
    outward.py      and back: servers of this machine, for a program on the board
    router.py       and what else a home's router has: DHCP, and the time
    netsim.py       many stacks, bad links and simulated time
    recorder.py     frames into a file for Wireshark
    null.py         the device that receives nothing

null.py runs under MicroPython too.
"""
