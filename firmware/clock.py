"""The board's clock, set by a time server:

    from uipy.host import Sntp
    import clock

    sntp = Sntp(stack, ["192.168.1.1"], rtc=clock.set_rtc)

From then on time.localtime(), the times of files and the daytime service have UTC.
"""


def set_rtc(t):
    """Sets machine.RTC to (year, month, day, hour, minute, second, ...), UTC.

    Called when a second begins, so that its fraction, which each port counts in another unit, is
    0. Monday is 1; ports other than stm32 find out the weekday themselves. Python without an RTC:
    nothing is set.
    """
    import machine

    if hasattr(machine, "RTC"):
        machine.RTC().datetime(t[:3] + (weekday(t[0], t[1], t[2]) + 1,) + t[3:6] + (0,))


def weekday(year, month, day):
    """0 is a Monday, of the Gregorian calendar."""
    if month < 3:  # January and February belong to the year before: so 29 February is its last day
        month += 12
        year -= 1
    return (day + 13 * (month + 1) // 5 + year + year // 4 - year // 100 + year // 400 + 5) % 7
