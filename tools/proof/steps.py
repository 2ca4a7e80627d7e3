"""What the kernels that carry a packet are asked (net/, tcp/, poll.py); runs on every Python.

`run(kernels, where, say)` gives each of them drawn arguments within what it promises to take, and
says what came of it: its name, its result, and a digest of every array that it was given. `where`
is a dict of the places in those arrays (net/datagram.py, tcp/row.py, ...), which a joined library
has folded away. As a script: `steps.py LAYOUT [heap]`, LAYOUT being that dict as JSON; with `heap`
it prints the octets that each kernel took.
"""

# mypy: disable-error-code="attr-defined"

from array import array

ROUNDS = 300
BIG = (1 << 30) - 1
NAMES = (
    "front.front", "front.passing", "front.group", "front.aim", "front.divisible", "front.head",
    "icmp.echo", "udp.whose_port", "udp.udp_head", "poll.tick", "whose.whose", "rto.sample",
    "rto.arm", "rto.restart", "rto.account", "congestion.usable", "congestion.grow", "ack.moves",
    "ack.window", "text.taken", "emit.seal", "emit.emit", "emit.opens", "timers._row_in_ms",
    "reassembly.claim",
)  # fmt: skip
HALVES = (0, 0, 0, 1, 2, 3, 536, 1460, 4000, 0x3FFF, 0x7FFF, 0x8000, 61440, 0xFFFE, 0xFFFF)
TIMES = (0, 1, 1000, 0x1FFFFFFF, 0x20000000, 0x20000001, BIG - 500, BIG - 1, BIG)
OURS, PEER, GROUP = (10, 0, 0, 1), (10, 0, 0, 9), (224, 0, 0, 251)
ALL = (255, 255, 255, 255)
HOSTS = (OURS, OURS, OURS, PEER, (10, 0, 0, 255), ALL, (224, 0, 0, 1), (127, 0, 0, 1), (0,) * 4)
CLOCKS = (
    "TIMED_AT", "REXMT_AT", "ACK_AT", "SINCE_AT", "BUSY_AT", "POLL_AT", "SENT_AT", "HEARD_AT",
)  # fmt: skip


class Dice:
    """Draws that are the same everywhere: no product over 30 bits."""

    def __init__(self, seed):
        self.x = seed % 65537 or 1

    def roll(self, n):
        """0 to n - 1, n <= 65536."""
        self.x = (self.x * 75 + 74) % 65537
        return (self.x ^ (self.x >> 7)) % n

    def of(self, things):
        return things[self.roll(len(things))]

    def octets(self, n):
        return bytearray([self.roll(256) for _ in range(n)])

    def half(self):
        return self.of(HALVES) if self.roll(2) else self.roll(65536)

    def time(self):
        return self.of(TIMES) if self.roll(2) else self.roll(16384) << 16 | self.roll(65536)


def total(b, i, n, acc=0):
    """The ones' complement sum, octet by octet."""
    for k in range(n):
        acc += b[i + k] if k & 1 else b[i + k] << 8
    while acc > 0xFFFF:
        acc = (acc & 0xFFFF) + (acc >> 16)
    return acc


def digest(b):
    h = 1
    for x in b:
        h = (h * 31 + x) % 65521
    return h


