"""TLS between two boards: cases for CPython (OpenSSL, tools/shims/tls.py) and MicroPython
(mbedTLS). `case_...(lab, pki)`: a `Duplex` and the folder with the certificates of pki.py."""

import select

from lab.duplex import HERE, THERE
from uipy.sock import tls
from uipy.sock.face import socket

EAGAIN, ECONNRESET, ETIMEDOUT = 11, 104, 110
ALERT, BAD_RECORD, EOF = -0x7780, -0x7200, -0x7280
RD, WR, NVAL = 1, 4, 0x20
RDWR = RD | WR


def context_for_client(pki, mode=tls.CERT_REQUIRED):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = mode
    context.load_verify_locations(pki + "/ca.pem")
    return context


def context_for_server(pki, who="board"):
    context = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{pki}/{who}.pem", f"{pki}/{who}.key")
    return context


def raised(f, *args, **named):
    """What f raises."""
    try:
        f(*args, **named)
    except Exception as exc:
        return exc
    raise AssertionError("nothing was raised")


def number(f, *args, **named):
    exc = raised(f, *args, **named)
    assert isinstance(exc, OSError), repr(exc)
    return exc.args[0]


class Peer:
    """A server on `there`, port 443: `s` is its socket, `got` what it has read, `exc` what ended
    it. What is put in `say` is sent."""

    def __init__(self, lab, pki=None, who="board", **options):
        self.lab = lab
        self.context = context_for_server(pki, who) if pki else None
        self.li = lab.on_there(self.listen, options)
        self.s = self.exc = None
        self.got = self.say = b""
        self.ended = False
        lab.peer(self.run())

    def listen(self, options):
        li = socket()
        li.setblocking(False)
        for opt, value in options.items():
            li.setsockopt(1, {"rx": 0x1002, "tx": 0x1001}[opt], value)
        li.bind(("", 443))
        li.listen(1)
        return li

    def run(self):
        while self.s is None:
            try:
                s, _ = self.li.accept()
            except OSError:
                yield
                continue
            s.setblocking(False)
            if self.context:
                s = self.context.wrap_socket(s, server_side=True, do_handshake_on_connect=False)
            self.s = s
        try:
            while not self.ended:
                if self.say:
                    n = self.s.write(self.say)
                    self.say = self.say[n or 0 :]
                data = self.s.read(1000)
                self.ended = data == b""
                self.got += data or b""
                yield
        except (OSError, ValueError) as exc:
            self.exc = exc


def connected(lab, timeout=20):
    """A plain socket of `here`, connected to the peer."""
    s = socket()
    s.settimeout(timeout)
    s.connect((THERE, 443))
    return s


def talk(lab, pki, mode=tls.CERT_REQUIRED, **options):
    """An SSLSocket of `here` and its peer."""
    peer = Peer(lab, pki, **options)
    s = context_for_client(pki, mode).wrap_socket(connected(lab), server_hostname="board.local")
    return s, peer


def case_octets_go_both_ways(lab, pki):
    s, peer = talk(lab, pki)
    assert s.write("GET /\n") == 6
    lab.until(lambda: peer.got == b"GET /\n")
    peer.say = b"one\ntwo\nrest"
    assert s.readline() == b"one\n" and s.read(4) == b"two\n"
    buf = bytearray(4)
    assert s.readinto(buf) == 4 and buf == b"rest"
    assert s.cipher()[1] == "TLSv1.2"
    s.close()
    lab.until(lambda: peer.ended)


def case_a_board_is_a_server(lab, pki):
    far = []

    def client():
        s = socket()
        s.setblocking(False)
        assert number(s.connect, (HERE, 443)) == 115
        s = context_for_client(pki).wrap_socket(
            s, server_hostname="board.local", do_handshake_on_connect=False
        )
        far.append(s)
        while s.write(b"question\n") is None:
            yield
        data = None
        while not data:
            data = s.read(100)
            yield
        far.append(data)
        s.close()

    li = socket()
    li.settimeout(20)
    li.bind(("", 443))
    li.listen(1)
    lab.peer(client())
    s, address = li.accept()
    s = context_for_server(pki).wrap_socket(s, server_side=True)
    assert s.getpeername() == address
    assert s.readline() == b"question\n"
    s.write(b"answer")
    assert s.read() == b"" and far[1] == b"answer"
    s.close()
    li.close()


