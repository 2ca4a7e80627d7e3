"""Sources give the same octets for the same offset, until they are acknowledged."""

import pytest
from uipy.ring import Ring
from uipy.source import Bytes, Chain, File

DATA = bytes(i * 7 % 251 for i in range(1000))


def ring_of(data):
    ring = Ring(len(data) + 5)
    half = len(data) // 2 + 5
    ring.write(bytes(half), 0, half)  # so that the data wraps
    ring.acked(half)
    assert ring.write(data, 0, len(data)) == len(data)
    ring.end()
    return ring


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "f.bin"
    file.write_bytes(DATA)
    return str(file)


@pytest.fixture(params=["bytes", "file", "ring", "chain", "long chain"])
def source(request, path):
    return {
        "bytes": lambda: Bytes(DATA),
        "file": lambda: File(path, 100),
        "ring": lambda: ring_of(DATA),
        "chain": lambda: Chain(Bytes(DATA[:400]), Bytes(DATA[400:])),
        "long chain": lambda: Chain(Bytes(b""), ring_of(DATA[:1]), File(path), Bytes(b"end")),
    }[request.param]()


def read(source, rel, n, pos=3):
    buf = bytearray(b"\xee" * (n + 8))
    k = source.fill(rel, buf, pos, n)
    assert 0 <= k <= n
    assert buf[:pos] == b"\xee" * pos and set(buf[pos + k :]) == {0xEE}, "wrote outside"
    return bytes(buf[pos : pos + k])


def whole(source):
    return read(source, 0, 5000)


def test_any_offset_and_length_gives_the_same_octets(source):
    data = whole(source)
    for rel in (0, 1, 2, 99, 399, 400, 401, 999, 1000, 1001, 5000):
        for n in (0, 1, 2, 3, 100, 536, 1461):
            assert read(source, rel, n, pos=rel % 4) == data[rel : rel + n]


def test_a_short_fill_of_an_ended_source_is_its_end(source):
    data = whole(source)
    assert source.ended
    assert source.left == len(data)
    assert read(source, len(data), 10) == b""


@pytest.mark.parametrize("step", [1, 3, 399, 400, 401, 999, 1000])
def test_acknowledged_octets_are_gone_and_the_rest_stays(source, step):
    data = whole(source)
    while data:
        step = min(step, len(data))
        source.acked(step)
        data = data[step:]
        assert source.left == len(data)
        if data:
            assert read(source, 0, 700) == data[:700]
            assert read(source, len(data) // 2, 700) == data[len(data) // 2 :][:700]


def test_a_str_is_sent_as_utf_8():
    assert whole(Bytes("grün")) == "grün".encode()


def test_bytes_can_be_loaded_again():
    source = Bytes(b"first")
    source.acked(5)
    source.load(bytearray(b"second one"), 6)
    assert whole(source) == b"second"


def test_a_file_is_closed_when_its_last_octet_has_arrived(path):
    source = File(path)
    source.acked(999)
    assert not source.file.closed
    file = source.file
    source.acked(1)
    assert file.closed


def test_a_file_can_be_closed_early_and_twice(path):
    source = File(path)
    source.close()
    source.close()
    assert whole(source) == b""


def test_a_file_that_shrank_keeps_its_promised_length(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(DATA)
    source = File(str(path))
    path.write_bytes(DATA[:300])
    assert whole(source) == DATA[:300] + bytes(700)


def test_a_chain_waits_for_a_part_that_has_not_ended():
    ring = Ring(10)
    chain = Chain(ring, Bytes(b"tail"))
    ring.write(b"abc", 0, 3)
    assert whole(chain) == b"abc" and not chain.ended and chain.left == 3
    assert read(chain, 3, 9) == b""
    ring.end()
    assert whole(chain) == b"abctail" and chain.ended and chain.left == 7


def test_the_last_part_of_a_chain_needs_no_left():
    class Endless:
        ended = False

        def fill(self, rel, buf, pos, n):
            buf[pos : pos + n] = b"z" * n
            return n

        def acked(self, n):
            pass

    chain = Chain(Bytes(b"ab"), Endless())
    assert read(chain, 0, 5) == b"abzzz"
    chain.acked(4)
    assert read(chain, 0, 5) == b"zzzzz"
