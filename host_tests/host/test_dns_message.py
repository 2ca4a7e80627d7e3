"""Names, questions and records of DNS messages, as they should be and as they should not."""

import random
from array import array

import pytest
from uipy import Error
from uipy.host import dns_message as dns
from uipy.host import dns_names as names

rfc = pytest.mark.rfc

WWW = b"\3www\7example\3org\0"


def reader(data, start=5):
    """(a buffer in which the message lies at `start`, its `m`)"""
    m = array("i", [0] * dns.M_SIZE)
    m[dns.M_START], m[dns.M_END] = start, start + len(data)
    m[dns.M_AT] = start + dns.HEAD
    return bytearray(b"\xff" * start + data + b"\3abc\0" * 20), m


def expanded(data, at, start=5):
    buf, m = reader(data, start)
    out = bytearray(b"\xee" * 400)
    n = dns.expand(buf, m, start + at, out, 7)
    assert out[:7] == b"\xee" * 7 and out[7 + 255 :] == b"\xee" * (400 - 262)
    if n < 0:
        return None
    assert dns.is_name(buf, m, start + at, bytes(out[7:]), 0)
    assert dns.same_names(buf, m, start + at, start + at)
    return bytes(out[7 : 7 + n])


def test_a_name_is_read_and_skipped():
    assert expanded(bytes(12) + WWW, 12) == WWW
    assert dns.skip(WWW, 0, len(WWW)) == len(WWW)
    assert dns.name_size(b"x" + WWW, 1) == len(WWW)


@rfc("1035 4.1.4-1")
def test_a_pointer_leads_back_to_the_rest_of_a_name():
    data = bytes(12) + WWW + b"\4mail\xc0\x10"
    at = 12 + len(WWW)
    assert expanded(data, at) == b"\4mail\7example\3org\0"
    assert dns.skip(data, at, len(data)) == len(data)


@rfc("1035 4.1.4-1")
def test_a_pointer_may_lead_to_a_pointer():
    data = bytes(12) + WWW + b"\1a\xc0\x10" + b"\1b\xc0\x1d" + b"\xc0\x21"
    assert expanded(data, len(data) - 2) == b"\1b\1a\7example\3org\0"


@rfc("1035 3.1-1")
@pytest.mark.parametrize(
    "name",
    [
        b"\xc0\x0c",  # to itself
        b"\1a\xc0\x0c",  # to its own beginning
        b"\xc0\x0e\xc0\x0c",  # two that point at each other
        b"\xc0\x20",  # ahead
        b"\xff\xff",
        b"\x40abc\0",  # a reserved length
        b"\x80abc\0",
        b"\5abc",  # longer than the message
        b"\3abc",  # no end
        b"\xc0",  # half a pointer
        b"",
    ],
)
def test_what_is_no_name_is_none(name):
    assert expanded(bytes(12) + name, 12) is None


@rfc("1035 2.3.4-1", "6762 C-1")
def test_a_name_has_255_octets_at_the_most():
    long = b"\x3f" + b"x" * 63
    fits = long * 3 + b"\x3d" + b"y" * 61 + b"\0"
    assert len(fits) == 255
    assert expanded(bytes(12) + fits, 12) == fits
    assert dns.skip(fits, 0, 255) == 255
    over = long * 3 + b"\x3e" + b"y" * 62 + b"\0"
    assert expanded(bytes(12) + over, 12) is None
    assert dns.skip(over, 0, 256) == -1


def test_a_chain_of_pointers_ends_after_127():
    for jumps, believed in ((127, True), (128, False)):
        data = bytes(12) + b"\1a\0"
        for k in range(jumps):
            to = 12 if not k else len(data) - 2
            data += bytes((0xC0 | to >> 8, to & 255))
        assert (expanded(data, len(data) - 2) == b"\1a\0") == believed


@rfc("1035 2.3.3-1")
def test_letters_are_the_same_in_both_cases_and_nothing_else_is():
    data = bytes(12) + b"\4a@Z[\0" + b"\4A@z[\0"
    buf, m = reader(data, 0)
    assert dns.is_name(buf, m, 12, b"\4A@z[\0", 0)
    assert not dns.is_name(buf, m, 12, b"\4A`z[\0", 0)
    assert not dns.is_name(buf, m, 12, b"\4a@Z{\0", 0)
    assert not dns.is_name(buf, m, 12, b"\4a@Z[\1a\0", 0)
    assert not dns.is_name(buf, m, 12, b"\3a@Z\0", 0)
    assert dns.same_names(buf, m, 12, 18)


