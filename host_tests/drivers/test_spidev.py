"""What the chips on SPI have in common: views, the room of a buffer, INT, and the four methods."""

import pytest
from chips.rig import Rig, frame
from uipy.drivers.spidev import views


def test_views_begin_with_the_buffer_in_steps_of_16_and_then_of_128():
    made = views(bytearray(2000))
    assert [len(v) for v in made] == [*range(2, 243, 16), *range(258, 1539, 128)]
    assert len(made) == 27
    for n in range(1, 1515):
        view = made[(n + 15) >> 4] if n <= 240 else made[((n + 127) >> 7) + 14]
        assert 2 + n <= len(view) <= 2 + n + (15 if n <= 240 else 127)


def test_views_of_a_small_buffer_end_with_it():
    assert max(len(v) for v in views(bytearray(300))) == 300


@pytest.mark.parametrize("room", [100, 300, 1000])
def test_a_frame_as_long_as_the_buffer_fits_and_one_octet_more_does_not(room):
    rig = Rig("enc28j60", size=room + 2)
    rig.run(200)
    rig.chip.wire_in(frame(room))
    assert rig.recv() == frame(room)
    rig.chip.wire_in(frame(room + 1))
    assert rig.recv() is None and rig.counters()["rx_long"] == 1
    assert rig.echo(frame(room, fill=1))


def test_hook_is_called_when_int_falls_and_not_when_it_rises():
    rig = Rig("enc28j60")
    rig.run(200)
    seen = []
    rig.dev.on_int(lambda pin: seen.append(pin()))
    rig.chip.wire_in(frame())
    assert seen == [0]
    assert rig.recv() == frame() and seen == [0]


def test_select_pin_is_high_before_the_chip_is_told_anything():
    def low(rig):
        rig.wiring.levels[rig.wiring.cs] = 0

    rig = Rig("enc28j60", before=low)
    assert rig.echo(frame()) and rig.chip.complaints == []


@pytest.mark.parametrize("ask", ["recv_into", "can_send"])
def test_a_call_after_an_exception_starts_the_device_again(ask):
    rig = Rig("enc28j60")
    rig.run(200)
    with pytest.raises(OSError):
        rig.dev._move.__self__.throw(OSError())
    if ask == "can_send":
        assert rig.dev.can_send() is True
    else:
        rig.chip.wire_in(frame(90))
        assert rig.dev.recv_into(rig.buf) in (0, 90)
    assert rig.counters()["reinit"] == 1 and rig.echo(frame())