def _bulk(lab, pki, timeout=20, **sizes):
    """20 kB each way through small rings."""
    data = bytes([(7 * i + i // 251) & 255 for i in range(20000)])
    peer = Peer(lab, pki, **sizes)
    s = socket()
    s.settimeout(timeout)
    s.setsockopt(1, 0x1001, sizes["tx"])
    s.setsockopt(1, 0x1002, sizes["rx"])
    s.connect((THERE, 443))
    s = context_for_client(pki).wrap_socket(s, server_hostname="board.local")
    assert s.write(data) == len(data)
    lab.until(lambda: len(peer.got) == len(data))
    assert peer.got == data
    peer.say = data
    got = bytearray(len(data))
    assert s.readinto(got) == len(data) and got == data
    s.close()


def case_much_goes_both_ways(lab, pki):
    _bulk(lab, pki, rx=5840, tx=2920)


def case_much_goes_through_rings_of_300_octets(lab, pki):
    _bulk(lab, pki, rx=300, tx=300)


def case_a_certificate_for_another_name_is_refused_and_the_peer_told(lab, pki):
    peer = Peer(lab, pki)
    s = connected(lab)
    exc = raised(context_for_client(pki).wrap_socket, s, server_hostname="other.local")
    assert isinstance(exc, ValueError), repr(exc)
    s.close()
    lab.until(lambda: peer.exc)
    assert peer.exc.args[0] == ALERT, repr(peer.exc)


def case_a_certificate_that_is_over_is_refused(lab, pki):
    peer = Peer(lab, pki, who="expired")
    exc = raised(
        context_for_client(pki).wrap_socket, connected(lab), server_hostname="board.local"
    )
    assert isinstance(exc, ValueError) and "expired" in str(exc), repr(exc)
    lab.until(lambda: peer.exc)


def case_a_certificate_that_nobody_vouches_for_is_refused(lab, pki):
    peer = Peer(lab, pki, who="self")
    exc = raised(
        context_for_client(pki).wrap_socket, connected(lab), server_hostname="board.local"
    )
    assert isinstance(exc, ValueError), repr(exc)
    lab.until(lambda: peer.exc)


def case_cert_none_takes_any_certificate(lab, pki):
    peer = Peer(lab, pki, who="self")
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_NONE
    s = context.wrap_socket(connected(lab), server_hostname="whatever.local")
    s.write(b"x")
    lab.until(lambda: peer.got)


def case_a_client_that_checks_must_say_a_name(lab, pki):
    Peer(lab, pki)
    exc = raised(context_for_client(pki).wrap_socket, connected(lab))
    assert isinstance(exc, ValueError) and "server_hostname" in str(exc)


def case_a_peer_that_says_nothing_in_the_handshake_costs_the_timeout(lab, pki):
    Peer(lab)
    for timeout, ms in ((3, 3000), (None, 60000)):
        s = connected(lab)
        s.settimeout(timeout)
        began = lab.ms
        assert number(context_for_client(pki).wrap_socket, s, server_hostname="x") == ETIMEDOUT
        assert ms <= lab.ms - began <= ms + 20
        s.close()
        break_up(lab)


def break_up(lab):
    """The peer's connection is reset, and it listens again."""
    lab.peers.clear()
    for row in lab.there.stack.tcp.conns:
        if row.state:
            row.abort()
    lab.until(lambda: not any(c.state for c in lab.there.stack.tcp.conns))
    for listener in lab.there.stack.tcp.listeners:
        listener.close()
    Peer(lab)


def case_a_peer_that_drips_costs_the_timeout_too(lab, pki):
    peer = Peer(lab)
    s = connected(lab, 5)

    def drip():
        while peer.s is None:
            yield
        for octet in b"\x16\x03\x03\x30\x00" + bytes(200):
            peer.say = bytes([octet])
            for _ in range(100):
                yield

    lab.peer(drip())
    began = lab.ms
    no = number(context_for_client(pki).wrap_socket, s, server_hostname="x")
    assert no == ETIMEDOUT and lab.ms - began <= 5020, (no, lab.ms - began)


def case_what_is_no_tls_is_an_error_at_once(lab, pki):
    for noise in (b"HTTP/1.0 400 Bad Request\r\n\r\n", b"\0" * 40, b"\x16\x03\x03\xff\xff" * 9):
        peer = Peer(lab)
        peer.say = noise
        began = lab.ms
        no = number(context_for_client(pki).wrap_socket, connected(lab), server_hostname="x")
        assert no < -0x7000 and lab.ms - began < 1000, no
        peer.li.close()
        peer.s.close()
        lab.peers.clear()


def case_a_peer_that_closes_in_the_handshake_is_an_error(lab, pki):
    peer = Peer(lab)

    def close():
        while peer.s is None:
            yield
        lab.peers.clear()
        peer.s.read(1000)
        peer.s.close()

    lab.peer(close())
    no = number(context_for_client(pki).wrap_socket, connected(lab), server_hostname="x")
    assert no == EOF, no


def case_a_peer_that_resets_in_the_handshake_is_econnreset(lab, pki):
    peer = Peer(lab)

    def reset():
        while peer.s is None:
            yield
        peer.s._end.conn.abort()
        lab.peers.clear()

    lab.peer(reset())
    no = number(context_for_client(pki).wrap_socket, connected(lab), server_hostname="x")
    assert no == ECONNRESET, no


def case_a_read_that_times_out_breaks_nothing(lab, pki):
    s, peer = talk(lab, pki)
    s.settimeout(2)
    began = lab.ms
    assert number(s.read, 10) == ETIMEDOUT and 2000 <= lab.ms - began <= 2020
    peer.say = b"late"
    assert s.read(4) == b"late"


def case_a_peer_that_vanishes_costs_the_timeout(lab, pki):
    s, _ = talk(lab, pki)
    s.settimeout(4)
    lab.cut()
    began = lab.ms
    assert number(s.write, bytes(10000)) == ETIMEDOUT
    assert number(s.read, 1) == ETIMEDOUT
    assert lab.ms - began <= 8040


def case_a_socket_that_does_not_wait_says_eagain(lab, pki):
    s, _ = talk(lab, pki)
    s.setblocking(False)
    assert s.read(10) is None and s.readline() is None and s.readinto(bytearray(4)) is None
    assert number(s.recv, 10) == EAGAIN
    lab.cut()
    n = 0
    while True:
        k = s.write(bytes(1000))
        if k is None:
            break
        n += k
    assert 1000 < n < 2920


def case_what_did_not_find_room_is_sent_once(lab, pki):
    """mbedTLS keeps a record that it could not send, and takes the next call for the same one:
    asyncio's drain, which has more to say by then, would lose the difference."""
    s, peer = talk(lab, pki)
    s.setblocking(False)
    data = bytes(range(256)) * 40
    at = 0
    for _ in range(4000):
        if at == len(data):
            break
        at += s.write(data[at : at + 50 + at % 977]) or 0
        lab.passes(1)
    lab.until(lambda: len(peer.got) == len(data))
    assert peer.got == data


def case_the_handshake_goes_on_in_polls(lab, pki):
    peer = Peer(lab, pki)
    s = connected(lab)
    s.setblocking(False)
    s = context_for_client(pki).wrap_socket(
        s, server_hostname="board.local", do_handshake_on_connect=False
    )
    assert s.cipher() is None
    lab.until(lambda: s.ioctl(3, WR) & WR)
    assert s.cipher() is not None
    assert s.write(b"x") == 1
    lab.until(lambda: peer.got == b"x")


def case_poll_says_readable_for_what_is_decrypted(lab, pki):
    s, peer = talk(lab, pki)
    assert s.ioctl(3, RDWR) == WR
    peer.say = b"0123456789"
    lab.until(lambda: s.ioctl(3, RDWR) & RD)
    assert s.read(4) == b"0123"
    assert not s._end.raw.readable(), "all of it is in mbedTLS"
    assert s.ioctl(3, RD) == RD and s.ioctl(3, RDWR) == RDWR
    assert s.read(6) == b"456789"
    assert s.ioctl(3, RD) == 0
    if lab.native:  # C asks, as asyncio has it
        poller = select.poll()
        poller.register(s, select.POLLIN)
        assert not poller.poll(0)
        peer.say = b"x"
        lab.until(lambda: poller.poll(0))


def case_part_of_a_record_is_not_readable(lab, pki):
    s, peer = talk(lab, pki)
    s.setblocking(False)
    raw, held = peer.s._end.raw, []
    real = raw.send

    def hold(buf, at, n):
        held.append(bytes(buf[at : at + n]))
        return n

    raw.send = hold
    peer.say = b"a record of some length"
    lab.until(lambda: held)
    for at in range(0, len(held[0]), 7):
        assert s.read(10) is None and s.ioctl(3, RD) == 0
        real(held[0], at, min(7, len(held[0]) - at))
        lab.until(s._end.raw.readable)
    assert s.ioctl(3, RD) == RD
    assert s.read(100) == b"a record of some length"


def case_poll_tells_of_an_error_until_it_was_raised(lab, pki):
    s, peer = talk(lab, pki)
    s.setblocking(False)
    peer.s._end.raw.send(b"\x17\x03\x03\x00\x20" + bytes(32), 0, 37)
    lab.until(lambda: s.ioctl(3, RDWR) & 8)
    assert s.ioctl(3, RDWR) == RDWR | 8
    assert number(s.read, 1) < 0
    assert s.ioctl(3, RDWR) == NVAL
    s.close()
    assert s.ioctl(3, RDWR) == NVAL
    assert number(s.read, 1) == 9


def case_peek_leaves_it_there(lab, pki):
    s, peer = talk(lab, pki)
    peer.say = b"abcdef"
    assert s.recv(3, 1) == b"abc"
    assert s.recv(2) == b"ab" and s.recv(9) == b"cdef"


def case_what_was_read_before_a_reset_is_not_lost(lab, pki):
    s, peer = talk(lab, pki)
    peer.say = b"the last words"
    lab.until(lambda: not peer.say)
    lab.peers.clear()
    lab.until(s._end.raw.readable)
    peer.s._end.raw.conn.abort()
    lab.until(lambda: s._end.raw.flags(0))
    assert s.recv(100) == b"the last words"
    assert number(s.recv, 100) == ECONNRESET


def case_the_end_of_the_connection_is_the_end(lab, pki):
    s, peer = talk(lab, pki)
    peer.say = b"bye"
    lab.until(lambda: not peer.say)
    lab.peers.clear()
    peer.s.close()
    assert s.read() == b"bye" and s.read(1) == b"" and s.readline() == b"" and s.recv(9) == b""
    assert s.ioctl(3, RD) == RD


def case_a_closed_socket_is_ebadf(lab, pki):
    s, _ = talk(lab, pki)
    s.close()
    s.close()
    assert number(s.write, b"x") == 9


def case_a_handshake_in_polls_is_given_up_after_a_minute(lab, pki):
    Peer(lab)
    s = connected(lab)
    s.setblocking(False)
    s = context_for_client(pki).wrap_socket(
        s, server_hostname="board.local", do_handshake_on_connect=False
    )
    began = lab.ms
    lab.until(lambda: s.ioctl(3, RDWR), 70000)
    assert s.ioctl(3, RDWR) == RDWR | 8 and 60000 <= lab.ms - began <= 60100
    assert number(s.write, b"x") == ETIMEDOUT and s.ioctl(3, RDWR) == NVAL


def case_what_interrupts_c_ends_the_connection(lab, pki):
    """C may have taken octets that it does not remember: the next ones would be nonsense."""
    s, peer = talk(lab, pki)
    real = s._end.raw.recv_into

    def interrupted(*args):
        raise KeyboardInterrupt

    s._end.raw.recv_into = interrupted
    peer.say = b"something"
    try:
        s.read(4)
    except KeyboardInterrupt:
        s._end.raw.recv_into = real
    assert number(s.read, 4) == 103 and number(s.write, b"x") == 103
    s.close()


def case_what_tls_cannot_do_is_said_at_the_call(lab, pki):
    s, _ = talk(lab, pki)
    for f, args in ((s.accept, ()), (s.listen, ()), (s.connect, ((THERE, 443),))):
        assert number(f, *args) == 95
    wrap = context_for_client(pki).wrap_socket
    small = socket()
    small.setsockopt(1, 0x1001, 255)
    exc = raised(wrap, small, server_hostname="x")
    assert isinstance(exc, ValueError) and "SO_SNDBUF" in str(exc)
    small.close()
    assert number(wrap, small, server_hostname="x") == 9


def case_what_a_server_says_at_once_is_not_lost(lab, pki):
    """It comes with the last of the handshake, which C is asked for with a buffer of an octet."""
    peer = Peer(lab, pki)
    peer.say = b"220 ready\n"
    s = context_for_client(pki).wrap_socket(connected(lab), server_hostname="board.local")
    assert s.readline() == b"220 ready\n"


def case_an_error_behind_what_is_held_is_told_later(lab, pki):
    s, peer = talk(lab, pki)
    s.setblocking(False)
    peer.say = b"g"
    lab.until(lambda: s.ioctl(3, RD))
    peer.s._end.raw.send(b"\x17\x03\x03\x00\x20" + bytes(32), 0, 37)
    lab.until(s._end.raw.readable)
    assert s.recv(100) == b"g"
    assert s.ioctl(3, RDWR) == RDWR | 8
    assert number(s.read, 1) < 0 and s.ioctl(3, RDWR) == NVAL


def case_option_20_is_called_with_the_socket_of_tls(lab, pki):
    s, peer = talk(lab, pki)
    called = []
    s.setsockopt(1, 20, called.append)
    peer.say = b"x"
    lab.until(lambda: called)
    assert called[0] is s and s.read(1) == b"x"


def case_with_closes(lab, pki):
    s, peer = talk(lab, pki)
    with s as same:
        assert same is s
    lab.until(lambda: peer.ended)


def case_a_timeout_goes_with_the_socket(lab, pki):
    Peer(lab, pki)
    s = connected(lab, 7)
    s = context_for_client(pki).wrap_socket(s, server_hostname="board.local")
    assert s._ms == 7000
    s.settimeout(1)
    assert number(s.read, 1) == ETIMEDOUT


def case_pem_der_files_and_octets_are_taken(lab, pki):
    def octets(name):
        with open(f"{pki}/{name}", "rb") as f:
            return f.read()

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=octets("ca.pem"))
    context.load_verify_locations(cadata=octets("ca.der"))
    context.load_verify_locations(cafile=pki + "/ca.der")
    for cert, key in (("board.pem", "board.key"), ("board.der", "board.key.der")):
        tls.SSLContext(1).load_cert_chain(f"{pki}/{cert}", f"{pki}/{key}")
        tls.SSLContext(1).load_cert_chain(octets(cert), octets(key))
    tls.SSLContext(1).load_cert_chain(octets("board.pem").decode(), octets("board.key").decode())
    assert number(context.load_verify_locations, "/no/such") == 2
    for wrong in (b"-----BEGIN NOTHING-----\n-----END NOTHING-----\n", b"nonsense", None):
        assert isinstance(raised(context.load_verify_locations, cadata=wrong), ValueError)


def case_a_listener_or_a_datagram_socket_is_refused(lab, pki):
    assert number(context_for_client(pki).wrap_socket, socket(2, 2), server_hostname="x") == 95


def case_many_connections_one_after_the_other(lab, pki):
    server, client = context_for_server(pki), context_for_client(pki)
    for i in range(6):
        _one(lab, server, client, i % 2)


def _one(lab, server, client, reset):
    peer = Peer(lab)
    peer.context = server
    s = client.wrap_socket(connected(lab), server_hostname="board.local")
    s.write(b"x")
    lab.until(lambda: peer.got)
    if reset:
        s._end.raw.conn.abort()
    s.close()
    lab.until(lambda: peer.ended or peer.exc)
    peer.s.close()
    peer.li.close()
    lab.until(lambda: not any(c.state for c in lab.here.stack.tcp.conns))


def case_one_that_was_dropped_is_collected(lab, pki):
    import gc

    s, _ = talk(lab, pki)
    raw = s._end.raw
    s._end = None
    del s
    for _ in range(3):
        gc.collect()
    raw.close()
