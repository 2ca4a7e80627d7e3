"""The lease that a board has: what others read of it, and how long it lasts (RFC 2131 4.4.5).

Seconds are counted in `age`, from the request that led to the lease; without a lease since the
first DISCOVER. 34 years and more (2**30 - 1 seconds) are for ever.
"""

from ..kern import copy, same, tadd, tdiff, u32, zero
from .dhcp_message import (
    ADDRESS,
    DNS,
    DOMAIN,
    FOREVER,
    MASK,
    NTP,
    ROUTER,
    ROUTES,
    SECONDS,
    SERVER,
    SIZE,
    T1,
    T2,
    usable,
)


class Lease:
    """`row` is what the server said (dhcp_message.py); its first octet is 0 without a lease. One
    that is remembered and out of use has tables of zeros for others."""

    def __init__(self, stack, kept):
        self.stack = stack
        self.row = bytearray(SIZE)
        self.address = bytearray(4)
        self.server = bytearray(4)
        self.router = bytearray(4)
        self.dns = bytearray(12)
        self.ntp = bytearray(12)
        self.domain = bytearray(ROUTES - DOMAIN)
        self.sure = False  # its age is known: it was given since we were switched on
        self.age = 0
        self.then = stack.now  # when the last whole second was over
        self.t1 = self.t2 = self.seconds = FOREVER
        if kept and len(kept) == SIZE and usable(kept):
            copy(self.row, 0, kept, 0, SIZE)

    def count(self, now):
        """Counts the time that has passed."""
        ms = tdiff(now, self.then)
        if ms >= 1000:
            self.age = min(self.age + ms // 1000, FOREVER - 1)
            self.then = tadd(now, -(ms % 1000))

    def ms_until(self, s, now):
        """ms until `age` is `s`, below 2**27."""
        s -= self.age
        if s > 100_000:
            return 100_000_000
        return max(1000 * s - tdiff(now, self.then), 0)

    @property
    def over(self):
        """True when it has run out."""
        return self.age >= self.seconds

    @property
    def left(self):
        """Seconds that are left; 2**30 - 1: for ever."""
        return FOREVER if self.seconds == FOREVER else max(self.seconds - self.age, 0)

    def moves(self, new):
        """Does `new` say that the interface is to be configured otherwise?"""
        row = self.row
        n = SIZE - ROUTES
        if not same(new, ADDRESS, row, ADDRESS, 4) or not same(new, ROUTES, row, ROUTES, n):
            return True
        return not same(new, MASK, row, MASK, 8)

    def take(self, new, asked):
        """It is what `new` says from now on, and was asked for at the age `asked`. True if it
        says something new, but for how long it lasts."""
        row = self.row
        n = SIZE - DOMAIN
        news = not (same(new, 0, row, 0, SECONDS) and same(new, DOMAIN, row, DOMAIN, n))
        copy(row, 0, new, 0, SIZE)
        self.age = max(self.age - asked, 0)
        self.sure = True
        self.seconds = s = u32(row, SECONDS)
        t1 = u32(row, T1)
        t2 = u32(row, T2)
        if s == FOREVER:
            t1 = t2 = s
        else:
            if not 0 < t1 < t2 < s:
                t1 = s >> 1
                t2 = s - (s >> 3)
            t1 -= self._fuzz(t1)
            t2 -= self._fuzz(t2)
        self.t2 = max(t2, 1)
        self.t1 = max(min(t1, t2), 1)
        self.publish(True)
        return news

    def publish(self, there):
        """The tables say what the row does; or all of them are zeros."""
        for table, at in (
            (self.address, ADDRESS),
            (self.server, SERVER),
            (self.router, ROUTER),
            (self.dns, DNS),
            (self.ntp, NTP),
            (self.domain, DOMAIN),
        ):
            if there:
                copy(table, 0, self.row, at, len(table))
            else:
                zero(table, 0, len(table))

    def forget(self):
        """There is none, and none to be remembered."""
        self.publish(False)
        zero(self.row, 0, SIZE)
        self.sure = False

    def _fuzz(self, s):
        # A random part of a sixteenth, so that a thousand boards do not ask at once
        r = self.stack.random8()
        return (s >> 12) * r if s >> 21 else s * r >> 12
