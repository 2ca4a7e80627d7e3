"""A form that switches the board's LED: http://uipy.local:8083/"""

from machine import Pin
from uipy.apps import Site
from uipy.loop import current
from uipy.web import Routes

PAGE = """<!doctype html>
<title>LED</title>
<p>The LED is %s.
<form method=post action=/led>
<button name=to value=on>on</button> <button name=to value=off>off</button>
</form>
"""
HTML = {"Content-Type": "text/html; charset=utf-8"}

led = Pin("LED", Pin.OUT, value=0)
site = Site()
web = Routes(site)


@web.get("/")
def home(req):
    return PAGE % ("on" if led() else "off"), HTML


@web.post("/led")
def switch(req):
    led(req.form("to") == "on")
    return req.redirect("/", 303)


with current() as loop:
    loop.stack.listen(8083, site, 2)
