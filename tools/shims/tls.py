"""MicroPython's `tls` on CPython, over OpenSSL: what lib/uipy/sock/tls.py asks of it.

An SSLSocket here reads from and writes to a stream as the one in C does: through `readinto` and
`write`, which return a number, None (EAGAIN), or an error's number below 0. TLS 1.2 at the most,
as MicroPython builds mbedTLS. Errors are mbedTLS's, where a program can tell them apart.
"""

import importlib
import os
import sys
import tempfile


def _host(name):
    """CPython's own module of this name, where a board's stands in front of it."""
    ours = {n: sys.modules.pop(n, None) for n in ("ssl", "socket", "select")}
    path = sys.path
    lib = os.path.dirname(os.__file__)
    sys.path = [lib, *(p for p in path if os.path.dirname(p) == lib)]
    try:
        return importlib.import_module(name)
    finally:
        sys.path = path
        for n, module in ours.items():
            sys.modules.pop(n, None)
            if module:
                sys.modules[n] = module


ssl = _host("ssl")

PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER = 0, 1
CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED = 0, 1, 2
MBEDTLS_VERSION = ssl.OPENSSL_VERSION

_FATAL_ALERT, _CONN_EOF, _BAD_RECORD = -0x7780, -0x7280, -0x7200
_PIECE = 4096


class SSLContext:
    def __init__(self, protocol):
        self.server = bool(protocol & 1)
        kind = ssl.PROTOCOL_TLS_SERVER if self.server else ssl.PROTOCOL_TLS_CLIENT
        self.ctx = ssl.SSLContext(kind)
        self.ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        self.ctx.options |= ssl.OP_NO_TICKET
        self.verify_mode = CERT_NONE if self.server else CERT_REQUIRED
        self.verify_callback = None

    def get_ciphers(self):
        return [c["name"] for c in self.ctx.get_ciphers()]

    def set_ciphers(self, names):
        self.ctx.set_ciphers(":".join(names))

    def load_cert_chain(self, cert, key):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for name, der in (("CERTIFICATE", cert), ("PRIVATE KEY", key)):
                paths.append(os.path.join(folder, name))
                with open(paths[-1], "w") as f:
                    f.write(_pem(name, der))
            try:
                self.ctx.load_cert_chain(*paths)
            except ssl.SSLError as exc:
                raise ValueError("invalid key") from exc

    def load_verify_locations(self, cadata):
        try:
            self.ctx.load_verify_locations(cadata=bytes(cadata))
        except (ssl.SSLError, ValueError) as exc:
            raise ValueError("invalid cert") from exc

    def wrap_socket(
        self, sock, *, server_side=False, do_handshake_on_connect=True, server_hostname=None
    ):
        if self.verify_mode == CERT_REQUIRED and not server_side and server_hostname is None:
            raise ValueError("CERT_REQUIRED requires server_hostname")
        wanted = self.verify_mode == CERT_REQUIRED
        self.ctx.check_hostname = False
        self.ctx.verify_mode = ssl.CERT_REQUIRED if wanted else ssl.CERT_NONE
        self.ctx.check_hostname = wanted and not self.server
        return SSLSocket(self, sock, server_hostname)


def _pem(name, der):
    if name == "PRIVATE KEY":
        name = _kind_of_key(der)
    text = ssl.DER_cert_to_PEM_cert(bytes(der))
    return text.replace(" CERTIFICATE", " " + name)


def _kind_of_key(der):
    """PKCS#8 has a number and a sequence, PKCS#1 two numbers, SEC 1 a number and octets."""
    at = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
    behind = der[at + 2 + der[at + 1]]
    return {0x30: "PRIVATE KEY", 0x02: "RSA PRIVATE KEY", 0x04: "EC PRIVATE KEY"}[behind]


class SSLSocket:
    def __init__(self, context, sock, hostname):
        self.sock = sock
        self.inside, self.outside = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.ctx.wrap_bio(
            self.inside, self.outside, context.server, None if context.server else hostname
        )
        self.unsent = b""
        self.shaking = True
        self.fault = None

    def _flush(self):
        """True: all that OpenSSL has made is with the socket."""
        self.unsent += self.outside.read()
        while self.unsent:
            n = self.sock.write(bytearray(self.unsent))
            if n is None:
                return False
            if n < 0:
                raise OSError(-n)
            self.unsent = self.unsent[n:]
        return True

    def _fetch(self):
        """From the socket, as mbedTLS reads it: a record's header, then the rest. True: some came,
        or the end."""
        piece = bytearray(self._want())
        n = self.sock.readinto(piece)
        if n is None:
            return False
        if n < 0:
            raise OSError(-n)
        if n == 0 and self.shaking:
            raise OSError(_CONN_EOF, "MBEDTLS_ERR_SSL_CONN_EOF")
        if n == 0:
            self.inside.write_eof()
            return True
        self.head += piece[:n]
        self.inside.write(piece[:n])
        return True

    head = b""

    def _want(self):
        size = 5 + int.from_bytes(self.head[3:5], "big")
        if len(self.head) >= 5 and len(self.head) >= size:
            self.head = b""
        return (5 if len(self.head) < 5 else size) - len(self.head)

    def _step(self, call, *args):
        """OpenSSL's answer; None: EAGAIN."""
        if self.fault:
            raise self.fault
        try:
            while True:
                if not self._flush():
                    return None
                try:
                    if self.shaking:
                        self.tls.do_handshake()
                        self.shaking = False
                        if not self._flush():
                            return None
                    got = call(*args)
                    self._flush()
                    return got
                except ssl.SSLWantReadError:
                    self._flush()
                    if self.unsent or not self._fetch():
                        return None
        except (OSError, ValueError) as exc:
            self.fault = _as_mbedtls(exc)
            try:
                self._flush()
            except OSError:
                pass
            raise self.fault from None

    def _read(self, n):
        try:
            return self.tls.read(n)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def read(self, n=-1):
        got = b""
        while n < 0 or len(got) < n:
            part = self._step(self._read, n - len(got) if n >= 0 else _PIECE)
            if not part:
                return got or part
            got += part
        return got

    def readinto(self, buf):
        got = self.read(len(buf))
        if got is None:
            return None
        buf[: len(got)] = got
        return len(got)

    def readline(self, n=-1):
        got = b""
        while len(got) != n and not got.endswith(b"\n"):
            part = self._step(self._read, 1)
            if not part:
                return got or part
            got += part
        return got

    def write(self, buf):
        return self._step(self.tls.write, bytes(buf))

    def cipher(self):
        name, version, _ = self.tls.cipher()
        return name, version

    def close(self):
        self.tls = self.fault = None


def _as_mbedtls(exc):
    if isinstance(exc, ssl.SSLCertVerificationError):
        return ValueError(exc.verify_message)
    if isinstance(exc, ssl.SSLError):
        if "ALERT" in (getattr(exc, "reason", "") or ""):
            return OSError(_FATAL_ALERT, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE: " + exc.reason)
        return OSError(_BAD_RECORD, "MBEDTLS_ERR_SSL_INVALID_RECORD: " + str(exc))
    return exc
