"""A command server: nc uipy.local 2323"""

import gc

from machine import ADC, Pin
from uipy.lines import Lines
from uipy.loop import current

led = Pin("LED", Pin.OUT, value=0)
sensor = ADC(4)


class Commands(Lines):
    def connected(self, conn):
        Lines.connected(self, conn)
        self.say("led on, led off, adc, free, bye")

    def line(self, conn, text):
        words = text.split()
        if words[:1] == ["led"] and words[1:] in (["on"], ["off"]):
            led(words[1] == "on")
            self.say("the LED is " + words[1])
        elif words == ["adc"]:
            self.say(str(sensor.read_u16()))
        elif words == ["free"]:
            self.say("%d octets of heap" % gc.mem_free())
        elif words == ["bye"]:
            self.bye()
        else:
            self.say("led on, led off, adc, free, bye")


with current() as loop:
    loop.stack.listen(2323, Commands, 2)