class World:
    """Drawn arrays: the buffer, a face, `seg`, `out`, `env`, counters and a table of rows."""

    def __init__(self, seed, where):
        self.dice = d = Dice(seed)
        self.at = where
        w = where
        self.buf = d.octets(200)
        self.face = d.octets(w["FACE_SIZE"] + 8)  # two groups
        self.face[w["GROUPS"]] = w["GROUP"] + 4 * d.roll(3) if d.roll(3) else 0
        for k in range(8):
            self.face[w["GROUP"] + k] = (GROUP + (224, 0, 0, 1))[k]
        self.face[w["L2"]] = d.of((0, 14))
        self.face[w["IDX"]] = d.roll(2)
        for k in range(4):
            self.face[w["OUR_IP"] + k] = OURS[k]
            self.face[w["BCAST"] + k] = 255 if k == 3 else OURS[k]
        self.seg = array("i", bytearray(4 * w["SEG_SIZE"]))
        self.out = array("i", bytearray(4 * w["OUT_SIZE"]))
        self.out[w["OUT_WHOLE"]] = d.of((20, 60, 0xFFFF))
        self.env = array("i", bytearray(4 * w["ENV_SIZE"]))
        self.stat = array("i", [d.of((0, 5, BIG - 1, BIG)) for _ in range(w["COUNTERS"])])
        self.rows = array("H", [d.half() for _ in range(3 * w["ROW_SIZE"])])
        self.row = self.rows  # the first one
        self._env()
        for k in range(3):
            self._row(k * w["ROW_SIZE"])

    def _env(self):
        d, w, env = self.dice, self.at, self.env
        for name in ("NOW", "NEXT_AT", "TCP_AT"):
            env[w[name]] = d.time()
        env[w["ROWS"]], env[w["ROW_SPAN"]] = 3, w["ROW_SIZE"]
        env[w["OWN_MSS"]] = d.of((88, 536, 1460))
        env[w["MAX_FLIGHT"]] = d.of((0, 0, 1, 2, 44))
        env[w["RTO_MIN"]], env[w["RTO_MAX"]] = d.of((1, 200, 1000)), d.of((2000, 60000, 65535))
        env[w["CLOCK"]], env[w["CLOCK_LOW"]] = d.half(), d.half()
        env[w["DELAYED_ACK"]] = d.of((0, 100, 499))

    def _row(self, o):
        d, w, r = self.dice, self.at, self.rows
        for name in CLOCKS:
            self.pair(o + w[name], d.time())
        for name in ("ADV", "ROOM", "BUFF"):
            self.pair(o + w[name], d.of((0, 1, 1460, 5840, 65535, 65536, 100000, BIG - 16383)))
        for name in ("SRTT", "RTTVAR"):
            r[o + w[name]] &= 3
        shifts = (0, 0, 0, 1, 7, 14)
        r[o + w["SHIFTS"]] = d.of(shifts) << 8 | d.of(shifts)
        for name in ("MSS", "RMSS"):
            r[o + w[name]] = d.of((1, 536, 1460))
        r[o + w["STATE"]] = d.of((0, 2, 3, 4, 4, 4, 5, 10))
        for name in ("OWES", "OURS", "OPTS", "TIMERS"):
            r[o + w[name]] = 0 if d.roll(2) else d.roll(256)
        r[o + w["TTL_TOS"]] = d.roll(65536)

    def pair(self, k, v):
        self.rows[k] = v >> 16
        self.rows[k + 1] = v & 0xFFFF

    def number(self, k):
        """The octets of a pair."""
        r = self.rows
        return bytes((r[k] >> 8, r[k] & 255, r[k + 1] >> 8, r[k + 1] & 255))

    def datagram(self, proto, size):
        """A frame in the buffer with `size` octets behind an IP header, good or not; its length
        without the link's header."""
        d, b, w = self.dice, self.buf, self.at
        h = 2 + self.face[w["L2"]]
        ihl = d.of((20, 20, 20, 24, 32))
        if h == 16:
            b[2] &= 0xFE
            for k in range(6):
                if d.roll(9):
                    b[2 + k] = self.face[w["OUR_MAC"] + k]
            b[8] &= 0xFE if d.roll(20) else 0xFF
            b[14], b[15] = d.of(((8, 0), (8, 0), (8, 0), (8, 6), (0x86, 0xDD)))
        b[h] = 0x40 | ihl >> 2
        if ihl > 20 and d.roll(2):
            b[h + 20] = d.of((1, 131, 137))
        b[h + 2], b[h + 3] = 0, ihl + size
        b[h + 6], b[h + 7] = d.of(((0, 0), (0x40, 0), (0x40, 0), (0x20, 0), (0, 9)))
        b[h + 9] = proto
        b[h + 12 : h + 16] = bytes(d.of((PEER,) * 3 + HOSTS))
        b[h + 16 : h + 20] = bytes(d.of(HOSTS))
        b[h + 10] = b[h + 11] = 0
        c = 0xFFFF ^ total(b, h, ihl)
        b[h + 10], b[h + 11] = c >> 8, c & 255
        if not d.roll(6):
            b[h + d.roll(20)] ^= 1 << d.roll(8)
        self.place(h, ihl, size, proto)
        return ihl + size

    def place(self, h, ihl, size, proto):
        """`seg` as `front` leaves it."""
        w, seg, b = self.at, self.seg, self.buf
        at = h + ihl
        seg[w["IP_AT"]], seg[w["SRC_AT"]], seg[w["DST_AT"]] = h, h + 12, h + 16
        seg[w["AT"]], seg[w["LEN"]], seg[w["PROTO"]] = at, size, proto
        seg[w["IFACE"]] = self.face[w["IDX"]]
        seg[w["PSUM"]] = total(b, h + 12, 8, proto + size)

    def sum_up(self, k, acc):
        """The checksum of the transport at its octet k."""
        b, at, n = self.buf, self.seg[self.at["AT"]], self.seg[self.at["LEN"]]
        b[at + k] = b[at + k + 1] = 0
        c = 0xFFFF ^ total(b, at, n, acc)
        b[at + k], b[at + k + 1] = c >> 8, c & 255
        if not self.dice.roll(8):
            b[at + self.dice.roll(n)] ^= 1 << self.dice.roll(8)

    def segment(self):
        """A TCP segment in the buffer, mostly for one of the rows."""
        d, b, w = self.dice, self.buf, self.at
        n = d.of((19, 20, 20, 21, 32, 32, 40, 60))
        self.datagram(6, n)
        at = self.seg[w["AT"]]
        o = d.roll(3) * w["ROW_SIZE"]
        r = self.rows
        if d.roll(8):
            h = self.seg[w["SRC_AT"]]
            r[o + w["USED"]] = self.face[w["IDX"]] + 1
            r[o + w["LPORT"]] = b[at + 2] << 8 | b[at + 3]
            r[o + w["RPORT"]] = b[at] << 8 | b[at + 1]
            r[o + w["RADDR"]] = b[h] << 8 | b[h + 1]
            r[o + w["RADDR"] + 1] = b[h + 2] << 8 | b[h + 3]
        if d.roll(4):
            b[at + 4 : at + 8] = self.number(o + w["RCV_NXT"])
        if d.roll(4):
            b[at + 8 : at + 12] = self.number(o + w["SND_UNA"])
        b[at + 12] = d.of((0x50, 0x50, 0x50, 0x80, 0x80, 0x40, 0xF0))
        b[at + 13] = d.of((0x10, 0x10, 0x18, 0x10, 0x02, 0x11, d.roll(256)))
        b[at + 20 : at + 24] = bytes((1, 1, 8, 10)) if d.roll(3) else d.octets(4)
        self.sum_up(16, self.seg[w["PSUM"]])

    def reply(self):
        """`out` of a segment or datagram being built."""
        d, w, out = self.dice, self.at, self.out
        out[w["OUT_TTL"]], out[w["OUT_TOS"]] = d.roll(256), d.roll(256)
        out[w["OUT_PROTO"]] = d.of((1, 6, 17))
        out[w["OUT_ID"]] = 0 if d.roll(2) else 0x10000 | d.half()
        out[w["O_HEAD"]], out[w["O_TEXT"]] = d.of((20, 24, 32)), d.roll(90)
        out[w["O_FLAGS"]], out[w["O_UP"]], out[w["O_WND"]] = d.roll(256), d.half(), d.half()
        out[w["O_REL"]] = d.of((0, 0, 1, 1460, 30000, 65000))


