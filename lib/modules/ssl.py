"""`ssl` as MicroPython documents it, on the stack's sockets: docs/tls.md."""

from uipy.sock.tls import (  # noqa: F401
    CERT_NONE,
    CERT_OPTIONAL,
    CERT_REQUIRED,
    MBEDTLS_VERSION,
    PROTOCOL_TLS_CLIENT,
    PROTOCOL_TLS_SERVER,
    Context,
    SSLSocket,
)


class SSLContext(Context):
    """As that of `tls`, but nothing is wanted of the peer's certificate until `verify_mode` says
    so (MicroPython's own ssl.py)."""

    def __init__(self, protocol):
        super().__init__(protocol)
        self.verify_mode = CERT_NONE


def wrap_socket(
    sock,
    server_side=False,
    key=None,
    cert=None,
    cert_reqs=CERT_NONE,
    cadata=None,
    server_hostname=None,
    do_handshake=True,
):
    """The `SSLSocket` of a context of its own."""
    context = SSLContext(PROTOCOL_TLS_SERVER if server_side else PROTOCOL_TLS_CLIENT)
    if cert or key:
        context.load_cert_chain(cert, key)
    if cadata:
        context.load_verify_locations(cadata=cadata)
    context.verify_mode = cert_reqs
    return context.wrap_socket(
        sock,
        server_side=server_side,
        do_handshake_on_connect=do_handshake,
        server_hostname=server_hostname,
    )
