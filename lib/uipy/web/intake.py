"""A request for a route comes in: its head is read with the kernels of apps/http_request.py, and
what routes must know of it with those of head.py.
"""

from ..apps.http import READ
from ..apps.http_request import (
    FROM,
    HEAD,
    METHOD,
    MINOR,
    PAGE,
    STATUS,
    TO,
    TOTAL,
    WANTS,
    WORD,
    field,
    find_page,
    next_line,
    request_line,
)
from .body import LEFT
from .head import (
    ALLOW,
    ARG,
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
    decimal,
    find_guard,
    find_route,
    is_word,
    keep_arg,
    keep_field,
    keep_target,
    strays,
)


def read_head(server, buf):
    """Reads on in the head, up to its end or that of the packet."""
    r = server.request
    line = server.line
    if r[TOTAL] == 0 and server.state == READ:
        server.seconds = 0
    while True:
        k = next_line(r, line, buf)
        if not k:
            return
        if not r[METHOD]:
            request_line(r, line)
            find_page(r, line, server.site.paths)
            r[WANTS] = 0
            if not r[STATUS]:
                _target(server)
            continue
        if k == 1:
            field(r, line)
        if r[WANTS]:
            _field(server, k)


def _target(server):
    # The request line is there: is it for a route?
    r = server.request
    routes = server.routes
    req = server.req
    x = req.row
    x[ROUTE] = find_route(r, x, server.line, routes.table, routes.masks)
    x[GUARD] = find_guard(r, server.line, routes.guarded)
    if not x[GUARD] and not x[ROUTE]:
        if not x[ALLOW] or (r[PAGE] and r[METHOD] <= HEAD):
            return
    r[WANTS] = 1
    x[PAGE_NO] = r[PAGE]
    x[METHOD_NO] = r[METHOD]
    x[MINOR_NO] = r[MINOR]
    x[CODING] = x[EXPECT] = 0
    server.body[LEFT] = 0
    keep_target(r, x, server.line, req.kept, len(routes.names))
    n = x[ROUTE]
    if n:
        k = 0
        while k < len(routes.args[n - 1]):
            if not keep_arg(x, req.kept, k):
                r[STATUS] = 414
            k += 1
        if routes.rests[n - 1] and strays(req.kept, x[ARG + 2 * k - 2], x[ARG + 2 * k - 1]):
            x[ROUTE] = x[ALLOW] = 0


def _field(server, k):
    # A field of a request for a route.
    r = server.request
    x = server.req.row
    line = server.line
    n = r[WORD]
    if k == 1 and n == 14:
        x[CODING] = LENGTH
        server.body[LEFT] = decimal(line, r[FROM], r[TO])
    elif k == 1 and n == 17:
        n = is_word(line, r[FROM], r[TO], b"chunked\0")
        x[CODING] = OTHER if x[CODING] or not n else CHUNKED
    elif is_word(line, 0, n, b"expect\0"):
        x[EXPECT] = 2 - is_word(line, r[FROM], r[TO], b"100-continue\0")
    keep_field(r, x, line, server.req.kept, server.routes.wanted)
