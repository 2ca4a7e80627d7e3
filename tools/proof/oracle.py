"""The kernels once more, from their definitions, with whole numbers: what all of them must say."""

M32 = 1 << 32
M30 = 1 << 30


def _get(b, i, n=4):
    return sum(b[i + k] << 8 * (n - 1 - k) for k in range(n))


def _put(b, i, v, n=4):
    for k in range(n):
        b[i + k] = v >> 8 * (n - 1 - k) & 0xFF


def _saturated(x):
    return max(-(M30 - 1), min(x, M30 - 1))


def u16(b, i):
    return _get(b, i, 2)


def put16(b, i, v):
    _put(b, i, v, 2)


def u32(b, i):
    return _saturated(_get(b, i))


def put32(b, i, v):
    _put(b, i, v)


def csum(b, i, n, acc):
    # RFC 1071 1: 16 bits at a time, each carry added at once.
    data = bytes(b[i : i + n]) + bytes(n % 2)
    for k in range(0, len(data), 2):
        acc += _get(data, k, 2)
        acc = acc - 0xFFFF if acc > 0xFFFF else acc
    return acc


def copy(d, i, s, j, n):
    data = bytes(s[j : j + n])
    for k in range(n):
        d[i + k] = data[k]


def same(a, i, b, j, n):
    return 1 if all(a[i + k] == b[j + k] for k in range(n)) else 0


def find(tab, size, rows, b, i):
    fits = [r for r in range(rows) if bytes(tab[r * size :][:4]) == bytes(b[i : i + 4])]
    return fits[0] if fits else -1


def zero(b, i, n):
    copy(b, i, bytes(n), 0, n)


def sdiff(a, i, b, j):
    forward = (_get(a, i) - _get(b, j)) % M32
    return _saturated(forward if forward < M32 // 2 else forward - M32)


def sadd(b, i, n):
    _put(b, i, (_get(b, i) + n) % M32)


def bump(stat, k):
    stat[k] = (stat[k] + 1) % M30


def _number(r, k):
    return r[k] * 65536 + r[k + 1]


def _keep(r, k, v):
    r[k], r[k + 1] = divmod(v % M32, 65536)


def _signed(x, circle):
    x %= circle
    return x if x < circle // 2 else x - circle


pair = _number
set_pair = _keep


def seq_in(r, k, b, i):
    _keep(r, k, _get(b, i))


def seq_out(b, i, r, k, n):
    _put(b, i, (_number(r, k) + n) % M32)


def seq_add(r, k, n):
    _keep(r, k, _number(r, k) + n)


def ahead(b, i, r, k):
    return _saturated(_signed(_get(b, i) - _number(r, k), M32))


def between(r, k, q, j):
    return _saturated(_signed(_number(r, k) - _number(q, j), M32))


def move(r, k, q, j, n):
    r[k : k + n] = q[j : j + n]


def nearest(tab, size, rows, at, now):
    used = [row * size for row in range(rows) if tab[row * size]]
    return min([M30 // 4, *(_signed(_number(tab, o + at) - now, M30) for o in used)])


def find_row(tab, size, rows, key):
    fits = [r for r in range(rows) if tab[r * size :][:5] == key[:5]]
    return fits[0] if fits else -1


def tdiff(a, b):
    forward = (a - b) % M30
    return forward if forward < M30 // 2 else forward - M30


def tadd(a, n):
    return (a + n) % M30


class _HalfSip:
    """HalfSipHash: figure 2.1 of the SipHash paper with the rotations of the 32-bit variant."""

    def __init__(self, key):
        k0, k1 = int.from_bytes(key[:4], "little"), int.from_bytes(key[4:], "little")
        self.v = [k0, k1 ^ 0xEE, k0 ^ 0x6C796765, k1 ^ 0x74656462]

    def half(self, a, b, c, d, first, second):
        v = self.v
        v[a] = (v[a] + v[b]) % M32
        v[c] = (v[c] + v[d]) % M32
        v[b] = self.left(v[b], first) ^ v[a]
        v[d] = self.left(v[d], second) ^ v[c]
        v[a] = self.left(v[a], 16)

    @staticmethod
    def left(x, r):
        return (x << r | x >> 32 - r) % M32

    def rounds(self, n):
        for _ in range(n):
            self.half(0, 1, 2, 3, 5, 8)
            self.half(2, 1, 0, 3, 13, 7)

    def word(self, m):
        self.v[3] ^= m
        self.rounds(2)
        self.v[0] ^= m

    def output(self, slot, tweak):
        self.v[slot] ^= tweak
        self.rounds(4)
        return (self.v[1] ^ self.v[3]).to_bytes(4, "little")


def mac(key, b, i, n, at):
    state = _HalfSip(bytes(key[:8]))
    data = bytes(b[i : i + n])
    data += bytes(-(n + 1) % 4) + bytes([n % 256])
    for k in range(0, len(data), 4):
        state.word(int.from_bytes(data[k : k + 4], "little"))
    b[at : at + 4] = state.output(2, 0xEE)
    b[at + 4 : at + 8] = state.output(1, 0xDD)
