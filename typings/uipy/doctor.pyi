"""Is everything connected, and does the network answer? `import uipy.doctor` prints a table at the
prompt, for the board that config.py describes (docs/first-start.md)."""

from collections.abc import Callable
from typing import Any

def run(cfg: Any = None, say: Callable[[str], object] = ...) -> int:
    """Prints the table for `cfg`, config.py if there is none; returns how many rows are BAD."""
