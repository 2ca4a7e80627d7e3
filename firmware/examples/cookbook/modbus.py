"""A Modbus TCP server with micropython-modbus: a coil is the LED, an input register the ADC."""

import time

from machine import ADC, Pin
from umodbus.tcp import ModbusTCP

led = Pin("LED", Pin.OUT, value=0)
sensor = ADC(4)
server = ModbusTCP()


def switched(reg_type, address, val):
    led(val[0])


def measured(reg_type, address, val):
    server.set_ireg(address, sensor.read_u16())


REGISTERS = {
    "COILS": {"led": {"register": 0, "len": 1, "val": 0, "on_set_cb": switched}},
    "IREGS": {"adc": {"register": 0, "len": 1, "val": 0, "on_get_cb": measured}},
    "HREGS": {"limits": {"register": 10, "len": 2, "val": [100, 900]}},
}

server.setup_registers(registers=REGISTERS)
server.bind(local_ip="0.0.0.0", local_port=502)
print("Modbus on port 502")
while True:
    server.process()
    time.sleep_ms(5)