def test_two_names_are_compared_through_their_pointers():
    data = bytes(12) + WWW + b"\3WWW\xc0\x10" + b"\3web\xc0\x10"
    buf, m = reader(data)
    assert dns.same_names(buf, m, 17, 17 + len(WWW))
    assert dns.same_names(buf, m, 17 + len(WWW), 17)
    assert not dns.same_names(buf, m, 17, 17 + len(WWW) + 6)


def test_a_question_and_a_record_are_read():
    buf = bytearray(100)
    i = dns.put_head(buf, 0, 0x1234, dns.RD)
    i = dns.put_question(buf, i, b"-" + WWW, 1, dns.AAAA)
    assert bytes(buf[:i]).hex() == ("123401000000000000000000" + WWW.hex() + "001c" + "0001")
    data = bytes(buf[:i]) + bytes.fromhex("c00c 0001 8001 fffffffe 0004 01020304")
    buf, m = reader(data)
    assert dns.question(buf, m)
    assert (m[dns.M_NAME], m[dns.M_KIND], m[dns.M_CLASS]) == (17, dns.AAAA, dns.IN)
    assert dns.record(buf, m)
    assert (m[dns.M_KIND], m[dns.M_CLASS]) == (dns.A, dns.TOP_BIT | dns.IN)
    assert m[dns.M_TTL] == (1 << 30) - 1
    at, n = m[dns.M_DATA], m[dns.M_SIZE_OF]
    assert buf[at : at + n] == b"\1\2\3\4"
    assert m[dns.M_AT] == m[dns.M_END]
    assert not dns.record(buf, m) and not dns.question(buf, m)


def test_a_record_that_promises_more_than_there_is_is_none():
    whole = bytes(12) + bytes.fromhex("00 0001 0001 00000e10 0004 01020304")
    for n in range(12, len(whole)):
        buf, m = reader(whole[:n])
        assert not dns.record(buf, m)
    buf, m = reader(whole)
    assert dns.record(buf, m) and m[dns.M_TTL] == 3600


@rfc("6763 4.3-1")
def test_names_from_text_and_back():
    assert names.wire("www.example.org") == names.wire("www.example.org.") == WWW
    assert names.wire(("www", b"example", "org")) == WWW
    assert names.text(WWW) == "www.example.org"
    assert names.wire("") == names.wire(".") == b"\0" and names.text(b"\0") == "."
    printer = names.wire(("Bj\xf6rns Pi 2.1\\", "_http", "_tcp", "local"))
    assert names.text(printer) == "Bj\xf6rns Pi 2\\.1\\\\._http._tcp.local"
    assert names.wire(names.text(printer)) == printer
    odd = b"\6a\xff.\\ \n\0"
    assert names.text(odd) == "a\\255\\.\\\\ \\010" and names.wire(names.text(odd)) == odd


@rfc("1035 2.3.4-1")
@pytest.mark.parametrize("name", ["a..b", ".a", "x" * 64, "abc." * 63 + "abcd", ("",)])
def test_what_cannot_be_a_name_is_an_error(name):
    with pytest.raises(Error):
        names.wire(name)
    assert len(names.wire("abc." * 62 + "abcde")) == 255


def truth(data, at):
    """The name at data[at:], by another reading of RFC 1035 4.1.4."""
    labels, least, jumps = [], at, 0
    while at < len(data):
        k = data[at]
        if k >= 0xC0:
            at = int.from_bytes(data[at : at + 2], "big") & 0x3FFF if at + 1 < len(data) else 1e9
            jumps += 1
            if at >= least or jumps > 127:
                return None
            least = at
        elif k > 63 or at + 1 + k > len(data):
            return None
        else:
            labels.append(data[at : at + k + 1])
            if sum(map(len, labels)) > 255:
                return None
            at += k + 1
            if not k:
                return b"".join(labels)
    return None


def test_ten_thousand_random_messages_are_read_as_they_should_be():
    rnd = random.Random(9)
    found = 0
    for _ in range(10_000):
        octets = [0, 0, 1, 2, 3, 0xC0, 0xC0, 65, 97, rnd.randrange(256)]
        data = bytes(rnd.choice(octets) for _ in range(rnd.randrange(1, 80)))
        at = rnd.randrange(len(data))
        want = truth(data, at)
        got = expanded(data, at)
        if got != want:  # a label that ends the message has no end behind it
            assert got is None and want is None
        found += got is not None
        buf, m = reader(data)
        for read in (dns.question, dns.record):
            m[dns.M_AT] = m[dns.M_START] + at
            while read(buf, m):
                assert m[dns.M_AT] <= m[dns.M_END]
        assert -1 <= dns.skip(data, at, len(data)) <= len(data)
        other = rnd.randrange(len(data))
        same = dns.same_names(buf, m, 5 + at, 5 + other)
        twin = truth(data, other)
        assert same == bool(want and twin and want.lower() == twin.lower())
    assert found > 2000
