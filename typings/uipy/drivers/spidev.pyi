from collections.abc import Callable
from typing import Any

from .._types import SPI, Octets, Pin
from .bus import SharedBus

class SpiDevice:
    l2: int
    mtu: int
    mac: bytes
    NAMES: tuple[str, ...]
    stat: list[int]
    on_link: Callable[[bool], object] | None
    def __init__(
        self,
        spi: SPI,
        cs: Pin,
        int_pin: Pin | None,
        reset: Pin | None,
        mac: Octets | None,
        bus: SharedBus | None,
    ) -> None: ...
    def recv_into(self, buf: bytearray) -> int: ...
    def can_send(self) -> bool: ...
    def send(self, buf: bytearray, n: int) -> None: ...
    def counters(self) -> tuple[tuple[str, int], ...]: ...
    def on_int(self, hook: Callable[[Any], object]) -> None: ...
