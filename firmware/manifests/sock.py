# What a program finds by MicroPython's names: `socket`, `network` and what there is beside them,
# and below them uipy.sock; the loop in the background is in core.py. A module takes RAM only when
# it is imported. They need core.py; `network` and names need host.py.
import os

_PARTS = "../../build/parts/viper"

package(
    "uipy",
    ["sock/" + f for f in sorted(os.listdir(_PARTS + "/uipy/sock")) if f.endswith(".py")],
    base_path=_PARTS,
    opt=3,
)
for name in sorted(os.listdir(_PARTS + "/modules")):
    if name.endswith(".py"):
        module(name, base_path=_PARTS + "/modules", opt=3)
