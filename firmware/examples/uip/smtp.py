"""uIP's SMTP client, carried over: sends one mail, and says how it went.

smtp = Smtp(stack, '192.168.1.9', b'board.local')
smtp.send(b'to@example.org', None, b'board@example.org', b'Alarm', b'The door is open.', done)
    .venv/bin/python tools/boards/playground.py firmware/examples/uip/smtp.py
    (on that wire nobody takes mail: it says so)

done(error)   error: 0 sent; 'closed', 'aborted', 'timedout', or the server's answer
"""

from uipy.compat.psock import Psock
from uipy.compat.uip import Uip, uip_aborted, uip_closed, uip_conn, uip_connected, uip_timedout

ISO_NL = 10


class State:
    """struct smtp_state"""

    def __init__(self, to, cc, sender, subject, msg, done):
        self.p = Psock(100)
        self.to = to
        self.cc = cc
        self.sender = sender
        self.subject = subject
        self.msg = msg
        self.done = done
        self.connected = False

    def finish(self, error):
        if self.done:
            done, self.done = self.done, None
            done(error)


class Smtp:
    """smtp_init and smtp_configure: the mail server, and the name that we give ourselves."""

    def __init__(self, stack, server, localhostname, port=25):
        self.uip = Uip(stack, self.appcall)
        self.server = server
        self.port = port
        self.localhostname = localhostname

    def send(self, to, cc, sender, subject, msg, done):
        """SMTP_SEND. The octets must not change until `done(error)` was called."""
        conn = self.uip.connect(self.server, self.port)
        conn.appstate = State(to, cc, sender, subject, msg, done)

    def appcall(self):
        s = uip_conn().appstate
        if uip_connected():
            s.p.start(self.thread(s))
        if uip_aborted():
            s.finish("aborted")
        elif uip_timedout():
            s.finish("timedout")
        else:
            s.p.run()
            if uip_closed() and s.done:
                s.finish("closed")

    def thread(self, s):
        """smtp_thread"""
        if not (yield from self.expect(s, b"2")):
            return
        steps = [(b"HELO " + self.localhostname, b"2"), (b"MAIL FROM:<" + s.sender + b">", b"2")]
        steps.append((b"RCPT TO:<" + s.to + b">", b"2"))
        if s.cc:
            steps.append((b"RCPT TO:<" + s.cc + b">", b"2"))
        steps.append((b"DATA", b"3"))
        for line, answer in steps:
            yield from s.p.send(line + b"\r\n")
            if not (yield from self.expect(s, answer)):
                return
        yield from s.p.send(b"To: " + s.to + b"\r\n")
        if s.cc:
            yield from s.p.send(b"Cc: " + s.cc + b"\r\n")
        yield from s.p.send(b"From: " + s.sender + b"\r\nSubject: " + s.subject + b"\r\n\r\n")
        yield from s.p.send(s.msg)
        yield from s.p.send(b"\r\n.\r\n")
        if not (yield from self.expect(s, b"2")):
            return
        yield from s.p.send(b"QUIT\r\n")
        s.finish(0)
        s.p.close()

    def expect(self, s, code):
        """Reads the server's answer; the lines before the last have a '-' behind the code (RFC
        5321 4.2.1)."""
        while True:
            yield from s.p.readto(ISO_NL)
            line = s.p.data()
            if len(line) < 4 or line[3] != 45:
                break
        if line[:1] == code:
            return True
        s.finish(line.strip() or "closed")
        s.p.close()
        return False


def start(stack, server="192.168.7.1"):
    """Sends a mail, says how it went, and ends."""

    def done(error):
        print("mail by %s: %s" % (server, error or "sent"))
        raise SystemExit(1 if error else 0)

    smtp = Smtp(stack, server, b"board.local")
    smtp.send(b"to@example.org", None, b"board@example.org", b"Alarm", b"The door is open.", done)


if __name__ == "__main__":
    import example

    example.run(start)
