"""uIP's layer under MicroPython: two stacks on a cable, one with an appcall and one with a
protosocket."""

import uipy.compat.uip as uip
from uipy import Stack
from uipy.compat.psock import Psock
from uipy.compat.uip import Uip


class End:
    """One end of a cable."""

    l2, mtu, mac = 0, 600, b""

    def __init__(self):
        self.rx, self.far, self.drop = [], None, 0

    def recv_into(self, buf):
        if not self.rx:
            return 0
        frame = self.rx.pop(0)
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def can_send(self):
        return True

    def send(self, buf, n):
        if self.drop:
            self.drop -= 1
        else:
            self.far.rx.append(bytes(buf[2 : 2 + n]))

    def link_up(self):
        return True


a, b = End(), End()
a.far, b.far = b, a
server = Stack(a, ip="10.0.0.1/24", udp=0, key=b"12345678", now=0)
client = Stack(b, ip="10.0.0.2/24", udp=0, key=b"87654321", now=0)
made = []
said = []


def talk(s):
    yield from s.readto(10)
    name = s.data()

    def make(n):
        if not made:
            a.drop = 1  # the first copy is lost
        made.append(n)
        return b"Hello " + name[: n + 1]

    yield from s.generator_send(make, 3)
    s.close()


def serve():
    c = uip.uip_conn()
    if uip.uip_connected():
        c.appstate = Psock(20)
        c.appstate.start(talk(c.appstate))
    c.appstate.run()


def ask():
    if uip.uip_connected():
        uip.uip_send(b"Adam\n")
    if uip.uip_newdata():
        said.append(uip.uip_appdata())
        uip.uip_stop()
        said.append(uip.uip_conn().conn.room)
    if uip.uip_closed():
        uip.uip_close()


Uip(server, serve, 1).listen(1000)
Uip(client, ask).connect("10.0.0.1", 1000)
now = 0
for _ in range(400):
    for stack in (server, client):
        stack.poll(now)
    now += 10
print(said[0], "stop", said[1], "rexmit", made)
