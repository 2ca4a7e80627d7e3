"""Initial sequence numbers (RFC 6528): the clock to the millisecond, and numbers beyond an old
connection's."""

import struct
from array import array

import pytest
from lab.net import KEY, WRAP
from lab.tcp import Lab, active
from uipy.kern import mac
from uipy.net.datagram import NOW

rfc = pytest.mark.rfc
M32 = 1 << 32


class Numbers:
    """The next number of a board for one and the same pair of sockets."""

    def __init__(self, lab):
        self.isn = lab.stack.tcp.isn
        self.env, self.lab = lab.stack.env, lab
        self.key = array("H", [1, 5555, 80, 0x0A00, 2])

    def next(self, place=0):
        """The number, in the middle of a table whose rest stays."""
        table = array("H", [0xBEEF] * 6)
        self.isn.into(self.key, table, place)
        hi, lo = table[place : place + 2]
        assert table[:place] + table[place + 2 :] == array("H", [0xBEEF] * 4)
        return hi << 16 | lo

    def beyond(self, n):
        """The next number is to lie behind n, the one at the second place of a table."""
        n %= M32
        self.isn.beyond(array("H", [7, n >> 16, n & 0xFFFF, 7]), 1)

    def wait(self, ms):
        """Nobody opens anything for so long; the ticks are read once in six days at the least."""
        self.env[NOW] = (self.env[NOW] + ms) % WRAP


@pytest.fixture
def numbers(lab):
    return Numbers(lab)


@rfc("9293 MUST-8", "6528 3-1")
@pytest.mark.parametrize(
    "ms", [0, 1, 2, 3, 1000, 65_536, 3_999_999, 4_000_000, 4_000_001, 8_000_000, 500_000_000]
)
def test_a_millisecond_is_250_numbers_however_many_went_by(numbers, ms):
    first = numbers.next()
    numbers.wait(ms)
    assert (numbers.next(3) - first) % M32 == 250 * ms % M32
    assert (numbers.next() - first) % M32 == 250 * ms % M32, "time stands still"


def test_the_clock_of_a_board_runs_on_when_its_ticks_wrap(numbers):
    numbers.wait(WRAP - 100 - numbers.env[NOW] if numbers.env[NOW] > WRAP // 2 else 0)
    first = numbers.next()
    numbers.wait(200)
    assert (numbers.next() - first) % M32 == 50_000


@rfc("9293 MAY-2")
@pytest.mark.parametrize("ahead", [0, 1, 2, 65_536, 2**29, 2**31 - 1])
def test_a_number_that_is_not_beyond_the_old_ones_is_moved_there(numbers, ahead):
    """By 2**16, and by up to 255 that nobody can guess, once."""
    natural = numbers.next()
    numbers.beyond(natural + ahead)
    moved = (numbers.next() - natural - ahead) % M32 - 65_536
    assert 0 <= moved <= 255
    assert numbers.next() == natural, "the next open is not moved"
    numbers.beyond(natural + ahead)
    assert (numbers.next() - natural - ahead) % M32 - 65_536 == moved


def test_what_it_is_moved_by_differs_from_board_to_board_and_from_socket_to_socket():
    seen = set()
    for k in range(12):
        numbers = Numbers(Lab(key=b"board no. %d" % (k & 3)))
        numbers.key[2] = 80 + k
        natural = numbers.next()
        numbers.beyond(natural)
        seen.add((numbers.next() - natural) % M32)
    assert len(seen) > 8 and min(seen) >= 65_536 and max(seen) <= 65_791


@pytest.mark.parametrize("behind", [1, 2, 255, 65_536, 2**29, 2**31 - 1])
def test_a_number_that_lies_beyond_the_old_ones_stays(numbers, behind):
    natural = numbers.next()
    numbers.beyond(natural - behind)
    assert [numbers.next(), numbers.next()] == [natural] * 2


@rfc("6528 3-1", "6528 3-2")
@pytest.mark.parametrize("raddr", [(0x0A00, 2), (0xC0A8, 0xFFFE)])
@pytest.mark.parametrize("lport, rport", [(5555, 80), (256, 65_535)])
def test_the_number_is_the_clock_and_a_hash_of_the_sockets(numbers, lport, rport, raddr):
    """M + F(sockets, key), M begins with half of the key; the hash's next octet is what moves
    it."""
    numbers.key[1], numbers.key[2], numbers.key[3], numbers.key[4] = (
        lport,
        rport,
        raddr[0],
        raddr[1],
    )
    text = bytes((1, 0)) + struct.pack("!4H", lport, rport, *raddr) + bytes(8)
    hashed = bytearray(text)
    mac(bytearray(KEY), hashed, 0, 10, 10)
    clock, number = struct.unpack("!I", KEY[4:])[0], struct.unpack_from("!I", hashed, 10)[0]
    natural = numbers.next()
    assert natural == (clock + number) % M32
    numbers.beyond(natural)
    assert (numbers.next() - natural) % M32 == 65_536 + hashed[14]


@rfc("9293 MUST-9", "6528 3-2")
@pytest.mark.parametrize("place", range(5))
def test_each_part_of_the_sockets_counts(numbers, place):
    """The interface (our address), both ports, both halves of the peer's address."""
    before = numbers.next()
    numbers.key[place] += 1
    other = numbers.next()
    assert other != before
    numbers.key[place] -= 1
    assert numbers.next() == before


def test_the_syn_bears_the_number(lab):
    numbers = Numbers(lab)
    want = numbers.next()
    assert active(lab, lport=5555)[2].seq == want
