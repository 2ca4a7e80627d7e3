"""May a request for a route be served? What is answered before its handler is asked."""

from ..apps.http_request import HEAD
from .body import DONE, LEFT, LONG, STEP, start
from .head import (
    ALLOW,
    CHUNKED,
    CODING,
    EXPECT,
    GUARD,
    LENGTH,
    METHOD_NO,
    MINOR_NO,
    OTHER,
    PAGE_NO,
    ROUTE,
)
from .held import N_UNAUTHORIZED

_ALLOWED = (b"", b"GET, ", b"HEAD, ", b"POST, ", b"PUT, ", b"DELETE, ", b"", b"PATCH, ")


def admit(server, req):
    """Makes ready for the body. None: the handler is asked; 0: it is a page behind a guard; else
    the answer."""
    x = req.row
    routes = server.routes
    route = x[ROUTE]
    handler = req.handler = routes.handlers[route - 1] if route else None
    b = server.body
    n = x[CODING]
    start(b, int(n >= CHUNKED), b[LEFT], handler.limit if handler else 0)
    if n == OTHER:
        return 501  # RFC 9112 6.1
    if n == CHUNKED and not x[MINOR_NO]:
        return 400
    guard = handler.guard if handler else None
    if guard is None and x[GUARD]:
        guard = routes.guards[x[GUARD] - 1]
    if guard is not None and not guard.check(req):
        routes.count(N_UNAUTHORIZED, 1)
        return guard.refuse(req)
    n = x[METHOD_NO]
    if not handler:
        if x[PAGE_NO] and n <= HEAD and b[STEP] == DONE:
            return 0
        return allowed(req, x[ALLOW], x[PAGE_NO])
    if x[EXPECT] == 2 and x[MINOR_NO]:
        return 417
    if not x[MINOR_NO]:
        x[EXPECT] = 0  # RFC 9110 10.1.1
    if handler.sized and x[CODING] != LENGTH:
        if x[CODING] or n == 3 or n == 4 or n == 7:  # POST, PUT, PATCH
            return 411
    return 413 if b[STEP] == LONG else None


def allowed(req, mask, page):
    """405, or 204 for OPTIONS (RFC 9110 9.3.7, 15.5.6), with the methods of this path; 404 if it
    has none."""
    if page:
        mask |= 6
    if not mask:
        return 404
    more = req.answer.more
    more.put(b"Allow: ")
    for k in range(1, 8):
        if mask >> k & 1 and k != 6:
            more.put(_ALLOWED[k])
    more.put(b"OPTIONS\r\n")
    return 204 if req.row[METHOD_NO] == 6 else 405
