# The core: uipy without drivers and applications, one module a part. `make parts` makes it from
# lib/. A module takes RAM only when it is imported, so that everything is frozen.
import os

_PARTS = "../../build/parts/viper"
if not os.path.isdir(_PARTS):
    raise SystemExit("uipy: no build/parts/viper here: run `make parts` first")

package(
    "uipy",
    [f for f in sorted(os.listdir(_PARTS + "/uipy")) if f.endswith(".py") and f != "apps.py"],
    base_path=_PARTS,
    opt=3,
)
