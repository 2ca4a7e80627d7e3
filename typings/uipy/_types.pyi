"""What the public names of uipy take and give, for type checkers. There is no such module on a
board: import it under `if TYPE_CHECKING`, as `Device` from `uipy`."""

from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeAlias

Octets: TypeAlias = bytes | bytearray | memoryview
Address: TypeAlias = str | bytes | bytearray
Say: TypeAlias = Callable[[str], object] | None

class Link(Protocol):
    """What every device has, in whichever way it moves frames."""

    @property
    def l2(self) -> int:
        """Octets of link header: 14 for an Ethernet, 0 for a line that carries IP alone."""
    @property
    def mac(self) -> Octets:
        """6 octets; empty where there is no link header."""
    @property
    def mtu(self) -> int:
        """Octets of IP that a frame can have."""
    def link_up(self) -> bool:
        """True with a live cable, as far as the device can tell."""

class Device(Link, Protocol):
    """What carries the frames of a `Stack`, by three methods (docs/writing-a-driver.md).

    A frame lies at buf[2:2+n] both ways; buf[0] and buf[1] are the device's. Nothing here waits.
    Three methods more are used if they are there: `groups(macs, n)` lets the frames for n
    multicast addresses through, `look()` is the level of an INT pin (0: something came), and
    `still()` says for how many ms nothing but that pin needs to be looked at.
    """

    def recv_into(self, buf: bytearray, /) -> int:
        """The octets of the next frame, now at buf[2:]; 0: none came. Never blocks."""
    def can_send(self) -> bool:
        """True when `send` may be called. For how long it stays False has a bound."""
    def send(self, buf: bytearray, n: int, /) -> object:
        """Sends the n octets at buf[2:]. It cannot fail: what does not leave is counted."""

class FramedDevice(Link, Protocol):
    """What carries the frames of a `Stack`, by a generator: the fast way, which is taken where a
    device has both (docs/writing-a-driver.md has the contract)."""

    def frames(self, buf: bytearray, /) -> Generator[int, Any, object]:
        """A generator that moves frames between the device and `buf`."""

class AnySource(Protocol):
    """What can be sent: a `Source`, a `Ring`, or anything else with these names."""

    @property
    def ended(self) -> bool:
        """True: what a short `fill` did not give will never come."""
    def fill(self, rel: int, buf: bytearray, pos: int, n: int, /) -> int:
        """Writes up to n octets from offset rel to buf[pos:]; returns how many."""
    def acked(self, n: int, /) -> object:
        """The first n octets have arrived."""

class PartSource(AnySource, Protocol):
    """What can stand in front of others in a `Chain`."""

    @property
    def left(self) -> int:
        """Octets, not yet acknowledged, that it can give now."""

class Datagram(Protocol):
    """What a UDP port sends: a `Source`, or anything else with these two names."""

    def fill(self, rel: int, buf: bytearray, pos: int, n: int, /) -> int:
        """Writes up to n octets to buf[pos:]; returns how many. `rel` is 0."""
    def acked(self, n: int, /) -> object:
        """It has been handed to the device."""

class SPI(Protocol):
    """`machine.SPI`, or what looks like one."""

    def write(self, buf: Any, /) -> Any: ...
    def readinto(self, buf: Any, write: int = ..., /) -> Any: ...
    def write_readinto(self, write_buf: Any, read_buf: Any, /) -> Any: ...

class Pin(Protocol):
    """`machine.Pin`, or what looks like one."""

    def __call__(self, x: Any = ..., /) -> Any: ...

class Serial(Protocol):
    """`machine.UART`, or what looks like one: `Console` of uipy.drivers.slip.console."""

    def any(self) -> int: ...
    def readinto(self, buf: Any, /) -> int | None: ...
    def write(self, buf: Any, /) -> int | None: ...
