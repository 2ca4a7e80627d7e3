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
    """The packet buffer: what callbacks are shown lies here."""
    ifaces: list[Iface]
    """The interfaces, by their number."""
    layers: list[Any]
    """What has output(now) and deadline(now): parts with timers or frames of their own."""
    wake: Callable[[], object] | None
    """Called when a call from outside of `poll` makes something due."""
    on_error: Callable[[Exception], object] | bool | None
    """Gets what a callback raised; None: it is printed; False: it is only counted."""
    stat: array[int]
    """The counters; `counters()` has their names."""
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
    def poll(self, now_ms: int | None = None) -> int:
        """Receives what the devices have and sends what is due, 16 frames each at most; returns
        the ms until the next deadline, 0 if there is more to do at once. Without `now_ms` it reads
        the clock. Raises `Reentered` inside a callback."""
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
