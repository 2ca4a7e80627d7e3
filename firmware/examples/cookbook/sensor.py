"""The page of a sensor, with a chart that moves: http://uipy.local:8081/ (with chart.html)"""

from array import array

from machine import ADC
from uipy.apps import FilePage, Site, View
from uipy.loop import current
from uipy.web import Events, Routes

EVERY_MS = 1000
N = 120  # values that are kept

sensor = ADC(4)  # the RP2040's own thermometer


def measure():
    """Tenths of a degree Celsius, as RP2040's data sheet (4.9.5) has it."""
    volt = sensor.read_u16() * 3.3 / 65535
    return int(270 - (volt - 0.706) / 0.0001721)


class Values(View):
    """What was measured, as JSON. It is written from a snapshot, and never lies in RAM as text."""

    need = 2 * N

    def __init__(self, events):
        View.__init__(self, "application/json")
        self.events = events
        self.values = array("h", bytes(2 * N))
        self.at = 0  # of the oldest one

    def tick(self):
        v = measure()
        self.values[self.at] = v
        self.at = (self.at + 1) % N
        self.events.send(str(v))

    def note(self, snap):
        for k in range(N):
            v = self.values[(self.at + k) % N]
            snap[2 * k] = v >> 8 & 255
            snap[2 * k + 1] = v & 255

    def write(self, out, snap):
        for k in range(N):
            v = snap[2 * k] << 8 | snap[2 * k + 1]
            out.put(b"," if k else b"[")
            out.num(v - 65536 if v > 32767 else v)
        out.put(b"]\n")


events = Events(clients=2, size=512)
values = Values(events)
site = Site()
site.add("/", FilePage("chart.html", "text/html; charset=utf-8"))
site.add("/values", values)
Routes(site).route("/events", events)

with current() as loop:
    loop.stack.every(EVERY_MS, values.tick)
    loop.stack.listen(8081, site, 3)
