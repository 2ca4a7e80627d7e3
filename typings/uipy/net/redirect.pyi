from collections.abc import Iterator

from ..stack import Stack

class Redirects:
    NAMES: tuple[str, ...]
    HELP: tuple[str, ...]
    def __init__(self, stack: Stack, rows: int = 4) -> None: ...
    def counters(self) -> Iterator[tuple[str, int]]: ...
