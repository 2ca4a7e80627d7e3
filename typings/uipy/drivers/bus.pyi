from typing import Any

from .._types import SPI

class SharedBus:
    def __init__(
        self,
        spi: SPI,
        baudrate: int = 10_000_000,
        polarity: int = 0,
        phase: int = 0,
        lock: Any = None,
    ) -> None: ...
    def acquire(self) -> bool: ...
    def release(self) -> None: ...
