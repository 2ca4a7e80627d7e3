"""`machine.RTC` off the board: it keeps what it was set to, and stands still."""


class RTC:
    value = (2021, 1, 1, 5, 0, 0, 0, 0)  # where a Pico begins

    def __init__(self, id=0):
        pass

    def datetime(self, t=None):
        """Year, month, day, weekday (1 to 7), hours, minutes, seconds, and a fraction."""
        if t is not None:
            if len(t) != 8 or not 1 <= t[3] <= 7:
                raise ValueError("datetime wants eight numbers, the fourth from 1 to 7")
            RTC.value = tuple(t)
        return RTC.value
