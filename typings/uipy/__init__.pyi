from ._types import Device as Device
from ._types import FramedDevice as FramedDevice
from .app import App as App
from .drivers.errors import NoChip as NoChip
from .errors import BadAddress as BadAddress
from .errors import Busy as Busy
from .errors import Error as Error
from .errors import NoEntropy as NoEntropy
from .errors import NotConnected as NotConnected
from .errors import Reentered as Reentered
from .errors import SourceChanged as SourceChanged
from .errors import TableFull as TableFull
from .net.acd import Acd as Acd
from .net.igmp import Groups as Groups
from .net.reassembly import Reassembly as Reassembly
from .net.redirect import Redirects as Redirects
from .net.udp import UdpApp as UdpApp
from .ring import Ring as Ring
from .source import Bytes as Bytes
from .source import Chain as Chain
from .source import File as File
from .source import Source as Source
from .stack import Stack as Stack

__version__: str
