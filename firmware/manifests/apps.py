# The applications: HTTP, echo, discard, chargen, daytime. They need core.py.
import os

package(
    "uipy",
    ["apps/" + f for f in sorted(os.listdir("../../lib/uipy/apps")) if f.endswith(".py")],
    base_path="../../lib",
    opt=3,
)
