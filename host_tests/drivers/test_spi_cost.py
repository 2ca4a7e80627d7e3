"""What a frame costs on the bus, judged by tools/spibench.py."""

import pytest
import spibench


@pytest.mark.parametrize("size", spibench.SIZES)
@pytest.mark.parametrize("way", ["in", "out"])
def test_a_frame_costs_little_more_than_the_data_sheet_asks_for(kind, way, size):
    few, extra = spibench.LEAST.get(kind, spibench.WIZNET)[way]
    transactions, octets = (spibench.incoming if way == "in" else spibench.outgoing)(kind, size)
    room = 2 if size > 1024 else 0  # the ENC28J60 gives room back once in a kilobyte
    more = 3 if kind == "enc28j60" else 2  # octets of pointers that differ from the last frame's
    assert few <= transactions <= few + more + room
    assert size + extra <= octets <= size + extra + 68  # half a step of the views, and a word


@pytest.mark.parametrize("size", spibench.SIZES)
def test_frames_that_come_in_together_cost_less_each(kind, size):
    one = spibench.incoming(kind, size)
    each = spibench.incoming(kind, size, 3)
    assert each[0] < one[0] and each[1] < one[1]
