"""MQTT: the board tells its temperature, and switches its LED when it is told to."""

import time

from machine import ADC, Pin
from umqtt.simple import MQTTClient

SERVER = "192.168.7.1"
EVERY_MS = 10_000

led = Pin("LED", Pin.OUT, value=0)
sensor = ADC(4)


def heard(topic, message):
    if topic == b"kitchen/led":
        led(message == b"on")
        client.publish(b"kitchen/led/state", b"on" if led() else b"off", retain=True)


def connect():
    client.set_callback(heard)
    client.set_last_will(b"kitchen/here", b"0", retain=True)
    client.connect()
    client.subscribe(b"kitchen/led")
    client.publish(b"kitchen/here", b"1", retain=True)
    print("connected to", SERVER)


def serve():
    told = time.ticks_add(time.ticks_ms(), -EVERY_MS)
    while True:
        client.check_msg()
        if time.ticks_diff(time.ticks_ms(), told) >= EVERY_MS:
            told = time.ticks_ms()
            client.publish(b"kitchen/adc", str(sensor.read_u16()).encode())
        time.sleep_ms(50)


client = MQTTClient("kitchen", SERVER, keepalive=60)
while True:
    try:
        connect()
        serve()
    except OSError as exc:
        print("no broker:", exc)
        time.sleep(5)
