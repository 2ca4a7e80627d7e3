"""The target of a request: its forms (RFC 9112 3.2), and the ways to write one path (RFC 3986)."""

import pytest
from apps.fakes import FakeConn
from uipy.apps.site import Page, Site

PATHS = ("/", "/status.json", "/a-b_c~d", "/x%2Fy", "/A", "/a%20b")


def ask(target, method=b"GET"):
    """The body that this target gets, None for a status that is not 200."""
    site = Site()
    for path in PATHS:
        site.add(path, Page(b"page " + path.encode()))
    conn = FakeConn(site())
    conn.feed(method + b" " + target + b" HTTP/1.1\r\nHost: b\r\n\r\n")
    conn.pump()
    head, body = conn.sent.split(b"\r\n\r\n", 1)
    return body if head.startswith(b"HTTP/1.1 200 ") else int(head.split()[1])


@pytest.mark.parametrize("scheme", [b"http", b"HTTP", b"Http", b"hTTp"])
@pytest.mark.parametrize(
    "rest, path",
    [
        (b"://board/", b"/"),
        (b"://board", b"/"),
        (b"://board:80/status.json?x=1", b"/status.json"),
        (b"://b", b"/"),
        (b"://b?x=/A", b"/"),
        (b"://board/A", b"/A"),
    ],
)
def test_scheme_may_be_written_in_any_case(scheme, rest, path):
    """RFC 3986 3.1: "An implementation should accept uppercase letters as equivalent"."""
    assert ask(scheme + rest) == b"page " + path


@pytest.mark.parametrize(
    "target", [b"ftp://board/", b"https://b/", b"http:/b/", b"HTTP//b/", b"xhttp://b/", b"*"]
)
def test_what_is_no_http_target_is_a_bad_request(target):
    assert ask(target) == 400


@pytest.mark.parametrize(
    "target, path",
    [
        (b"/status%2ejson", b"/status.json"),
        (b"/status%2Ejson", b"/status.json"),
        (b"/%73tatus.jso%6e", b"/status.json"),
        (b"/%73%74%61%74%75%73%2e%6a%73%6f%6e?%2e", b"/status.json"),
        (b"/a%2db%5fc%7Ed", b"/a-b_c~d"),
        (b"/%41", b"/A"),
        (b"HTTP://board/status%2ejson", b"/status.json"),
        (b"/x%2Fy", b"/x%2Fy"),
        (b"/a%20b", b"/a%20b"),
    ],
)
def test_octet_that_needs_no_percent_may_have_one(target, path):
    """RFC 3986 2.3, 6.2.2.2: letters, digits, "-", ".", "_" and "~" mean the same either way."""
    assert ask(target) == b"page " + path


@pytest.mark.parametrize(
    "target",
    [
        b"/x/y",  # "%2F" is data, "/" is not (RFC 3986 2.2)
        b"/%2Fx%2Fy",
        b"/%61",  # "a" is not "A"
        b"/status%2",
        b"/status%",
        b"/status%2gjson",
        b"/status%g2json",
        b"/status%252ejson",  # decoded once
        b"/%3f",
        b"/%00",
        b"/%",
        b"/%4",
        b"/status.jso%6",
    ],
)
def test_other_octets_are_what_they_are(target):
    assert ask(target) == 404


def test_percent_in_a_target_does_not_reach_behind_it():
    """The target ends with "%4"; what stands behind it is the version."""
    assert ask(b"/%4") == 404
    assert ask(b"/%41%") == 404
