"""What config.py says, held against what there is: names, types, addresses, pins, sizes.

    for line in problems(config):
        print("config.py:", line)

main.py loads this at the start and forgets it again. All problems are found, not only the first;
each is one sentence with its remedy. What cannot be known here (a pin of a chip that has no row
below, what the network says) is left to the doctor (`import uipy.doctor`).
"""

import sys

SERVICES = ("http", "echo", "discard", "chargen", "daytime")
CHIPS = ("enc28j60", "w5500", "w5100s", "w6100", "slip")

# Every name of config.py: its kind, and the least and the most of a number. One text, for a table
# of names would stay in the board's memory for ever.
_NAMES = """
name text
ip ip
gateway address?
mac mac
lease_file text?
hostname host
dns addresses
ntp text?
syslog address?
chip text
spi int 0 3
baudrate int 100000 80000000
sck pin
mosi pin
miso pin
cs pin
int_pin pin?
reset pin?
safe_pin pin?
line_ip ip
line_gateway address?
line_mtu int 576 1500
services text
clients int 1 250
events int 0 16
echo_clients int 1 250
echo_ring int 64 65535
program text?
background bool
watchdog watchdog
keepalive_s int 0 86400
idle_s int 0 500000
tcp int 0 250
udp int 0 250
arp int 1 250
time_wait int 1 255
half_open int 1 255
tcp_options options
"""
_OPTIONS = (
    "reassembly cookies ecn timestamps window_scale sack urgent room max_flight rto_min rto_max "
    "rto_init delayed_ack msl linger watch"
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
_BUS = ("sck", "mosi", "miso", "cs")
# The GPIO numbers of a chip that can be used, and those that can only be read.
_GPIO = {
    "RP2040": (range(30), ()),
    "RP2350": (range(48), ()),
    "ESP32": (
        [n for n in range(40) if n not in (6, 7, 8, 9, 10, 11, 20, 24, 28, 29, 30, 31)],
        range(34, 40),
    ),
}
_WATCHDOG_S = {"RP2040": 8, "RP2350": 8}  # its timer has 24 bits of half microseconds


def problems(cfg, chips=CHIPS):
    """A list of sentences about `cfg`; empty when all is well. `chips`: the names that there are;
    without any the device is there already, and nobody asks for its pins. A name that is missing
    has its default.
    """
    rows = {}
    for line in _NAMES.strip().split("\n"):
        name, kind, *limits = line.split()
        rows[name] = (kind, [int(n) for n in limits])
    have = {n: getattr(cfg, n) for n in dir(cfg) if n[0] != "_"}
    found = [line for n in sorted(have) if n not in rows for line in _unknown(n, have, rows)]
    good = {}
    slip = str(have.get("chip")).strip().lower() == "slip"
    for name, (kind, limits) in rows.items():
        if name in have and not (slip and have[name] is None):
            line = _wrong(name, have[name], kind, limits)
            if line:
                found.append(line)
            else:
                good[name] = have[name]
    _network(good, found)
    _served(good, SERVICES, found)
    if chips:
        _chip(have, good, chips, found)
    return found


def _unknown(name, have, rows):
    # A name that is like none of ours is the user's own, and so is a second of something (cs2).
    close = near(name, [n for n in rows if n not in have]) or near(name, rows)
    own = callable(have[name]) or isinstance(have[name], type(sys)) or name[-1].isdigit()
    if close and not own:
        yield "there is no setting %s; did you mean %s?" % (name, close)


def near(word, words):
    """The one of `words` that `word` was meant to be, perhaps; None: it is like none of them."""
    best, most = None, 1 + len(word) // 5
    for other in words:
        d = _distance(word.lower(), other)
        if d <= most:
            best, most = other, d - 1
    return best


def _distance(a, b):
    # How many letters are to be put in, taken out or changed (Levenshtein).
    row = list(range(len(b) + 1))
    for i in range(len(a)):
        left = row[:]
        row[0] = i + 1
        for k in range(len(b)):
            row[k + 1] = min(left[k] + (a[i] != b[k]), left[k + 1] + 1, row[k] + 1)
    return row[-1]


def _wrong(name, value, kind, limits):
    # A sentence about one value by itself, or None.
    if kind[-1] == "?":
        if value is None:
            return None
        kind = kind[:-1]
    wanted = _KINDS[kind](value, *limits)
    return wanted and "%s = %r: %s is wanted" % (name, value, wanted)


def _text(value):
    return None if isinstance(value, str) else "a text in quotes"


def _int(value, low, high):
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return None
    return "a number from %d to %d" % (low, high)


def _watchdog(value):
    return None if value in (0, None) or not _int(value, 3, 3600) else "0, or 3 seconds and more"


def _bool(value):
    return None if isinstance(value, bool) else "True or False"


def _pin(value):
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return None
    return "a GPIO number, such as 17"


def _address(value):
    return None if octets(value) else "an address such as '192.168.1.1'"


def _addresses(value):
    if value is None or (
        isinstance(value, str) and all([octets(a.strip()) for a in value.split(",") if a.strip()])
    ):
        return None
    return "None, or addresses such as '192.168.1.1, 9.9.9.9'"


def _ip(value):
    if value is None or (isinstance(value, str) and value.lower() in ("dhcp", "auto")):
        return None
    if isinstance(value, str):
        address, slash, length = value.partition("/")
        if octets(address) and (not slash or (length.isdigit() and 1 <= int(length) <= 32)):
            return _host(octets(address), int(length or 24))
    return "'dhcp', 'auto', None or an address such as '192.168.1.7/24'"


def _host(address, bits):
    # None, or what is wanted instead of an address that no host can have (RFC 1122 3.2.1.3).
    if address[0] in (0, 127) or address[0] >= 224:
        return "an address that a host can have, such as '192.168.1.7/24',"
    hosts = (1 << 32 - bits) - 1
    if bits < 31 and _number(address) & hosts in (0, hosts):
        return "an address between the two ends of its subnet /%d" % bits
    return None


def _mac(value):
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray)) and len(value) == 6 and not value[0] & 1:
        return None
    return "None, or 6 octets with an even first one, such as b'\\x02\\0\\0\\0\\0\\x07',"


