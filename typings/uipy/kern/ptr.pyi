from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

def kernel(f: _F) -> _F: ...

ptr8: Any
ptr16: Any
ptr32: Any
uint: Any
