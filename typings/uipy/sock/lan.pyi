from collections.abc import Callable
from typing import Any

from .._types import Pin
from ..stack import Stack

class Lan:
    stack: Stack
    def start(self) -> None: ...
    def stop(self, up: bool = False) -> None: ...
    def connected(self) -> bool: ...
    def status(self) -> int: ...

def attach(
    stack: Stack,
    home: Any = None,
    wait: Callable[[int], object] | None = None,
    int_pin: Pin | None = None,
    name: str = "uipy",
    say: Callable[[str], object] | None = print,
) -> Lan: ...
def current() -> Lan: ...
