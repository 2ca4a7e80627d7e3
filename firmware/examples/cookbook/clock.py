"""The board's clock, set by a time server (SNTP) and kept right."""

import time

from machine import RTC
from uipy.host import Sntp
from uipy.loop import current

SERVERS = ["192.168.7.1"]

rtc = RTC()


def put_right(utc):
    """Called when a second begins, after each answer."""
    year, month, day, hour, minute, second, _ = utc
    weekday = time.gmtime(time.mktime((year, month, day, 0, 0, 0, 0, 0)))[6]
    rtc.datetime((year, month, day, weekday + 1, hour, minute, second, 0))


with current() as loop:
    sntp = Sntp(loop.stack, SERVERS, rtc=put_right, say=print)
if loop.until(lambda: sntp.utc() is not None, 30_000):
    print("it is %d-%02d-%02d %02d:%02d:%02d UTC" % sntp.utc()[:6])
else:
    print("no time yet; it goes on asking")
