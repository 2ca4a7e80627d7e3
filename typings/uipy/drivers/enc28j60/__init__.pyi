from collections.abc import Generator
from typing import Any

from ..._types import SPI, Octets, Pin
from ..bus import SharedBus
from ..spidev import SpiDevice

class ENC28J60(SpiDevice):
    revision: int
    def __init__(
        self,
        spi: SPI,
        cs: Pin,
        int_pin: Pin | None = None,
        reset: Pin | None = None,
        mac: Octets | None = None,
        full_duplex: bool = False,
        multicast: bool = False,
        wait: bool = False,
        bus: SharedBus | None = None,
        recover: int = ...,
    ) -> None: ...
    def link_up(self) -> bool: ...
    def groups(self, macs: Octets, n: int) -> None: ...
    def frames(self, buf: bytearray) -> Generator[int, Any, object]: ...
    def still(self) -> int: ...
