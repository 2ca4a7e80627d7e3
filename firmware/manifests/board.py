# What runs at boot: the status page and the loop. config.py is a default: one on the board's file
# system is found first. It wants the board's pins.py, which the board's own manifest freezes.
_NAMES = "check clock main network_page page safe status watchdog"
for name in _NAMES.split():
    module(name + ".py", base_path="../../build/parts/viper", opt=3)
module("config.py", base_path="..", opt=3)
