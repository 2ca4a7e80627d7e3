"""The kernels of apps/http_request.py against the grammar of RFC 9110 and 9112, written down again
with regular expressions; and the same answers on every Python.
"""

import re
from collections import Counter
from pathlib import Path

import pytest
from apps.requests import LIMIT, LINE, PATHS, ROW, Dice, main, make, read
from lab.pythons import run_unix, run_wasm
from uipy.apps import http_request

SCRIPT = Path(__file__).with_name("requests.py")
METHODS = b"GET HEAD POST PUT DELETE OPTIONS PATCH TRACE CONNECT".split()
TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST = re.compile(rb"(%s) ([\x21-\x7e]+) (HTTP/([0-9])\.([0-9]))" % TOKEN)
PLAIN = re.compile(rb"%(2[dDeE]|3\d|[46][1-9a-fA-F]|[57][\daA]|5[fF]|7[eE])")
FIELD = re.compile(rb"(%s):[ \t]*(.*?)[ \t]*" % TOKEN, re.DOTALL)


class Oracle:
    """Reads a request as a whole; `answer()` is what the kernels should say."""

    def __init__(self, text):
        self.status = self.method = self.page = self.keep = self.body = 0
        self.minor = self.hosts = 0
        self.length = None
        at = 0
        while at < len(text) and not self.status:
            end = text.find(b"\n", at) + 1 or len(text)
            whole = text[end - 1 : end] == b"\n"
            self._line(text[at:end], whole, end)
            at = end

    def answer(self):
        return (self.status, self.method, self.page, self.keep, self.body)

    def _line(self, line, whole, total):
        kept = line[:LINE]
        if not self.method and len(line) > LINE:
            self.status = 414 if kept.find(b" ") > 0 else 400
        elif total > LIMIT:
            self.status = 431
        elif whole:
            kept = kept.removesuffix(b"\n").removesuffix(b"\r")
            if b"\r" in kept or b"\0" in kept:
                self.status = 400
            elif not self.method:
                self._request_line(kept)
            elif kept:
                self._field(kept, len(line))
            else:
                self._end()

    def _request_line(self, line):
        if not line:
            return
        # A method that is right is known, so that HEAD is not given the text of an error.
        found = re.match(rb"(%s) [\x21-\x7e]+ " % TOKEN, line)
        if found:
            self.method = METHODS.index(found[1]) + 1 if found[1] in METHODS else 10
        found = REQUEST.fullmatch(line)
        if not found:
            self.status = 400
        elif found[4] != b"1":
            self.status = 505
        else:
            self.minor = int(found[5])
            self.keep = int(self.minor > 0)
            self._target(found[2])

    def _target(self, target):
        if target[:7].lower() == b"http://":
            target = b"/" + target[7:].partition(b"?")[0].partition(b"/")[2]
        elif not target.startswith(b"/"):
            self.status = 400 if self.method <= 2 else 0
            target = b"/"
        paths = PATHS[:-1].split(b"\n")[:-1]
        path = PLAIN.sub(lambda m: bytes([int(m[1], 16)]), target.partition(b"?")[0])
        self.page = paths.index(path) + 1 if path in paths else 0

    def _field(self, line, n):
        if b":" not in line and n > len(line) + 2:
            self.status = 431
            return
        found = FIELD.fullmatch(line)
        if not found:
            self.status = 400
            return
        name, value = found[1].lower(), found[2]
        if name == b"host":
            self.hosts += 1
            if self.hosts > 1 or not re.fullmatch(rb"[\x21-\x7e]*", value):
                self.status = 400
            if re.search(rb"[/?#@,\\]", value):
                self.status = 400
        elif name == b"connection":
            if b"close" in value.lower():
                self.keep = 0
            elif not self.minor and b"keep-alive" in value.lower():
                self.keep = 1
        elif name == b"content-length":
            if self.length is not None or not value.isdigit():
                self.status = 400
            self.length = value
            self.body |= int(bool(re.search(rb"[1-9]", value)))
        elif name == b"transfer-encoding":
            self.body = 1
            if self.length is not None and self.length != b"":
                self.status = 400
            self.length = b""
        else:
            return
        if n > LINE and not self.status:
            self.status = 431

    def _end(self):
        if self.minor and not self.hosts:
            self.status = 400
        elif self.method == 10:
            self.status = 501
        elif not self.page:
            self.status = 404
        else:
            self.status = 200 if self.method <= 2 else 405


def test_the_kernels_agree_with_the_grammar():
    dice, seen = Dice(7), Counter()
    for _ in range(6000):
        text = make(dice)
        wanted = Oracle(text).answer()
        assert read(text, dice) == wanted, text
        seen[wanted[0]] += 1
    for status in (0, 200, 400, 404, 405, 414, 431, 501, 505):
        assert seen[status] > 5, seen


@pytest.mark.parametrize("octet", range(256))
def test_each_octet_in_a_name_a_method_a_target_and_a_host(octet):
    o, dice = bytes([octet]), Dice(3)
    for text in (
        b"G%sT / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /%sa HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.%s\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\na%sb: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h%sh\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0%s0\r\n\r\n",
    ):
        assert read(text % o, dice) == Oracle(text % o).answer(), text % o


@pytest.mark.parametrize("which", ["32 bits", "viper"])
def test_every_python_gives_the_same_answers(which, capsys):
    main(2000)
    wanted = capsys.readouterr().out
    said = run_wasm(SCRIPT) if which == "32 bits" else run_unix(SCRIPT)
    assert said == wanted


def test_the_places_in_the_row_are_those_of_the_kernels():
    assert {name: getattr(http_request, name) for name in ROW} == ROW
