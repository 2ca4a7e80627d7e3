"""The RP2040 of rp2040py, with a file system, a console and the faults of a real one.

    mcu = Mcu(image, files); mcu.attach(bridge); mcu.start(); mcu.run_for(0.1)

The processor runs in emulated time: 8 ns for each cycle of its 125 MHz, a sleep as long as it is,
however long that takes here. The same image, files and frames give the same cycles, always.
"""

from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.device.load_flash import load_uf2
from rp2040py.execute_batch import execute_batch
from rp2040py.external import attach_external_devices
from rp2040py.external.bootsel_button import BootselButton
from rp2040py.rp2040 import RP2040
from rp2040py.simulator import Simulator
from rp2040py.usb.cdc import USBCDC

from . import flash

HZ = 125_000_000
CYCLE_NS = 8
_PERI_HZ = 48_000_000  # what MicroPython runs SPI and UART at
_LOOK_NS = 5_000_000  # emulated, between two looks of run_for
_FLASH = 0x10000000
_FLASH_SIZE = 2 << 20
_FIFO_ST, _FIFO_RD = 0x50, 0x58  # of SIO; bit 0 of the first: there is something, bit 1: room
_RDY = 2
_VSYS = 2068  # of 4095, at GPIO29: a Pico has a third of its supply there, of 5 V
# What the emulator lets pass with a warning and a Cortex-M0+ answers with a HardFault
# (ARMv6-M A3.2.1 for the first).
_FATAL = ("not 32 bit aligned", "invalid memory", "undefined address", "not implemented")


class HardFault(Exception):
    """The program did what ends a real RP2040: says what, and at which address of code."""


class _Log:
    """rp2040py's logger: what is fatal on a chip is fatal here, the rest is nobody's business."""

    def __init__(self):
        self.pc = lambda: 0

    def warning(self, part, text):
        if any(words in text for words in _FATAL):
            raise HardFault("HardFault at 0x%08x: %s" % (self.pc(), text))

    def debug(self, part, text):
        pass

    info = debug
    error = warning


class StrictRP2040(RP2040):
    """Halfword and word accesses must be aligned (ARMv6-M A3.2.1); slower by a third or more."""

    def read_uint16(self, address):
        if address & 1:
            self._misaligned("16-bit read", address)
        return super().read_uint16(address)

    def write_uint16(self, address, value):
        if address & 1:
            self._misaligned("16-bit write", address)
        return super().write_uint16(address, value)

    def write_uint32(self, address, value):
        if address & 3:
            self._misaligned("32-bit write", address)
        return super().write_uint32(address, value)

    def _misaligned(self, what, address):
        raise HardFault("HardFault at 0x%08x: %s of 0x%08x" % (self.core.pc, what, address))


class Mailbox:
    """What a soft reset wants of core 1, which the emulator has not: when it is reset, it pushes a
    0 (RP2040 data sheet 2.8.2). The FIFO has one whenever it is asked anew."""

    def __init__(self, sio):
        self._read = sio.read_uint32
        self._there = True
        sio.read_uint32 = self.read

    def read(self, offset):
        if offset == _FIFO_ST:
            status, self._there = _RDY | self._there, True
            return status
        if offset == _FIFO_RD:
            self._there = False
            return 0
        return self._read(offset)


class Console:
    """The board's USB serial port, and its UART 0. `text` is what it has said; `type(text)` says
    something to it."""

    def __init__(self, mcu):
        self.text = ""
        self.heard = None  # called with each piece
        self.octets = None  # the same, as they came: port.py
        self._cdc = USBCDC(mcu.usb_ctrl)
        self._cdc.on_serial_data = self._say
        # Where print goes before USB is up (on_board/serial.py).
        mcu.uart[0].on_byte = lambda octet: self._say((octet,))
        self._typed = b""
        self._wanted = (0, 0)  # the endpoint that asks, and for how many octets
        self._usb = mcu.usb_ctrl
        self._read = self._usb.on_endpoint_read
        self._usb.on_endpoint_read = self._asked

    def _say(self, data):
        if self.octets:
            self.octets(bytes(data))
        piece = bytes(data).decode(errors="replace")
        self.text += piece
        if self.heard:
            self.heard(piece)

    def _asked(self, endpoint, size):
        # A bulk read with nothing to give would be answered by an empty packet every 10 us, for
        # ever; a real host says nothing then.
        if endpoint == 0:
            self._read(endpoint, size)
        else:
            self._wanted = (endpoint, size)
            self._give()

    def type(self, text):
        """These characters arrive; "\x03" is Ctrl-C."""
        self._typed += text.encode()
        self._give()

    def _give(self):
        endpoint, size = self._wanted
        if endpoint and self._typed:
            data, self._typed = self._typed[:size], self._typed[size:]
            self._wanted = (0, 0)
            self._usb.endpoint_read_done(endpoint, bytearray(data))


class Mcu:
    """A Pico with an image in its flash and `files` ({path: octets}) on its file system."""

    def __init__(self, image, files, strict=False):
        self.sim = Simulator(rp2040=(StrictRP2040 if strict else RP2040)())
        self.chip = self.sim.rp2040
        self.clock = self.sim.clock
        self.core = self.chip.core
        self.chip.load_bootrom(BOOTROM_B1)
        log = _Log()
        self.chip.logger = log
        load_uf2(image, self.chip)
        start, blocks = flash.place(bytes(self.chip.flash[:_FLASH_SIZE]))
        data = flash.image(files, blocks)
        self.chip.flash[start : start + len(data)] = data
        self.chip.clk_peri = _PERI_HZ
        Mailbox(self.chip.sio)
        self.chip.adc.channel_values[3] = _VSYS
        attach_external_devices(self.chip, BootselButton())
        self.console = Console(self.chip)
        self._halt = self.clock.create_alarm(self.stop)
        log.pc = lambda: self.core.pc

    def attach(self, device):
        device.attach(self.chip)

    def start(self):
        """Power."""
        self.core.pc = _FLASH

    def stop(self):
        """Leaves run_for() and run_batch() after this instruction."""
        self.sim.stopped = True

    @property
    def ms(self):
        """Emulated time since power."""
        return self.clock.nanos / 1e6

    def run_batch(self, ns):
        """Runs for some milliseconds of ours, and for `ns` of emulated time at most."""
        self._halt.schedule(ns)
        self.sim.stopped = False
        execute_batch(self.sim, 1)

    def run_for(self, seconds, until=None):
        """Runs for so many emulated seconds, or until `until()` -> True if it was."""
        end = self.clock.nanos + seconds * 1e9
        while self.clock.nanos < end:
            self.run_batch(min(end - self.clock.nanos, _LOOK_NS))
            if until and until():
                return True
        return False

    def step(self):
        """One instruction, or a sleep up to the next alarm."""
        if self.core.waiting:
            self.clock.tick(self.clock.nanos_to_next_alarm)
        else:
            self.clock.tick(self.core.execute_instruction() * CYCLE_NS)
