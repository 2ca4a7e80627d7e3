# The core: uipy without drivers and applications. A module takes RAM only when it is imported, so
# that everything is frozen but the kernels of other machines.
import os

_OTHERS = ("_kern_cpython.py", "_kern_py.py")

package(
    "uipy",
    [f for f in sorted(os.listdir("../../lib/uipy")) if f.endswith(".py") and f not in _OTHERS],
    base_path="../../lib",
    opt=3,
)
