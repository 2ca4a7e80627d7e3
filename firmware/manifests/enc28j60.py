# The driver of the ENC28J60; it imports nothing of the core, and can be frozen without it.
_FILES = (
    "__init__",
    "bus",
    "enc28j60",
    "enc28j60_care",
    "enc28j60_chip",
    "errors",
    "mac",
    "spidev",
)

package(
    "uipy",
    ["drivers/" + name + ".py" for name in _FILES],
    base_path="../../lib",
    opt=3,
)
