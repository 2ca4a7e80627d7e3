# What a web server has besides pages: the status page is told what happens (/events) where this
# is frozen, and asks once a second where it is not. Each module takes RAM only when it is
# imported. They need core.py and apps.py.
import os

_WEB = "../../build/parts/viper/uipy/web"

package(
    "uipy",
    ["web/" + f for f in sorted(os.listdir(_WEB)) if f.endswith(".py")],
    base_path="../../build/parts/viper",
    opt=3,
)
