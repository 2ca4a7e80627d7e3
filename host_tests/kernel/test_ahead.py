"""Requests sent ahead: the kernel sends them in one flight, and nothing of it twice."""

import socket
import struct
import threading

import pytest
from apps.test_http import Answer, get

AGENT = b"User-Agent: curl/8.5.0\r\nAccept: */*"
_TOTAL_RETRANS = 100  # where struct tcp_info has tcpi_total_retrans


def answers(s, n, limit=60):
    """The statuses of n answers, and how many segments the kernel sent again."""
    s.settimeout(limit)
    got = b""
    found = []
    while len(found) < n:
        more = s.recv(65536)
        if not more:
            break
        got += more
        while b"\r\n\r\n" in got:
            try:
                answer = Answer(got)
            except Exception:
                break
            if len(answer.body) < int(answer.fields["content-length"]):
                break
            found.append(answer.status)
            got = answer.rest
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return found, struct.unpack_from("I", info, _TOTAL_RETRANS)[0]


@pytest.mark.parametrize("name", ["cpython", "micropython-enc28j60"])
def test_twenty_requests_in_one_flight(lan, start, name):
    start(name)
    paths = [b"/status.json", b"/nothing", b"/metrics", b"/"] * 5
    with lan.connect(80) as s:
        s.sendall(b"".join(get(path, AGENT) for path in paths))
        found, again = answers(s, 20)
    assert found == [200, 404, 200, 200] * 5
    assert again == 0


def test_a_thousand_requests_follow_the_window(lan, start):
    start("cpython")
    with lan.connect(80) as s:
        text = get(b"/nothing", AGENT) * 1000
        threading.Thread(target=s.sendall, args=(text,), daemon=True).start()
        found, again = answers(s, 1000)
    assert found == [404] * 1000
    assert again == 0
