"""`uipy.doctor`: the chip, its SPI clock, RESET, INT, the link.

The SPI bus and the pins are the doctor's own here, so that no driver has to be up: it asks for
what a chip can say before it is set up, and leaves it reset. The drivers find that out and set
their chip up again.
"""

import time

from .doctor_kinds import driver, made

_SLOW = 1_000_000  # Hz: even 30 cm of loose wire carry that
_RATES = (1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 62, 80)  # MHz that are tried
_ROUNDS = 6  # of 256 octets, at each
_LINK_MS = 6000  # autonegotiation takes up to 3 s


def mhz(hz):
    """15_625_000 -> '15.6 MHz'."""
    tenths = (hz + 50_000) // 100_000
    return "%d.%d MHz" % (tenths // 10, tenths % 10) if tenths % 10 else "%d MHz" % (tenths // 10)


class Bench:
    """The chip on its pins: `exchange(out)` -> as many octets back."""

    def __init__(self, cfg, chip):
        from machine import SPI, Pin

        self.cfg = cfg
        self.config_hz = self.good_hz = cfg.baudrate  # that the wires carry: config.py's or less
        sck, mosi, miso = Pin(cfg.sck), Pin(cfg.mosi), Pin(cfg.miso)
        self.spi = SPI(cfg.spi, baudrate=_SLOW, sck=sck, mosi=mosi, miso=miso)
        self.cs = Pin(cfg.cs, Pin.OUT, value=1)
        self.int_pin = None
        if cfg.int_pin is not None:
            try:
                self.int_pin = Pin(cfg.int_pin, Pin.IN, Pin.PULL_UP)
            except ValueError:  # an input without a resistor
                self.int_pin = Pin(cfg.int_pin, Pin.IN)
        self.reset_pin = None if cfg.reset is None else Pin(cfg.reset, Pin.OUT, value=1)
        self.chip = made(chip, self)

    def exchange(self, out):
        into = bytearray(len(out))
        self.cs(0)
        self.spi.write_readinto(out, into)
        self.cs(1)
        return into

    def rate(self, hz):
        """Sets the SPI clock -> what the port made of it."""
        self.spi.init(baudrate=hz)
        text = str(self.spi)
        at = text.find("baudrate=") + 9
        if at < 9:
            return hz
        end = at
        while end < len(text) and text[end].isdigit():
            end += 1
        return int(text[at:end] or hz)

    def hard_reset(self):
        if self.reset_pin:
            self.reset_pin(0)
            time.sleep_ms(2)
            self.reset_pin(1)
        time.sleep_ms(self.chip.SETTLE_MS)

    def soft_reset(self):
        self.chip.soft_reset()
        time.sleep_ms(self.chip.SETTLE_MS)

    def clean(self, chip=None):
        """-> True when 256 octets come back from the chip's memory as they were written, each
        time, with other octets each time."""
        for k in range(_ROUNDS):
            data = bytearray(256)
            for i in range(256):
                data[i] = (i * 73 + k * 41) & 0xFF if k else (0x55, 0xAA)[i & 1]
            if (chip or self.chip).through_memory(data) != data:
                return False
        return True

    def leave(self):
        """The chip is reset, the clock is that of config.py."""
        self.rate(self.good_hz)
        self.soft_reset()
        self.rate(self.config_hz)

    def device(self, cfg):
        """The driver, at a clock that the wires carry."""
        self.rate(self.good_hz)
        pins = (self.int_pin, self.reset_pin)
        mac = getattr(cfg, "mac", None)
        return driver(self.chip.NAME)(self.spi, self.cs, *pins, mac=mac, wait=True)


def chips_rows(table, bench, cfg):
    """The rows of the chip -> True when there is a link; the chip is reset then, its clock one
    that it keeps up with."""
    bench.rate(_SLOW)
    bench.hard_reset()
    bench.soft_reset()
    read = bench.chip.identity()
    if not bench.chip.known(read):
        _nobody(table, bench, read)
        rows = ("SPI clock", "RESET", "link", "duplex", "INT")
        for what in rows:
            table.none(what, "not tried: no chip")
        return False
    table.ok("chip", bench.chip.told(read))
    if not _clock(table, bench, read):
        for what in ("RESET", "link", "duplex", "INT"):
            table.none(what, "not tried: SPI is not clean")
        return False
    _reset(table, bench)
    up = _link(table, bench)
    _int(table, bench)  # with a link, for some chips send nothing without
    return up


def _nobody(table, bench, read):
    # No chip: what was read, and what that means for the wires.
    cfg = bench.cfg
    for chip in ("enc28j60", "w5500", "w5100s", "w6100"):
        if chip == bench.chip.NAME.lower():
            continue
        try:
            other = made(chip, bench)
        except ImportError:
            continue
        other.soft_reset()
        time.sleep_ms(other.SETTLE_MS)
        got = other.identity()
        if other.known(got) and other.identity() == got and bench.clean(other):
            told = "Say chip = %r in config.py or pins.py." % chip
            table.BAD("chip", "no %s, but a %s answers" % (bench.chip.NAME, other.NAME), told)
            return
    found = "no %s: %s read 0x%02X" % (bench.chip.NAME, bench.chip.register(), read)
    if read == 0:
        remedy = (
            "MISO (GPIO %d) stays low: has the chip its 3.3 V and GND, and do SCK (%d), MOSI (%d) "
            "and CS (%d) reach it?" % (cfg.miso, cfg.sck, cfg.mosi, cfg.cs)
        )
    elif read in (0xFF, 0xFFFF):
        remedy = (
            "MISO (GPIO %d) stays high, nobody drives it: is its wire on the chip's SO, CS on "
            "GPIO %d, and is the chip powered and not held in reset?" % (cfg.miso, cfg.cs)
        )
    else:
        remedy = "Octets arrive, but not these: are MOSI (%d) and SCK (%d) swapped?"
        remedy = remedy % (cfg.mosi, cfg.sck)
    table.BAD("chip", found, remedy)


def _clock(table, bench, read):
    # The SPI clock goes up until octets come back changed.
    best = was = 0
    for rate in _RATES:
        real = bench.rate(rate * 1_000_000)
        if real <= was:
            continue
        was = real
        if not bench.clean():
            break
        best = real
    else:
        was = 0  # none of them was too fast
    bench.rate(_SLOW)
    bench.hard_reset()
    bench.soft_reset()
    real = bench.rate(bench.config_hz)
    limit = "clean up to %s%s" % (mhz(best), ", not at %s" % mhz(was) if was else "")
    found = "%s; config.py has %s" % (limit, mhz(real))
    if not best:
        bench.good_hz = _SLOW
        bench.rate(_SLOW)
        told = "What is written comes back changed even at 1 MHz: look at MOSI, SCK and GND."
        table.BAD("SPI clock", "not clean at %s" % mhz(was), told)
        return False
    if real > best:
        told = "Shorter wires, GND beside SCK; or baudrate = %d in config.py." % (best * 4 // 5)
        table.BAD("SPI clock", found, told)
        bench.good_hz = best
        bench.rate(best)
    elif real < bench.chip.slowest(read):
        told = "This revision wants 8 MHz and more (errata 1): baudrate = 12_000_000."
        table.BAD("SPI clock", found, told)
        bench.good_hz = min(best, 12_000_000)
        bench.rate(bench.good_hz)
    else:
        table.ok("SPI clock", found)
    return True


def _reset(table, bench):
    if bench.reset_pin is None:
        table.none("RESET", "not connected (reset = None): the chip is reset over SPI")
        return
    bench.chip.mark()
    if not bench.chip.marked():
        table.none("RESET", "cannot be tried: a register does not keep its value")
        return
    bench.hard_reset()
    if bench.chip.marked():
        told = "Look at the wire from GPIO %d to the chip's RESET; or say reset = None."
        table.BAD(
            "RESET", "low on GPIO %d resets nothing" % bench.cfg.reset, told % bench.cfg.reset
        )
    else:
        table.ok("RESET", "GPIO %d resets the chip" % bench.cfg.reset)


def _int(table, bench):
    pin, n = bench.int_pin, bench.cfg.int_pin
    if pin is None:
        table.none("INT", "not connected (int_pin = None): the chip is polled")
        return
    idle = pin()
    stands = bench.chip.raise_int()
    fell = not pin()
    bench.chip.clear_int()
    back = pin()
    if idle and fell and back:
        table.ok("INT", "GPIO %d falls and rises with the chip's interrupt" % n)
    elif not stands:
        table.none("INT", "cannot be tried: the chip raised no interrupt")
    else:
        found = "stays high while the chip's interrupt stands"
        if fell:
            found = "does not rise again" if idle else "is low all the time"
        told = "Look at the wire from GPIO %d to the chip's INT; or say int_pin = None." % n
        table.BAD("INT", "GPIO %d %s" % (n, found), told)
    bench.soft_reset()


def _link(table, bench):
    began = time.ticks_ms()
    while not bench.chip.link():
        if time.ticks_diff(time.ticks_ms(), began) > _LINK_MS:
            told = "Plug the cable in at both ends, try another one, and look at the LEDs."
            table.BAD("link", "none within %d s" % (_LINK_MS // 1000), told)
            table.none("duplex", "not tried: no link")
            return False
        time.sleep_ms(20)
    table.ok("link", "up after %d ms" % time.ticks_diff(time.ticks_ms(), began))
    table.ok("duplex", bench.chip.mode())
    return True
