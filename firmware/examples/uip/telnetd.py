"""uIP's telnetd and its shell, carried over: a prompt on port 23 with `help`, `stats`, `conn` and
`exit`.

The structure is the original's: a handful of lines wait to be sent, each appcall looks at the
events in the old order (connected, closed, acked, newdata, rexmit/newdata/acked/connected/poll ->
senddata), and there are no protosockets.

    .venv/bin/python tools/boards/playground.py firmware/examples/uip/telnetd.py
    and: telnet 127.0.0.1 9023
"""

from uipy.compat.uip import (
    Uip,
    uip_acked,
    uip_appdata,
    uip_close,
    uip_closed,
    uip_conn,
    uip_connected,
    uip_newdata,
    uip_poll,
    uip_rexmit,
    uip_send,
)

NUMLINES = 25
LINELEN = 40

STATE_NORMAL = 0
STATE_IAC = 1  # a telnet command: this octet and one more are skipped
STATE_OPTION = 2
STATE_CLOSE = 3

IAC = 255
IAC_WILL = 251
IAC_DONT = 254


class State:
    """struct telnetd_state"""

    def __init__(self):
        self.lines = []
        self.buf = b""
        self.sent = b""
        self.state = STATE_NORMAL


class Telnetd:
    """telnetd_init: listens on port 23 and runs the shell's commands on `stack`."""

    def __init__(self, stack, port=23, conns=2):
        self.stack = stack
        self.commands = {
            b"help": self.help,
            b"stats": self.stats,
            b"conn": self.conns,
            b"exit": None,
        }
        Uip(stack, self.appcall, conns).listen(port)

    def appcall(self):
        conn = uip_conn()
        if uip_connected():
            conn.appstate = State()
            self.start(conn.appstate)
        s = conn.appstate
        if s is None:
            return
        if s.state == STATE_CLOSE:
            s.state = STATE_NORMAL
            uip_close()
            return
        if uip_closed():
            uip_close()
        if uip_acked():
            self.acked(s)
        if uip_newdata():
            self.newdata(s)
        if uip_rexmit() or uip_newdata() or uip_acked() or uip_connected() or uip_poll():
            self.senddata(s)

    def start(self, s):
        """shell_start"""
        self.output(s, b"uipy command shell")
        self.output(s, b"Type 'help' for a list of the commands")
        self.prompt(s)

    def prompt(self, s):
        s.lines.append(b"uipy> ")

    def output(self, s, text):
        if len(s.lines) < NUMLINES:
            s.lines.append(text + b"\r\n")

    def acked(self, s):
        if s.sent:
            s.sent = b""
            if s.lines:
                s.lines.pop(0)

    def senddata(self, s):
        if s.lines:
            s.sent = s.lines[0]
            uip_send(s.sent)

    def newdata(self, s):
        for c in uip_appdata():
            if s.state == STATE_OPTION:
                s.state = STATE_NORMAL
            elif s.state == STATE_IAC:
                s.state = STATE_OPTION if IAC_WILL <= c <= IAC_DONT else STATE_NORMAL
            elif c == IAC:
                s.state = STATE_IAC
            elif c == 10:
                self.input(s, s.buf.strip())
                s.buf = b""
            elif len(s.buf) < LINELEN:
                s.buf += bytes((c,))

    def input(self, s, line):
        """shell_input"""
        command = self.commands.get(line, self.unknown)
        if command is None:
            s.state = STATE_CLOSE
            s.lines = []
            uip_close()
            return
        if line:
            command(s)
        self.prompt(s)

    def help(self, s):
        self.output(s, b"Available commands:")
        for name in (b"stats - counters", b"conn  - connections", b"exit  - leaves"):
            self.output(s, name)

    def stats(self, s):
        for name, value in self.stack.counters():
            if value:
                self.output(s, b"%s %d" % (name.encode(), value))

    def conns(self, s):
        for c in self.stack.tcp.conns:
            if c.state:
                self.output(s, b"%d %s" % (c.lport, c.state_name.encode()))

    def unknown(self, s):
        self.output(s, b"Unknown command")


if __name__ == "__main__":
    import example

    example.run(Telnetd, 23)
