"""The RTC of a board is set by a time server."""

import datetime

import clock
import machine
from host.ntp import START, Bench


def test_every_weekday_is_right():
    for n in range(80_000):
        d = datetime.date(1968, 1, 20) + datetime.timedelta(n)
        assert clock.weekday(d.year, d.month, d.day) == d.weekday(), d


def test_the_rtc_has_the_servers_time():
    b = Bench(rtc=clock.set_rtc)
    b.run(10)
    assert not b.wire.errors
    year, month, day, weekday, hour, minute, second, rest = machine.RTC().datetime()
    assert (year, month, day, hour, minute) == START[:5] and weekday == 6  # a Saturday
    assert 37 < second < 42 and rest == 0
    assert 7 <= b.sntp.utc()[5] - second < 10


def test_a_python_without_an_rtc_has_none_set(monkeypatch):
    monkeypatch.delattr(machine, "RTC")
    clock.set_rtc((2026, 11, 21, 21, 10, 37, 0))
