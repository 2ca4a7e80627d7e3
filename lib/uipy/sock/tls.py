"""TLS on the stack's sockets: what a program finds as `ssl` and as `tls` (docs/tls.md).

MicroPython's own `tls` (mbedTLS, in C) does the cryptography. Given a socket it would wait, and
so poll, from deep within C; 8 kB of C stack do not hold that. Here it gets a `Bio` (bio.py), which
never waits, and an endpoint (tlsend.py) stands between a socket (face.py) and that of TCP: the
socket waits, for TCP, where any socket waits.
"""

import gc
import sys

from micropython import const

from ..kern import tdiff
from .args import fault
from .face import socket
from .numbers import AF_INET, ENOMEM, EOPNOTSUPP, ETIMEDOUT, SO_SNDBUF, SOCK_STREAM
from .tcp import End
from .tlsend import HANDSHAKE_MS, TlsEnd

_LEAST_TX = const(256)  # octets of a ring that a record fits into, with what it takes besides


def _engine():
    """MicroPython's `tls`. In `sys.modules` another may stand in front of it: that of ours."""
    ours = sys.modules.pop("tls", None)
    try:
        import tls
    except ImportError:
        raise ImportError("no TLS in this image: build it with MICROPY_PY_SSL=1 (docs/tls.md)")
    finally:
        if ours:
            sys.modules["tls"] = ours
    return tls


_c = _engine()
CERT_NONE = _c.CERT_NONE
CERT_OPTIONAL = _c.CERT_OPTIONAL
CERT_REQUIRED = _c.CERT_REQUIRED
PROTOCOL_TLS_CLIENT = _c.PROTOCOL_TLS_CLIENT
PROTOCOL_TLS_SERVER = _c.PROTOCOL_TLS_SERVER
MBEDTLS_VERSION = _c.MBEDTLS_VERSION


class SSLSocket(socket):
    """A socket whose octets go through TLS: all that a connected socket has."""

    def do_handshake(self):
        """Waits for the end of the handshake; nothing if it is over. It may wait for as long as
        the socket's timeout, 60 s without one, in all. OSError(ETIMEDOUT), OSError with the number
        and name of mbedTLS's error, ValueError for a certificate."""
        loop, end = self._loop, self._end
        left = self._ms if self._ms > 0 else HANDSHAKE_MS
        while True:
            with loop:
                if end.turn():
                    return
            began = loop.ticks()
            if left <= 0 or not loop.until(end.ready, left):
                raise fault(ETIMEDOUT)
            left -= tdiff(loop.ticks(), began)

    def cipher(self):
        """(name of the cipher suite, version of TLS); None before the handshake is over."""
        end = self._end
        return None if end.bio.shaking else end.c.cipher()  # C would follow a null pointer

    def getpeercert(self, binary_form=False):
        """The peer's certificate, DER, if this image's mbedTLS keeps it (MicroPython's own do
        not; `SSLContext.verify_callback` sees it)."""
        get = getattr(self._end.c, "getpeercert", None)
        if not get:
            raise NotImplementedError("not kept in this image: use SSLContext.verify_callback")
        return get(binary_form)


class Context:
    """What connections have in common: certificates and what is wanted of the peer's. Its
    `verify_mode` is CERT_REQUIRED for a client and CERT_NONE for a server, as in MicroPython's
    `tls`."""

    def __init__(self, protocol):
        self._c = _c.SSLContext(protocol)

    @property
    def verify_mode(self):
        """CERT_NONE, CERT_OPTIONAL or CERT_REQUIRED."""
        return self._c.verify_mode

    @verify_mode.setter
    def verify_mode(self, mode):
        self._c.verify_mode = mode

    @property
    def verify_callback(self):
        """f(certificate as DER, depth) for each certificate of the peer's chain; it returns 0, or
        an error's number."""
        return self._c.verify_callback

    @verify_callback.setter
    def verify_callback(self, f):
        self._c.verify_callback = f

    def get_ciphers(self):
        """Names of all the cipher suites there are."""
        return self._c.get_ciphers()

    def set_ciphers(self, names):
        """A list of those that may be used."""
        self._c.set_ciphers(names)

    def load_cert_chain(self, certfile, keyfile):
        """Our certificate and its key, in DER or PEM: a file's name, or what is in it. One
        certificate: mbedTLS as MicroPython builds it takes none of those above it. Raises
        ValueError, or OSError(ENOENT)."""
        self._c.load_cert_chain(_ders(certfile, b"CERTIFICATE")[0], _ders(keyfile, b"KEY")[0])

    def load_verify_locations(self, cafile=None, cadata=None):
        """The certificates that the peer's must come from: a file's name or what is in it, DER (of
        one) or PEM (of several)."""
        for der in _ders(cadata or cafile, b"CERTIFICATE"):
            self._c.load_verify_locations(der)

    def wrap_socket(
        self,
        sock,
        server_side=False,
        do_handshake_on_connect=True,
        server_hostname=None,
        client_id=None,
    ):
        """An `SSLSocket` in place of this socket, which is not used any more.

        With do_handshake_on_connect=False reads, writes and polls do the handshake as they go.
        `server_hostname` is what the peer's certificate must be for, and what it is told (SNI).
        Raises OSError(ENOMEM): mbedTLS wants 17 kB of heap in one piece.
        """
        if not isinstance(sock, socket):  # a stream of another kind, which C may wait for
            return self._c.wrap_socket(
                sock,
                server_side=server_side,
                do_handshake_on_connect=do_handshake_on_connect,
                server_hostname=server_hostname,
            )
        raw = sock._end
        raw.settled()  # raises EBADF after close()
        if not isinstance(raw, End):
            raise OSError(EOPNOTSUPP, "TLS is for connections: there is no DTLS")
        if 0 < raw.getsockopt(SO_SNDBUF) < _LEAST_TX:
            raise ValueError("TLS wants an SO_SNDBUF of %d octets or more" % _LEAST_TX)

        def wrap(bio):
            return self._c.wrap_socket(
                bio,
                server_side=server_side,
                do_handshake_on_connect=False,
                server_hostname=server_hostname,
            )

        try:
            end = TlsEnd(raw, wrap)
        except OSError as exc:
            if exc.args[0] != ENOMEM:
                raise
            gc.collect()
            end = TlsEnd(raw, wrap)
        s = SSLSocket(AF_INET, SOCK_STREAM, 0, end)
        raw.sock = s
        s._ms = sock._ms
        if do_handshake_on_connect:
            s.do_handshake()
        return s


def _ders(what, word):
    """The DER octets in what a program gave: a file's name (a str), DER, or PEM. Of PEM, the
    blocks with this word in their label."""
    if what is None:
        raise ValueError("a certificate or a key is wanted: a file's name, or bytes")
    if isinstance(what, str):
        if "-----BEGIN " in what:
            what = what.encode()
        else:
            with open(what, "rb") as f:
                what = f.read()
    if b"-----BEGIN " not in what:
        return [what]
    from binascii import a2b_base64

    found = []
    for block in what.split(b"-----BEGIN ")[1:]:
        label, _, rest = block.partition(b"-----")
        if word in label:
            found.append(a2b_base64(rest.partition(b"-----")[0]))
    if not found:
        raise ValueError("no %s in this PEM" % word.decode())
    return found


sys.modules["tls"] = sys.modules[__name__]


class SSLContext(Context):
    """The context of `tls`; that of `ssl` has this name too (lib/modules/ssl.py)."""
