"""Boards that find each other: a question to everybody, answers from who hears it."""

import socket

import network
from uipy import UdpApp
from uipy.loop import current

PORT = 5005
QUESTION = b"who is there?"


class Answer(UdpApp):
    """Says its name to who asks. The answer is written where the question lies."""

    def received(self, port, buf, start, n):
        if n != len(QUESTION) or bytes(buf[start : start + n]) != QUESTION:
            return None  # none of ours: no answer
        name = network.hostname().encode()
        buf[start : start + len(name)] = name
        return len(name)


def look(seconds=1, most=16):
    """(address, name) of everybody who answers, until nobody has for so long."""
    found = []
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.settimeout(seconds)
        s.sendto(QUESTION, ("255.255.255.255", PORT))
        while len(found) < most:
            name, who = s.recvfrom(100)
            found.append((who[0], str(name, "utf8")))
    except OSError:  # ETIMEDOUT: nobody more
        pass
    finally:
        s.close()
    return found


with current() as loop:
    loop.stack.bind(PORT, Answer())
for address, name in look():
    print(address, "is", name)
