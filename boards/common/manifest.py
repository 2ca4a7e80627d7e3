# What a board's image has frozen in: MicroPython's own modules for the port, then uipy in pieces,
# which `make parts` makes. A board's manifest.py includes this, says the driver of its chip, and
# adds its pins. Take out what is not wanted; what a module imports, its piece says.
options.defaults(driver="enc28j60", port="rp2")

if options.port == "esp32":
    # That port's own manifest, but for bundle-networking and umqtt, which bring an ssl.py that is
    # in the way of ours; libs.py has the rest of the bundle.
    freeze("$(PORT_DIR)/modules")
    include("$(MPY_DIR)/extmod/asyncio")
    for name in ("aioespnow", "dht", "ds18x20", "neopixel", "onewire", "upysh"):
        require(name)
else:
    include("$(PORT_DIR)/boards/manifest.py")

include("../../firmware/manifests/core.py")
include("../../firmware/manifests/driver.py", driver=options.driver)
include("../../firmware/manifests/apps.py")
include("../../firmware/manifests/host.py")
include("../../firmware/manifests/web.py")
include("../../firmware/manifests/sock.py")
include("../../firmware/manifests/libs.py")
include("../../firmware/manifests/board.py")
