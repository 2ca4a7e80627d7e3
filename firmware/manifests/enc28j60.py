# The driver of the ENC28J60 and what the drivers share; it imports nothing of the core, and can be
# frozen without it. `make parts` makes it from lib/.
import os

_PARTS = "../../build/parts/viper"
_OTHERS = ("slip.py", "wiznet.py")

package(
    "uipy",
    [
        "drivers/" + f
        for f in sorted(os.listdir(_PARTS + "/uipy/drivers"))
        if f.endswith(".py") and f not in _OTHERS
    ],
    base_path=_PARTS,
    opt=3,
)
