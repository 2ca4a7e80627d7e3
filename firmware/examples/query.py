"""A client that asks one question, says at once that it has no other (its FIN leaves with the last
octet of the question), and still gets the whole answer: half-close as TCP means it.

    .venv/bin/python firmware/examples/query.py --drop 10
    on a Pico (SERVER is then any web server in its network):
        mpremote mount firmware/examples run firmware/examples/query.py
"""

import example
from uipy import App, Bytes

SERVER, PORT = "192.168.7.1", 80
QUESTION = "GET /status.json HTTP/1.1\r\nHost: " + SERVER + "\r\n\r\n"


class Query(App):
    def received(self, conn, buf, start, n):
        print(bytes(buf[start : start + n]).decode(), end="")

    def closed(self, conn, reason):
        print("\n[%s]" % reason)
        raise SystemExit(reason != "done")


def start(stack):
    conn = stack.connect(Query(), SERVER, PORT)
    conn.finish(Bytes(QUESTION))


example.run(start)