def arguments(name, world):
    """What a kernel is given."""
    w, d, x = world.at, world.dice, world
    x.reply()
    if name == "front.front":
        n = x.datagram(d.of((0, 1, 6, 17, 89)), d.of((0, 8, 40))) + x.face[w["L2"]]
        n += d.of((0, 0, 0, 6, -1)) if d.roll(6) else -d.roll(n)
        return x.buf, n, x.face, x.seg, x.stat
    if name == "front.aim":
        return x.buf, x.face, d.octets(9), d.roll(6)
    if name == "front.head":
        return x.buf, d.roll(150), x.face, x.out, x.stat
    if name == "icmp.echo":
        n = d.of((0, 7, 8, 9, 40, 41))
        x.datagram(1, n)
        x.buf[x.seg[w["AT"]]] = d.of((8, 8, 8, 0))
        x.seg[w["CAST"]] = d.roll(9) == 0
        if n > 7:
            x.sum_up(2, 0)
        return x.buf, x.seg, x.face, x.out, x.stat
    if name == "udp.whose_port":
        n = d.of((7, 8, 9, 30))
        x.datagram(17, n)
        at = x.seg[w["AT"]]
        x.buf[at + 2], x.buf[at + 3] = d.of(((0, 7), (0, 53), (0, 0)))
        x.buf[at + 4], x.buf[at + 5] = 0, d.of((n, n, n, n - 1, n + 1, 8))
        if n > 7:
            x.sum_up(6, x.seg[w["PSUM"]])
        return x.buf, x.seg, array("H", [0, 7, 53, 0]), 4, x.stat
    if name == "udp.udp_head":
        at = x.face[w["L2"]] + 22
        for k in range(4):  # the ports, 0 among them
            x.buf[at + k] = 0 if d.roll(3) == 0 else d.roll(256)
        return x.buf, d.roll(130), x.face, x.out, x.stat
    if name == "poll.tick":
        return x.env, d.time()
    if name == "whose.whose":
        x.segment()
        return x.buf, x.seg, x.rows, x.env, x.stat
    if name == "ack.window":
        x.segment()
        x.seg[w["WND"]] = d.half()
        return x.buf, x.seg, x.row, x.env
    if name == "emit.seal":
        return x.buf, x.rows, d.of((0, w["ROW_SIZE"])), x.out, x.face
    if name == "emit.emit":
        x.out[w["O_REL"]] = d.of((0, 1, 1460, 65000))
        return x.buf, x.row, x.out, x.face, x.env
    return numbers(name, world)


