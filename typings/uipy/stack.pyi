from array import array
from collections.abc import Callable, Iterator
from typing import Any

from ._types import Address, Device, FramedDevice
from .app import App
from .net.iface import Iface
from .net.udp import UdpApp, UdpPort
from .tcp.conn import Conn
from .tcp.listen import Listener
from .timers import Timer

class Stack:
    buf: bytearray
    ifaces: list[Iface]
    layers: list[Any]
    wake: Callable[[], object] | None
    on_error: Callable[[Exception], object] | bool | None
    stat: array[int]
    def __init__(
        self,
        dev: Device | FramedDevice,
        ip: str | None = None,
        gateway: str | None = None,
        tcp: int = 8,
        udp: int = 8,
        arp: int = 8,
        time_wait: int = 16,
        half_open: int = 8,
        key: bytes | None = None,
        tcp_options: dict[str, Any] | None = None,
        now: int | None = None,
        groups: int = 0,
    ) -> None: ...
    def poll(self, now_ms: int | None = None) -> int: ...
    def listen(
        self,
        port: int,
        app: Callable[[], App],
        n: int = 1,
        *,
        idle_ms: int = 0,
        spare_ms: int = 5000,
        local: Address | None = None,
    ) -> Listener: ...
    def connect(
        self,
        app: App,
        ip: Address,
        port: int,
        *,
        local: Address | None = None,
        lport: int = 0,
    ) -> Conn: ...
    def bind(self, port: int, app: UdpApp) -> UdpPort: ...
    def every(self, ms: int, f: Callable[[], object]) -> Timer: ...
    def after(self, ms: int, f: Callable[[], object]) -> Timer: ...
    def resolve(self, name: str, f: Callable[[bytes | None], object]) -> None: ...
    def add_iface(
        self,
        dev: Device | FramedDevice,
        ip: str | None = None,
        gateway: str | None = None,
        arp: int = 8,
        groups: int = 0,
    ) -> Iface: ...
    def add_protocol(self, number: int, handler: Any) -> None: ...
    def ip_of(self, text: Address) -> bytes: ...
    def counters(self) -> Iterator[tuple[str, int]]: ...
    @property
    def now(self) -> int: ...
    @property
    def due(self) -> bool: ...
    @property
    def busy(self) -> bool: ...
    @property
    def cast(self) -> bool: ...
    @property
    def src_at(self) -> int: ...
    @property
    def out_iface(self) -> int: ...
    def input(self, n: int, now_ms: int, iface: int = 0) -> int: ...
    def output(self, now_ms: int) -> int: ...
