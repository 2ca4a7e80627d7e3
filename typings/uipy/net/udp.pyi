from .._types import Address, Datagram
from ..stack import Stack

class UdpApp:
    poll_ms: int
    def received(self, port: UdpPort, buf: bytearray, start: int, n: int) -> int | None: ...
    def error(self, port: UdpPort, reason: str) -> object: ...
    def poll(self, port: UdpPort) -> object: ...

class UdpPort:
    stack: Stack
    num: int
    app: UdpApp
    sport: int
    cast: int
    max: int
    def send(self, ip: Address, dport: int, src: Datagram, iface: int = -1) -> None: ...
    def close(self) -> None: ...
