# An image that runs the parts from ROMFS: MicroPython's own modules for the port, and the
# libraries of a board with a network.
include("$(PORT_DIR)/boards/manifest.py")
include("../../firmware/manifests/libs.py")
module("main.py", base_path="rom", opt=3)
