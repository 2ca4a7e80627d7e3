"""Bodies over the Linux kernel's TCP: curl and Python's http.client put, post, wait for a 100 and
send ahead."""

import hashlib
import http.client
import os
import random
import socket
import subprocess

import pytest
from interop.lab import BOARD, Board, alone, kernel
from uipy.apps import Page, Site
from uipy.web import Basic, Handler, Routes

BIG = os.urandom(200_000)
URL = "http://" + BOARD


class Upload(Handler):
    """Answers with the SHA-256 of what was sent."""

    methods = "PUT POST"
    kept = False
    limit = 300_000

    def begin(self, req):
        req.data = hashlib.sha256()

    def received(self, req, buf, start, n):
        req.data.update(buf[start : start + n])

    def answer(self, req):
        return req.data.hexdigest(), 201, {"Location": "/upload/7"}


class Board80(Board):
    """Serves."""

    def __init__(self, **more):
        Board.__init__(self, **more)
        site = Site()
        site.add("/", Page(b"<p>root</p>" * 300))
        web = self.web = Routes(site)
        web.route("/upload", Upload())
        web.route("/form", lambda r: "%s|%s" % (r.form("a"), r.form("b")), "POST", limit=2000)
        web.route("/led/{n:int}", lambda r: 204, "DELETE")
        web.route("/echo/{n}", lambda r: "%s %s" % (r.arg("n"), r.query("q", "-")))
        web.guard("/echo/secret", Basic("admin", "pass word"))
        self.stack.listen(80, site, 4)


def curl(board, *args):
    """What curl prints: the body, then the status."""

    def run():
        command = ["curl", "-s", "-S", "--max-time", "60", "-w", " %{http_code}", *args]
        return subprocess.run(command, check=True, capture_output=True).stdout.decode()

    client = kernel(run)
    board.run(client, seconds=90)
    return client.result


@alone
def test_curl_posts_a_form_and_deletes():
    board = Board80()
    said = curl(board, "-d", "a=1", "--data-urlencode", "b=x & y", URL + "/form")
    assert said == "1|x & y 200"
    assert curl(board, "-X", "DELETE", URL + "/led/3") == " 204"
    assert curl(board, "-X", "DELETE", URL + "/led/x").endswith(" 404")
    assert curl(board, URL + "/echo/a%20b?q=%C3%A9") == "a b é 200"
    assert curl(board, "-X", "PATCH", URL + "/led/3").endswith(" 405")
    assert curl(board, "-d", "x" * 3000, URL + "/form").endswith(" 413")


@alone
@pytest.mark.parametrize("how", ["length", "chunked", "expect", "expect chunked"])
def test_curl_uploads(how, tmp_path):
    file = tmp_path / "big"
    file.write_bytes(BIG)
    board = Board80()
    args = ["-T", str(file)]
    if "chunked" in how:
        args += ["-H", "Transfer-Encoding: chunked"]
    args += ["-H", "Expect: 100-continue" if "expect" in how else "Expect:"]
    said = curl(board, *args, URL + "/upload")
    assert said == hashlib.sha256(BIG).hexdigest() + " 201"
    sent = b"".join(seg.data for way, seg in board.segments("out"))
    assert (b"100 Continue" in sent) == ("expect" in how)


@alone
def test_curl_is_told_that_it_is_too_much_before_it_sends(tmp_path):
    file = tmp_path / "big"
    file.write_bytes(BIG * 2)
    board = Board80()
    said = curl(board, "-T", str(file), "-H", "Expect: 100-continue", URL + "/upload")
    assert said.endswith(" 413")
    got = sum(len(seg.data) for way, seg in board.segments("in"))
    assert got < 20_000


@alone
def test_curl_knows_the_password():
    board = Board80()
    assert curl(board, URL + "/echo/secret") == "Unauthorized 401"
    assert curl(board, "-u", "admin:pass word", URL + "/echo/secret").endswith(" 200")
    assert curl(board, "-u", "admin:password", URL + "/echo/%73ecret").endswith(" 401")


@alone
def test_http_client_keeps_its_connection_through_bodies_of_each_kind():
    board = Board80()

    def talk():
        conn = http.client.HTTPConnection(BOARD, timeout=60)
        seen = []
        for n, chunked in ((0, False), (10, True), (5000, False), (70_000, True), (0, True)):
            data = BIG[:n]
            body = iter([data[i : i + 999] for i in range(0, n, 999)]) if chunked else data
            conn.request("POST", "/upload", body, encode_chunked=chunked)
            answer = conn.getresponse()
            assert answer.status == 201 and answer.getheader("Location") == "/upload/7"
            seen.append(answer.read().decode() == hashlib.sha256(data).hexdigest())
            conn.request("GET", "/")
            assert conn.getresponse().read() == b"<p>root</p>" * 300
        conn.close()
        return seen

    client = kernel(talk)
    board.run(client, seconds=90)
    assert client.result == [True] * 5
    assert len([1 for way, seg in board.segments("out") if "S" in seg.flags]) == 1


@alone
@pytest.mark.parametrize("n", [1500, 60_000])
def test_bodies_sent_ahead_are_answered_without_a_retransmission(n):
    board = Board80()
    data = BIG[:n]
    put = b"PUT /upload HTTP/1.1\r\nHost: b\r\nContent-Length: %d\r\n\r\n" % n + data
    get = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"

    def talk():
        s = socket.create_connection((BOARD, 80))
        s.settimeout(60)
        s.sendall(get + put + get + put + get)
        s.shutdown(socket.SHUT_WR)
        text = b""
        while chunk := s.recv(5000):
            text += chunk
        return text

    client = kernel(talk)
    board.run(client, seconds=90)
    assert client.result.count(hashlib.sha256(data).hexdigest().encode()) == 2
    assert client.result.count(b"<p>root</p>" * 300) == 3
    assert dict(board.web.counters())["web_left_octets"] == 0
    came = [(seg.seq, len(seg.data)) for way, seg in board.segments("in") if seg.data]
    assert len(came) == len(set(came)), "sent again"


@alone
def test_bodies_come_whole_over_a_wire_that_loses_frames():
    # Without these two every loss costs Linux a time-out, and each the double of the one before:
    # it gets no sample of the round trip (docs/throughput.md).
    board = Board80(tcp_options={"reassembly": 8, "timestamps": True})
    dice = random.Random(3)
    board.dev.drop = lambda way, frame: frame[12:14] == b"\x08\x00" and dice.randrange(25) == 0

    def talk():
        conn = http.client.HTTPConnection(BOARD, timeout=60)
        for n in (60_000, 300, 30_000):
            data = BIG[:n]
            body = iter([data[i : i + 1999] for i in range(0, n, 1999)])
            conn.request("POST", "/upload", body, encode_chunked=True)
            assert conn.getresponse().read().decode() == hashlib.sha256(data).hexdigest()
            conn.request("POST", "/form", b"a=%d&b=x" % n)
            assert conn.getresponse().read() == b"%d|x" % n
        conn.close()
        return True

    client = kernel(talk)
    board.run(client, seconds=120)
    assert client.result and any(lost for _, _, lost in board.dev.log)
