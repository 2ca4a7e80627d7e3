"""Pins as resources, with JSON both ways: http://uipy.local:8082/pins"""

from machine import Pin
from uipy.apps import Site
from uipy.loop import current
from uipy.web import Routes

pins = {n: Pin(n, Pin.OUT, value=0) for n in (2, 3, 6)}
site = Site()
web = Routes(site)


def told(n):
    return {"pin": n, "value": pins[n]()}


@web.get("/pins")
def every_pin(req):
    return [told(n) for n in sorted(pins)]


@web.route("/pins/{n:int}", methods="GET PUT")
def one_pin(req):
    n = req.number("n")
    if n not in pins:
        return 404
    if req.method == "PUT":
        asked = req.json()
        if not isinstance(asked, dict) or asked.get("value") not in (0, 1):
            return {"error": '{"value": 0} or {"value": 1} is wanted'}, 400
        pins[n](asked["value"])
    return told(n)


with current() as loop:
    loop.stack.listen(8082, site, 2)