def _name(value):
    if not value:
        return None
    if isinstance(value, str) and len(value) <= 32 and "-" not in (value[0], value[-1]):
        if all([letter in _LETTERS for letter in value.lower()]):
            return None
    return "None, or a name of up to 32 letters, digits and hyphens"


def _options(value):
    if value is None:
        return None
    if not isinstance(value, dict):
        return "None, or a dict such as {'cookies': True}"
    for name in value:
        if name not in _OPTIONS.split():
            close = near(str(name), _OPTIONS.split())
            return "%r" % close if close else "a dict with names of " + _OPTIONS.replace(" ", ", ")
    return None


_KINDS: dict = {
    "text": _text,
    "int": _int,
    "watchdog": _watchdog,
    "bool": _bool,
    "pin": _pin,
    "address": _address,
    "addresses": _addresses,
    "ip": _ip,
    "mac": _mac,
    "host": _name,
    "options": _options,
}


def octets(text):
    """'192.168.1.7' -> [192, 168, 1, 7]; None when it is no address."""
    parts = text.split(".") if isinstance(text, str) else ()
    if len(parts) == 4 and all([part.isdigit() and int(part) < 256 for part in parts]):
        return [int(part) for part in parts]
    return None


def _number(address):
    n = 0
    for octet in address:
        n = n << 8 | octet
    return n


def _network(good, found):
    # The gateway, and what DHCP alone can tell.
    ip, gateway = good.get("ip"), good.get("gateway")
    if not ip or ip.lower() in ("dhcp", "auto"):
        return
    address, _, length = ip.partition("/")
    bits = int(length or 24)
    if gateway:
        ours, theirs = _number(octets(address)), _number(octets(gateway))
        if ours == theirs:
            found.append(
                "gateway = %r is the board's own address: the router's is wanted" % gateway
            )
        elif (ours ^ theirs) >> 32 - bits:
            found.append(
                "gateway = %r is no neighbour of ip = %r: both must begin alike, for %d bits"
                % (gateway, ip, bits)
            )


