"""The prompt's serial line as a stream (drivers/slip/console.py), and Ctrl-C on it."""

import pytest
from uipy.drivers.slip import Slip, console

END = b"\xc0"


def taken(dev, buf):
    return [n for n in (dev.recv_into(buf) for _ in range(300)) if n]


def packet(n, octet):
    return b"\x45" + bytes([octet]) * (n - 1)


@pytest.mark.parametrize("first", [b"\x45", b"\x46", b"\x4f"])
def test_ctrl_c_in_a_packet_is_an_octet_like_any_other(port, first):
    dev = Slip(console.Console(), 576)
    buf = bytearray(600)
    port.comes += END + first + packet(40, 3)[1:] + END + packet(21, 3) + END
    assert taken(dev, buf) == [40, 21]
    assert bytes(buf[2:23]) == packet(21, 3) and port.keys == [-1]


@pytest.mark.parametrize(
    "before", [b"", END, END + packet(30, 3) + END, b"\r", b"abc", b"AT\r", b"\x44", b"\x50"]
)
def test_ctrl_c_between_packets_gives_the_prompt_back(port, before):
    line = console.Console()
    dev = Slip(line, 576)
    buf = bytearray(600)
    port.comes += before + b"\x03import os\r"
    with pytest.raises(KeyboardInterrupt):
        taken(dev, buf)
    assert port.keys == [-1, 3]
    # What follows is the prompt's, and nothing is written between its lines.
    assert not line.any() and line.write(b"x") is None and not port.went
    line.close()
    assert port.keys == [-1, 3]


@pytest.mark.parametrize(
    "there, first, rest", [(63, 63, 0), (64, 64, 0), (65, 64, 1), (200, 64, 64)]
)
def test_it_takes_64_octets_off_the_line_at_once(port, there, first, rest):
    line = console.Console()
    port.comes += END + packet(there - 1, 7)
    whole = bytes(port.comes)
    assert line.any() == line.any() == first and len(port.comes) == there - first
    buf = bytearray(100)
    assert line.readinto(memoryview(buf)[:10]) == 10 and line.any() == first - 10
    assert line.readinto(memoryview(buf)[10:]) == first - 10
    assert bytes(buf) == whole[:first] + bytes(100 - first)
    assert line.any() == rest


def test_it_does_not_wait_and_writes_what_it_is_given(port):
    line = console.Console()
    assert line.any() == 0
    assert line.write(b"abc") == 3 and bytes(port.went) == b"abc"
    port.comes += b"E"
    assert line.any() == 1


def test_what_is_taken_next_is_read_from_its_begin(port):
    line = console.Console()
    for text in (END + packet(40, 7), END + packet(30, 8)):
        port.comes += text
        buf = bytearray(len(text))
        assert line.any() == len(text) == line.readinto(buf) and bytes(buf) == text


def test_ctrl_c_in_the_second_half_of_a_packet_is_its_octet(port):
    line = console.Console()
    buf = bytearray(40)
    for half in (END + packet(20, 7), b"\x03" * 20 + END):
        port.comes += half
        assert line.any() == len(half) == line.readinto(memoryview(buf)[: len(half)])


def test_noise_between_packets_is_given_as_it_is(port):
    line = console.Console()
    port.comes += b"\rls\x04"
    assert line.any() == 4 and port.keys == [-1]
