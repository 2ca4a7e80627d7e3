"""uIP's hello-world, carried over: asks for a name on port 1000 and greets.

    .venv/bin/python tools/boards/playground.py firmware/examples/uip/hello_world.py
    and: nc 127.0.0.1 10000

    on a board:  from hello_world import hello_world_init; hello_world_init(stack)
    here:        host_tests/interop/test_uip_apps.py, against Linux

In C                                        here
    PSOCK_BEGIN(&s->p)                          def handle_connection(s):
    PSOCK_SEND_STR(&s->p, "...")                yield from s.p.send(b"...")
    PSOCK_READTO(&s->p, '\\n')                   yield from s.p.readto(10)
    strncpy(s->name, s->inputbuffer, ...)       s.name = s.p.data()
    PSOCK_CLOSE(&s->p); PSOCK_END(&s->p)        s.p.close()
"""

from uipy.compat.psock import Psock
from uipy.compat.uip import Uip, uip_conn, uip_connected


class State:
    """struct hello_world_state"""

    def __init__(self):
        self.p = Psock(10)
        self.name = b""


def hello_world_init(stack, conns=4):
    """uip_listen(HTONS(1000))"""
    Uip(stack, hello_world_appcall, conns).listen(1000)


def hello_world_appcall():
    conn = uip_conn()
    if conn.appstate is None:
        conn.appstate = State()
    s = conn.appstate
    if uip_connected():
        s.p.start(handle_connection(s))
    s.p.run()


def handle_connection(s):
    yield from s.p.send(b"Hello. What is your name?\n")
    yield from s.p.readto(10)
    s.name = s.p.data().strip()
    yield from s.p.send(b"Hello " + s.name + b"\n")
    s.p.close()


if __name__ == "__main__":
    import example

    example.run(hello_world_init, 1000)
