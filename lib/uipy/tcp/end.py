"""A connection ends, and its application is told."""

from .row import GEN, LISTENER, NO_LISTENER, OWES, S_CLOSED, STATE, TIMERS, USED


def end(conn, reason):
    """The connection is over: the row is freed, the object goes back to the listener, and the
    application is told; it may open another connection at once, in this same row."""
    tcp = conn.tcp
    row = conn.row
    app = conn.app
    row[STATE] = S_CLOSED
    row[USED] = row[OWES] = row[TIMERS] = 0
    row[GEN] = (row[GEN] + 1) & 0xFFFF
    conn.app = conn.src = None
    if tcp.pool:
        tcp.pool.forget(conn)
    app.conn = tcp.dead
    if row[LISTENER] != NO_LISTENER:
        tcp.listeners[row[LISTENER]].give_back(app)
        tcp.half.room_again()
    try:
        app.closed(conn, reason)  # MUST-12
    except Exception as exc:
        tcp.stack.failed(exc)
