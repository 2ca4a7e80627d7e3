"""A question and its answer over TCP, our FIN with the question: whois (RFC 3912)."""

from uipy import App
from uipy.loop import current

SERVER = "192.168.7.1"


class Question(App):
    """Collects the answer, up to `most` octets. `ended` is 'done' when all of it is there."""

    ended = None

    def __init__(self, most=2000):
        self.answer = b""
        self.most = most

    def received(self, conn, buf, start, n):
        self.answer += bytes(buf[start : start + min(n, self.most - len(self.answer))])

    def closed(self, conn, reason):
        self.ended = reason


def ask(server, port, text, seconds=10):
    """The answer to a question, as bytes. Raises OSError when there is none."""
    question = Question()
    with current() as loop:
        conn = loop.stack.connect(question, server, port)
        conn.finish(text)  # the FIN leaves with the last octet
    if not loop.until(lambda: question.ended, 1000 * seconds):
        with loop:
            conn.abort()
        raise OSError("no answer within %d s" % seconds)
    if question.ended != "done":
        raise OSError(question.ended)
    return question.answer


print(str(ask(SERVER, 43, "uipy.example\r\n"), "utf8"), end="")
