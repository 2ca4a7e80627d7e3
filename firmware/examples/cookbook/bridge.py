"""A serial line on TCP: nc uipy.local 2217 talks to what hangs on UART 1."""

from machine import UART, Pin
from uipy import Ring
from uipy.loop import current
from uipy.stream import Stream

uart = UART(
    1,
    baudrate=115_200,
    tx=Pin(4),
    rx=Pin(5),
    cts=Pin(6),
    rts=Pin(7),
    flow=UART.CTS | UART.RTS,
    txbuf=512,
    rxbuf=512,
)


class Bridge(Stream):
    poll_ms = 5
    quiet_ms = 1000  # without an octet from the line, behind the client's end

    def __init__(self):
        Stream.__init__(self, Ring(2048), Ring(2048))
        self.some = bytearray(256)

    def connected(self, conn):
        Stream.connected(self, conn)
        self.quiet = 0

    def poll(self, conn):
        rx, tx, some = self.rx, self.tx, self.some
        self.quiet += self.poll_ms
        # To the line: what it does not take stays in the ring, and the client's window closes.
        n = rx.fill(0, some, 0, len(some))
        if n:
            rx.acked(uart.write(memoryview(some)[:n]) or 0)
            self.quiet = 0
        # From the line: what the ring has no room for stays in the UART, which holds RTS back.
        n = min(uart.any(), tx.room, len(some))
        if n:
            tx.write(some, 0, uart.readinto(some, n) or 0)
            self.quiet = 0
        if rx.ended and self.quiet > self.quiet_ms:
            tx.end()  # our FIN, behind the last octet
        self.pump(conn)


with current() as loop:
    loop.stack.listen(2217, Bridge, 1)
