from collections.abc import Callable, Sequence
from typing import Any

from .._types import Octets
from ..app import App
from ..net.udp import UdpApp, UdpPort
from ..stream import Stream
from ..tcp.conn import Conn
from ..writer import Writer

class Echo(Stream):
    keepalive_s: int
    def __init__(self, size: int = 5840) -> None: ...

class UdpEcho(UdpApp):
    def received(self, port: UdpPort, buf: bytearray, start: int, n: int) -> int | None: ...

class Discard(App):
    keepalive_s: int

class Daytime(App):
    keepalive_s: int
    def __init__(self, clock: Callable[[], Sequence[int]] = ...) -> None: ...

class Chargen(App):
    keepalive_s: int
    def __init__(self) -> None: ...

class Page:
    need: int
    held: bool
    size: int
    def __init__(
        self, data: Octets | str = b"", kind: str = "text/html; charset=utf-8", more: bytes = b""
    ) -> None: ...

class FilePage(Page):
    def __init__(
        self, path: str, kind: str = "application/octet-stream", more: bytes = b""
    ) -> None: ...
    def write(self, out: Writer, file: Any) -> None: ...

class View(Page):
    def __init__(
        self, kind: str = "text/plain; charset=utf-8", more: bytes = b"Cache-Control: no-store\r\n"
    ) -> None: ...
    def note(self, snap: bytearray) -> object: ...
    def write(self, out: Writer, snap: bytearray) -> object: ...

class Text(View):
    def __init__(
        self,
        func: Callable[[Writer], object],
        kind: str = "text/plain; charset=utf-8",
        size: int = 256,
    ) -> None: ...

class Http(App):
    site: Site
    def __init__(self, site: Site) -> None: ...
    def stop(self, conn: Conn) -> None: ...

class Site:
    def __init__(
        self,
        line: int = 256,
        fields: int = 8192,
        snaps: int = 2,
        ahead: int = 96,
        idle_s: int = 30,
    ) -> None: ...
    def add(self, path: str, page: Page) -> None: ...
    def __call__(self) -> App: ...
