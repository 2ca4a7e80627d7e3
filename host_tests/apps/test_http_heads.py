"""The head of an answer has a place in the request's line buffer, however short that is asked
for."""

import pytest
from apps.fakes import FakeConn
from uipy.apps.http_reply import REASONS, write_head
from uipy.apps.site import Page, Site

LINES = [0, 1, 50, 112, 113, 127, 128, 256]
BAD = {
    400: b"nonsense\r\n\r\n",
    404: b"GET /none HTTP/1.1\r\nHost: b\r\n\r\n",
    405: b"PUT / HTTP/1.1\r\nHost: b\r\n\r\n",
    431: b"GET / HTTP/1.1\r\nHost: b\r\n" + b"X: y\r\n" * 2000,
    501: b"BREW / HTTP/1.1\r\nHost: b\r\n\r\n",
    505: b"GET / HTTP/2.0\r\nHost: b\r\n\r\n",
}


def reason_of(status) -> bytes:
    reason = REASONS[REASONS.index(status) + 1]
    assert isinstance(reason, bytes)
    return reason


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("status", BAD)
def test_answer_of_a_site_with_a_short_line_has_no_octet_but_its_own(line, status):
    """The head is all text, and the body what the head promises."""
    site = Site(line=line)
    if line >= 200:
        site.add("/", Page(b"hello"))
    conn = FakeConn(site())
    conn.feed(BAD[status])
    conn.pump()
    head, body = conn.sent.split(b"\r\n\r\n", 1)
    reason = reason_of(404 if status == 405 and not site.pages else status)
    assert head.startswith(b"HTTP/1.1 " + reason[:-1]) and body == reason
    assert all(32 <= c < 127 or c in b"\r\n" for c in head)


@pytest.mark.parametrize("last", [b"keep-alive\r\n\r\n\0", b"close\r\n\r\n\0"])
@pytest.mark.parametrize("status", REASONS[::2])
def test_longest_head_fits_the_room_that_every_site_has(status, last):
    """The longest Content-Length, and the fields that a site gives its errors."""
    fields = b"text/plain\r\n\0"
    if status == 405:
        fields = b"text/plain\r\nAllow: GET, HEAD\r\n\0"
    elif status == 503:
        fields = b"text/plain\r\nRetry-After: 1\r\n\0"
    elif status == 200:
        fields = b"\r\n\0"  # Site.add looks at the room for those of a page
    head = bytearray(b"\xee" * 300)
    reason = reason_of(status)
    size = 2**30 - 1 if status == 200 else len(reason)
    n = write_head(head, reason, size, fields, last)
    assert n <= Site(line=0).line and head[n:] == b"\xee" * (300 - n)
