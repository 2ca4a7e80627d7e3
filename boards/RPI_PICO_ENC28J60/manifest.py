# Frozen into the image: MicroPython's own modules for the port, then uipy in six pieces, which
# `make parts` makes. Take out what is not wanted; what a module imports, its piece says.
include("$(PORT_DIR)/boards/manifest.py")

include("../../firmware/manifests/core.py")
include("../../firmware/manifests/enc28j60.py")
include("../../firmware/manifests/apps.py")
include("../../firmware/manifests/host.py")
include("../../firmware/manifests/web.py")
include("../../firmware/manifests/sock.py")
include("../../firmware/manifests/libs.py")
include("../../firmware/manifests/board.py")
module("pins.py", opt=3)
