"""Early FIN (the mail of 2010): a query/response client closes its half with the query, so that
TIME-WAIT is the client's."""

import socket

from interop.lab import LINUX, Board, alone, kernel, shell
from uipy import App, Bytes

QUERIES = 500


class Query(App):
    """One question; the answer is everything up to the server's FIN."""

    def __init__(self):
        self.answer = b""
        self.reason = None

    def received(self, conn, buf, start, n):
        self.answer += bytes(buf[start : start + n])

    def closed(self, conn, reason):
        self.reason = reason


def answer(server, count):
    for _ in range(count):
        s = server.accept()[0]
        question = b""
        while chunk := s.recv(1000):
            question += chunk
        s.sendall(b"answer to " + question)
        s.close()


@alone
def test_the_query_the_ack_and_the_fin_are_one_segment():
    board = Board()
    server = socket.create_server((LINUX, 53))
    kernel(lambda: answer(server, 1))
    q = Query()
    board.stack.connect(q, LINUX, 53).finish(Bytes(b"who?"))
    board.run(lambda: q.reason)
    assert (q.answer, q.reason) == (b"answer to who?", "done")
    out = [seg for way, seg in board.segments("out")]
    assert [(s.flags, s.data) for s in out[:2]] == [("S", b""), ("FPA", b"who?")]


@alone
def test_500_queries_through_16_rows_of_time_wait_and_none_is_left_on_the_server():
    board = Board(tcp=4, time_wait=16)
    server = socket.create_server((LINUX, 53))
    kernel(lambda: answer(server, QUERIES))
    for i in range(QUERIES):
        q = Query()
        board.stack.connect(q, LINUX, 53).finish(Bytes(b"%d" % i))
        board.run(lambda q=q: q.reason, seconds=5)
        assert (q.answer, q.reason) == (b"answer to %d" % i, "done")
    assert shell("ss -Htan state time-wait") == ""
    counters = dict(board.stack.counters())
    assert counters["tcp_tw_evicted"] == QUERIES - 16


@alone
def test_the_servers_last_data_carries_its_fin():
    class Server(App):
        def peer_closed(self, conn):
            conn.finish(Bytes(b"all of it"))

    board = Board()
    board.stack.listen(53, Server, 1)

    def client():
        with socket.create_connection(("192.168.77.2", 53)) as s:
            s.sendall(b"?")
            s.shutdown(socket.SHUT_WR)
            return s.recv(100) + s.recv(100)

    assert board.run(kernel(client)) == b"all of it"
    last = [seg for way, seg in board.segments("out") if seg.data]
    assert [(s.flags, s.data) for s in last] == [("FPA", b"all of it")]
