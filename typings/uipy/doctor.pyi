from collections.abc import Callable
from typing import Any

def run(cfg: Any = None, say: Callable[[str], object] = ...) -> int: ...
