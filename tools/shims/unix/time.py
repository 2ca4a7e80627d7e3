"""`time` for a program that runs as a board's on MicroPython's unix port: `sleep` calls what is
scheduled meanwhile, as on a board. The port's own does not."""

# mypy: ignore-errors
# Runs on MicroPython only.
from utime import *  # noqa: F403


def sleep(s):
    sleep_ms(int(s * 1000))  # noqa: F405
