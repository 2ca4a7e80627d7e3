from typing import Any

from .._types import Say
from ..stack import Stack

class Acd:
    def __init__(
        self, stack: Stack, iface: int = 0, owner: Any = None, say: Say = None
    ) -> None: ...
    def use(self, ip: str, gateway: str | None = None) -> None: ...
    def close(self) -> None: ...
