"""Requests by the hundred for the kernels of apps/http_request.py, good ones and torn ones. Runs
on every Python, and prints what the kernels said, as one number, and of how many.
"""

from array import array

try:
    from uipy.apps.http_request import field, find_page, next_line, request_line
except ImportError:  # the joined form: one module for all applications
    from uipy.apps import field, find_page, next_line, request_line  # type: ignore[no-redef]

# Places in the row. The joined form has no names for them; test_request.py compares these.
ROW = {"AT": 0, "END": 1, "SIZE": 2, "LIMIT": 3, "STATUS": 5, "METHOD": 7, "PAGE": 8}
ROW.update(KEEP=11, BODY=12, WANTS=18)
PATHS = b"/\n/status.json\n/a\n\0"
LINE = 64
LIMIT = 400
PIECES = (
    b"GET", b"HEAD", b"POST", b"CONNECT", b"BREW", b"get", b"G(T", b"",
    b"/", b"/a", b"/status.json", b"/status.jso", b"/a?b", b"*", b"http://h/a", b"http://h", b"a",
    b"/" + b"a" * 48, b"/" + b"a" * 70,
    b"HTTP://h/%61?%2", b"hTTp://h?/a", b"/status%2Ejson", b"/%61%2", b"/%2fa",
    b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.9", b"HTTP/2.0", b"HTTX/1.1", b"HTTP/1.x", b"HTTP/1,1",
    b"Connection: close", b"connection: a, Keep-Alive", b"Connection: keep-alive, cLOSe",
    b"Accept: */*", b"X!#$%&'*+.^_`|~-0: y", b"Content-Length: 0", b"Content-Length: 17",
    b"Host: h", b"hOST:\th \t", b"Host:", b"Host: a b", b"Host: a/b", b"Host : a", b"Host: \x7f",
    b"content-length:", b"Content-Length: +1",
    b"Transfer-Encoding: chunked", b"nonsense", b": x",
    b" folded", b"A: b\rc", b"A: b\0c", b"A\r: b", b"Host" + b"t" * 80, b"Cookie: " + b"c" * 90,
    b"Host: " + b"h" * 70, b"X: " + b"y" * 56, b"X: " + b"y" * 59, b"X: " + b"y" * 60,
    b"n" * 62, b"n" * 63, b"n" * 64, b"n" * 65, b"n" * 62 + b"\r", b"n" * 63 + b"\r",
)  # fmt: skip
METHODS = (0, 8)
TARGETS = (8, 24)
VERSIONS = (24, 31)
FIELDS = (31, len(PIECES))


class Dice:
    """Numbers that are the same on every Python."""

    def __init__(self, seed):
        self.x = seed

    def roll(self, n):
        self.x = (self.x * 75 + 74) % 65537
        return (self.x >> 3) % n

    def one_of(self, span, usual):
        """A piece; three times of four one of the first few."""
        if self.roll(4):
            return PIECES[span[0] + self.roll(usual)]
        return PIECES[span[0] + self.roll(span[1] - span[0])]


def make(dice):
    """One request."""
    eol = b"\n" if dice.roll(8) == 0 else b"\r\n"
    text = eol * (dice.roll(9) == 0)
    words = [dice.one_of(METHODS, 3), dice.one_of(TARGETS, 4), dice.one_of(VERSIONS, 2)]
    if dice.roll(16) == 0:
        words.pop()
    text += b" ".join(words) + eol
    if dice.roll(6):
        text += b"Host: h" + eol
    for _ in range(dice.roll(5)):
        text += dice.one_of(FIELDS, 7) + eol
    text = bytearray(text + eol * (dice.roll(12) > 0))
    if dice.roll(4) == 0:
        text[dice.roll(len(text))] = dice.roll(256)
    return bytes(text)


def read(text, dice):
    """What the kernels make of it, in pieces of any length: (status, method, page, keep, body)."""
    row = array("H", bytes(2 * ROW["WANTS"] + 2))
    row[ROW["SIZE"]] = LINE
    row[ROW["LIMIT"]] = LIMIT
    line = bytearray(LINE)
    packet = bytearray(600)
    at = 0
    while at < len(text) and not row[ROW["STATUS"]]:
        n = min(len(text) - at, 1 + dice.roll((1, 7, 60, 600)[dice.roll(4)]))
        start = dice.roll(40)
        packet[start : start + n] = text[at : at + n]
        at += n
        row[ROW["AT"]] = start
        row[ROW["END"]] = start + n
        while next_line(row, line, packet):
            if row[ROW["METHOD"]]:
                field(row, line)
            else:
                request_line(row, line)
                find_page(row, line, PATHS)
    return tuple([row[ROW[name]] for name in ("STATUS", "METHOD", "PAGE", "KEEP", "BODY")])


def main(n):
    dice = Dice(1)
    total = 0
    for _ in range(n):
        for value in read(make(dice), dice):
            total = (total * 31 + value) % 1000003
    print(n, total)


if __name__ == "__main__":
    main(2000)
