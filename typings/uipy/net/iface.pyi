from .._types import Address, Device, FramedDevice
from ..stack import Stack

def ip_of(text: Address) -> bytes: ...

class Iface:
    stack: Stack
    dev: Device | FramedDevice
    idx: int
    ip: memoryview
    mtu: int
    up: bool
    def configure(self, ip: str | None = None, gateway: str | None = None) -> None: ...
