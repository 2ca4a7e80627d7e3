"""What the kernels of uipy.host.dns_message say to messages that a small generator makes of
labels, pointers and nonsense: a line for each hundred, the same on every Python."""

from array import array

try:
    import uipy.host.dns_message as dns
except ImportError:  # joined with whoever alone uses it
    import uipy.host.dns as dns

expand, is_name, same_names, name_size = dns.expand, dns.is_name, dns.same_names, dns.name_size
question, record, skip = dns.question, dns.record, dns.skip
# Constants are folded when a part is joined: here they are once more
HEAD = 12
M_START, M_END, M_AT, M_KIND, M_CLASS, M_TTL, M_DATA, M_SIZE_OF, M_SIZE = 0, 1, 2, 4, 5, 6, 7, 8, 9

OCTETS = b"\0\0\1\1\2\3\xc0\xc0\xc0\x0c\x05Aazb\x40\xff\x3f\x80"
START = 3


class Dice:
    """Small numbers by chance, without an int over 2**30."""

    def __init__(self, seed):
        self.seed = seed

    def roll(self, n):
        self.seed = (self.seed * 75 + 74) % 65537
        return (self.seed >> 2) % n


class Sum:
    def __init__(self):
        self.value = 0

    def add(self, x):
        self.value = (self.value * 31 + x) % 1000003


def look(b, m, i, j, out, total):
    """Everything that can be asked of the names at b[i:] and b[j:]."""
    end = m[M_END]
    total.add(skip(b, i, end) + 1)
    n = expand(b, m, i, out, 2)
    total.add(n + 1)
    for k in range(2, 2 + max(n, 0)):
        total.add(out[k])
    if n > 0:
        total.add(name_size(out, 2))
        total.add(is_name(b, m, j, out, 2))
    total.add(same_names(b, m, i, j))
    for read in (question, record):
        m[M_AT] = i
        left = 20
        while left and read(b, m):
            left -= 1
            total.add(m[M_AT])
            total.add(m[M_KIND])
            total.add(m[M_CLASS])
            if read is record:
                total.add(m[M_TTL] % 65521)
                total.add(m[M_DATA] + m[M_SIZE_OF])


def main():
    dice, total = Dice(4711), Sum()
    b, out = bytearray(160), bytearray(260)
    m = array("i", bytearray(4 * M_SIZE))
    for turn in range(1, 2001):
        n = 1 + dice.roll(90)
        for k in range(len(b)):
            b[k] = OCTETS[dice.roll(len(OCTETS))] if dice.roll(9) else dice.roll(256)
        m[M_START], m[M_END] = START, START + n
        at = START + min(HEAD, n - 1)
        look(b, m, at + dice.roll(START + n - at), START + dice.roll(n), out, total)
        if turn % 100 == 0:
            print(turn, total.value)


main()
