# What is frozen into the image of this board: boards/common/manifest.py, and its pins.
include("../common/manifest.py", driver="slip")
module("pins.py", opt=3)
