from collections.abc import Iterator

from ..stack import Stack

class Reassembly:
    NAMES: tuple[str, ...]
    HELP: tuple[str, ...]
    def __init__(self, stack: Stack, slots: int = 2, size: int | None = None) -> None: ...
    def counters(self) -> Iterator[tuple[str, int]]: ...
