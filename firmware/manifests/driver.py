# The driver of one chip, include("driver.py", driver="wiznet"), and what the drivers share; it
# imports nothing of the core, and can be frozen without it. `make parts` makes it from lib/.
import os

options.defaults(driver="enc28j60")

_PARTS = "../../build/parts/viper"
_DRIVERS = ("enc28j60", "slip", "wiznet")
if options.driver not in _DRIVERS:
    raise SystemExit("uipy: no driver %r: there are %s" % (options.driver, ", ".join(_DRIVERS)))

package(
    "uipy",
    [
        "drivers/" + f
        for f in sorted(os.listdir(_PARTS + "/uipy/drivers"))
        if f.endswith(".py") and (f[:-3] == options.driver or f[:-3] not in _DRIVERS)
    ],
    base_path=_PARTS,
    opt=3,
)