def _served(good, services, found):
    # Services that there are not; more ports than the table has rows.
    names = [n.strip().lower() for n in good.get("services", "").split(",") if n.strip()]
    for name in names:
        if name not in services:
            close = near(name, services)
            there = "did you mean %r?" % close if close else "there are " + ", ".join(services)
            found.append("services: there is no service %r; %s" % (name, there))
    if names and names != ["echo"] and good.get("tcp") == 0:
        found.append("tcp = 0: the services need connections; tcp = 8, or services = ''")
    if "udp" in good:
        ports = [n for n in ("hostname", "ntp", "syslog") if good.get(n)]
        ports += ["ip"] if str(good.get("ip")).lower() == "dhcp" else []
        ports += ["services"] if "echo" in names else []
        if good["udp"] < len(ports):
            told = "udp = %d: %s need a port each, so that %d is the least"
            found.append(told % (good["udp"], ", ".join(ports), len(ports)))


def _chip(have, good, chips, found):
    # The chip, and its pins on this microcontroller.
    chip = good.get("chip", "").strip().lower()
    if "chip" not in have or ("chip" in good and chip not in chips):
        close = near(chip, chips)
        there = "did you mean %r?" % close if close else "there are " + ", ".join(chips)
        found.append("chip = %r: there is no such driver; %s" % (have.get("chip"), there))
    machine = getattr(sys.implementation, "_machine", "")
    mcu = machine.split(" with ")[-1].upper()
    if (good.get("watchdog") or 0) > _WATCHDOG_S.get(mcu, 3600):
        told = "watchdog = %d: the %s counts to %d seconds at the most; or 0, for none"
        found.append(told % (good["watchdog"], mcu, _WATCHDOG_S[mcu]))
    pins = ("safe_pin",)
    if chip == "slip" and good.get("background"):
        found.append("background = True: SLIP has the line of the prompt; say False")
    if chip != "slip":
        missing = [n for n in ("spi", "baudrate") + _BUS + ("int_pin", "reset") if n not in have]
        if missing:
            found.append(
                "%s: missing; does config.py begin with `from pins import *`, and is the pins.py "
                "of your board on it?" % ", ".join(missing)
            )
        pins = _BUS + ("int_pin", "reset", "safe_pin")
    used = {}
    for name in pins:
        n = good.get(name)
        if n is None:
            continue
        if n in used:
            found.append("%s = %d is the pin of %s, too: two pins are wanted" % (name, n, used[n]))
        used[n] = name
        line = _pin_of(name, n, good.get("spi"), mcu, machine)
        if line:
            found.append(line)
    _spi_of(good.get("spi"), chip, mcu, found)


def _pin_of(name, n, spi, mcu, machine):
    # A sentence about one pin, or None.
    if mcu not in _GPIO:
        return None
    there, inputs = _GPIO[mcu]
    if n not in there:
        return "%s = %d: an %s has no such GPIO for us%s; look at its pins once more" % (
            (name, n, mcu, " (6 to 11 are its flash)" if mcu == "ESP32" and 5 < n < 12 else "")
        )
    if n in inputs and name in ("sck", "mosi", "cs", "reset"):
        return "%s = %d: GPIO%d of an ESP32 is an input; take one below 34" % (name, n, n)
    if "Pico" in machine and "EVB" not in machine and n in (23, 24, 25, 29):
        return "%s = %d: GP%d of a Pico leads to no pin of the board; take another" % (name, n, n)
    if mcu[:2] == "RP" and name in ("sck", "mosi", "miso") and spi in (0, 1):
        role = ("miso", "", "sck", "mosi").index(name)
        ours = [k for k in there if k & 3 == role and k >> 3 & 1 == spi]
        if n not in ours:
            told = "%s = %d: SPI%d of an %s has its %s at GPIO %s%s"
            also = "; or is spi = %d meant?" % (1 - spi) if n & 3 == role else ""
            at = ", ".join([str(k) for k in ours])
            return told % (name, n, spi, mcu, name.upper(), at, also)
    return None


def _spi_of(spi, chip, mcu, found):
    numbers = (0, 1) if mcu[:2] == "RP" else (1, 2) if mcu == "ESP32" else None
    if numbers and spi is not None and chip != "slip" and spi not in numbers:
        told = "spi = %d: an %s has SPI%d and SPI%d for us"
        found.append(told % (spi, mcu, numbers[0], numbers[1]))
