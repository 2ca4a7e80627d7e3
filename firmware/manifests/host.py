# What finds the board its place: DHCP, names, the time, a log. A module takes RAM only when
# config.py asks for it. They need core.py.
import os

_PARTS = "../../build/parts/viper"

package(
    "uipy",
    ["host/" + f for f in sorted(os.listdir(_PARTS + "/uipy/host")) if f.endswith(".py")],
    base_path=_PARTS,
    opt=3,
)
