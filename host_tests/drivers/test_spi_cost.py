"""What a frame costs on the bus, judged by tools/bench/spi.py."""

import pytest
from bench import spi


@pytest.mark.parametrize("size", spi.SIZES)
@pytest.mark.parametrize("way", ["in", "out"])
def test_a_frame_costs_little_more_than_the_data_sheet_asks_for(kind, way, size):
    few, extra = spi.LEAST.get(kind, spi.WIZNET)[way]
    transactions, octets = (spi.incoming if way == "in" else spi.outgoing)(kind, size)
    room = 2 if size > 1024 else 0  # the ENC28J60 gives room back once in a kilobyte
    more = 3 if kind == "enc28j60" else 2  # octets of pointers that differ from the last frame's
    assert few <= transactions <= few + more + room
    assert size + extra <= octets <= size + extra + 68  # half a step of the views, and a word


@pytest.mark.parametrize("size", spi.SIZES)
def test_frames_that_come_in_together_cost_less_each(kind, size):
    one = spi.incoming(kind, size)
    each = spi.incoming(kind, size, 3)
    assert each[0] < one[0] and each[1] < one[1]
