# What is frozen into the image of this board: boards/common/manifest.py, and its pins.
include("../common/manifest.py", driver="wiznet", port="esp32")
module("pins.py", opt=3)
