"""For mypy alone (mypy-stubs.ini): what the library calls a device is one, and so is what stands
in for it. Nothing here is run."""

from uipy import Chain, Device, File, FramedDevice, Ring, Source
from uipy._types import AnySource, Datagram, PartSource
from uipy.drivers.enc28j60 import ENC28J60
from uipy.drivers.slip import Slip
from uipy.drivers.wiznet import W5100S, W5500, W6100
from wire.null import Null


def devices(
    enc28j60: ENC28J60, w5500: W5500, w5100s: W5100S, w6100: W6100, slip: Slip, null: Null
) -> list[Device]:
    return [enc28j60, w5500, w5100s, w6100, slip, null]


def framed(
    enc28j60: ENC28J60, w5500: W5500, w5100s: W5100S, w6100: W6100, slip: Slip
) -> list[FramedDevice]:
    return [enc28j60, w5500, w5100s, w6100, slip]


def sources(source: Source, file: File, ring: Ring, chain: Chain) -> list[AnySource]:
    parts: list[PartSource] = [source, file, ring, chain]
    datagrams: list[Datagram] = [source, file, ring, chain]
    assert parts and datagrams
    return [source, file, ring, chain]