def numbers(name, world):
    """What a kernel without a whole packet is given."""
    w, d, x = world.at, world.dice, world
    if name == "rto.sample":
        return x.row, d.of((-BIG, -1, 0, 1, 50, 1000, 65535, 65536, BIG, d.roll(4000))), x.env
    if name == "rto.arm":
        return x.env, d.time()
    if name == "rto.restart":
        return x.row, x.env
    if name == "rto.account":
        return x.row, x.out, x.env
    if name == "congestion.usable":
        return x.row, x.env
    if name in ("congestion.grow", "ack.moves"):
        n = d.of((1, 536, 1460, 4000, 61440))
        x.row[w["MAX"]] = max(x.row[w["MAX"]], n)
        return x.row, n, x.env
    if name == "text.taken":
        n = d.of((0, 1, 536, 1460, 65535))
        return x.row, d.of((0, 1, n // 2, n, n)), n, x.env
    if name == "front.passing":
        at = d.roll(40)
        x.buf[at : at + 3] = bytes((d.of((0, 1, 7, 131, 137)), d.roll(9), d.roll(12)))
        x.buf[at + 3] = d.of((0, 1, 131, 137, 148))
        return x.buf, at, at + 4 * d.roll(11)
    if name == "front.group":
        at = d.roll(40)
        for k in range(4):
            x.buf[at + k] = d.of((GROUP, OURS, ALL, (10, 0, 0, 255), (224, 0, 0, 1)))[k]
        return x.buf, at, x.face
    if name == "reassembly.claim":
        for k in range(20):  # two bits for each of 80 blocks, mostly clear
            x.buf[k + 9] = d.of((0, 0, 0, 0x56, 0x55, 0x95, 0x02))
        first = d.roll(70)
        return x.buf, 9, first, first + 1 + d.roll(8)
    if name == "front.divisible":
        return d.octets(26), x.out
    if name == "emit.opens":
        return x.row, x.env[w["OWN_MSS"]]
    return x.row, d.time()  # timers._row_in_ms


def run(kernels, where, say, names=NAMES):
    for name in names:
        kernel = kernels[name]
        for seed in range(1, ROUNDS + 1):
            x = World(seed * 211 + len(name), where)
            result = kernel(*arguments(name, x))
            assert result is None or -BIG - 1 < result <= BIG
            arrays = (x.buf, x.face, x.seg, x.out, x.env, x.stat, x.rows)
            say(name, seed, result, *[digest(bytes(a)) for a in arrays])


def heap(kernels, where):
    """{kernel: octets of heap that its calls took}."""
    import gc

    took = {}
    for name in NAMES:
        kernel, n = kernels[name], 0
        gc.collect()
        for seed in range(1, ROUNDS + 1, 3):  # the count walks over the heap
            args = arguments(name, World(seed * 211 + len(name), where))
            before = gc.mem_alloc()
            kernel(*args)
            n += gc.mem_alloc() - before
            if seed % 20 == 1:
                gc.collect()
        took[name] = n
    return took


def joined():
    """{name: kernel} of a joined library, where a name that two modules have is the second one's
    with the module's in front."""
    from uipy import core, net_reassembly

    found = {"reassembly.claim": net_reassembly.claim}  # a part of its own
    for name in NAMES[:-1]:
        module, own = name.split(".")
        other = ("_" if own[0] == "_" else "") + module + "_" + own.lstrip("_")
        found[name] = getattr(core, other, None) or getattr(core, own)
    return found


def main(layout, mode=None):
    import json

    with open(layout) as f:
        where = json.load(f)
    if mode == "heap":
        for name, n in heap(joined(), where).items():
            print(n, name)
    else:
        run(joined(), where, print)


if __name__ == "__main__":
    import sys

    main(*sys.argv[1:])
