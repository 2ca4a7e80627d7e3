# What MicroPython freezes into every image that has a network (bundle-networking), but for its
# ssl.py: sock.py has ours.
require("mip")
require("ntptime")
require("requests")
require("urequests")
require("webrepl")
