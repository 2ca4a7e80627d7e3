"""Plays the cases of a module on MicroPython, each in a loop of its own: `name ok`, or why not."""

import asyncio
import sys

from aio.cable import play

module = getattr(__import__("aio." + sys.argv[1]), sys.argv[1])
for name in sorted(dir(module)):
    if name.startswith("case_"):
        try:
            asyncio.run(asyncio.wait_for(play(getattr(module, name)), 20))
            print(name, "ok")
        except Exception as exc:
            print(name, "failed")
            sys.print_exception(exc)  # type: ignore[attr-defined]
        asyncio.new_event_loop()
