from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

def kernel(f: _F) -> _F: ...

ptr8: Any
"""Octets: a bytearray."""
ptr16: Any
"""Halves: an array('H')."""
ptr32: Any
"""Words: an array('i')."""
uint: Any
"""int; on a board without a sign."""
