"""The judge of captures, judged: on conversations written down by hand."""

import struct

import pytest
from kernel import capture
from wire import media
from wire.recorder import Recorder

BOARD, PEER = bytes((10, 0, 0, 2)), bytes((10, 0, 0, 1))
ISS, IRS = (1 << 32) - 1000, 5000
S, A, F = capture.SYN, capture.ACK, capture.FIN


def frame(out, seq, ack, flags, data=0, wnd=5840):
    src, dst = (BOARD, PEER) if out else (PEER, BOARD)
    sport, dport = (7, 50000) if out else (50000, 7)
    seq = (ISS if out else IRS) + seq
    ack = (IRS if out else ISS) + ack
    t = struct.pack(
        "!HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32, 0x50, flags, wnd, 0, 0
    ) + bytes(data)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(t), 0, 0, 64, 6, 0) + src + dst
    return media.finished(bytes(12) + b"\x08\x00" + ip + t).ljust(60, b"\0")


def us(seq, data=0, flags=A, ack=1, **more):
    return frame(True, seq, ack, flags, data, **more)


def them(ack, seq=1, flags=A, data=0, **more):
    return frame(False, seq, ack, flags, data, **more)


OPEN = [(0, them(0, 0, S)), (0, us(0, flags=S | A)), (0, them(1))]


@pytest.fixture
def judge(tmp_path):
    def play(*rows):
        recorder = Recorder(tmp_path / "c.pcap")
        for at, f in [*OPEN, *rows]:
            recorder.add(f, at=at)
        recorder.close()
        return capture.flow(tmp_path / "c.pcap", "10.0.0.2", 7)

    return play


def test_the_flight_is_what_has_been_sent_and_not_acknowledged(judge):
    burst = [(1, us(1 + 1000 * k, 1000)) for k in range(4)]
    flow = judge(*burst, (2, them(2001)), (2, us(4001, 1000)))
    assert flow.flight == 4
    assert flow.unreasonable == [] and flow.resent == 0


def test_padding_is_no_data_and_an_ack_is_no_flight(judge):
    flow = judge((1, us(1)), (1, us(1)))
    assert flow.flight == 0 and flow.resent == 0


def test_windows_are_counted_from_the_handshake_to_the_fin(judge):
    flow = judge((1, us(1, wnd=4000)), (2, them(1, flags=F | A)), (2, us(1, wnd=0)))
    assert flow.windows == [4000]


def test_a_retransmission_out_of_the_blue_is_found(judge):
    flow = judge((1, us(1, 1000)), (1.1, us(1, 1000)))
    assert flow.unreasonable == [(1.1, 1)]


def test_two_duplicate_acks_are_no_reason_and_three_are(judge):
    burst = [(1, us(1 + 1000 * k, 1000)) for k in range(4)]
    two, three = [[(1, them(1))] * n for n in (2, 3)]
    assert judge(*burst, *two, (1, us(1, 1000))).unreasonable == [(1, 1)]
    assert judge(*burst, *three, (1, us(1, 1000))).unreasonable == []


def test_an_ack_read_before_the_answer_to_duplicates_has_left_makes_it_no_less_reasonable(judge):
    burst = [(1, us(1 + 1000 * k, 1000)) for k in range(4)]
    filled = [*burst, *[(1, them(1))] * 3, (1, them(4001))]
    assert judge(*filled, (1, us(1, 1000))).unreasonable == []
    later = judge(*filled, (1, us(4001, 1000)), (1, us(1, 1000)))
    assert later.unreasonable == [(1, 1)]


def test_after_a_timeout_what_was_sent_may_be_sent_again(judge):
    burst = [(1, us(1 + 1000 * k, 1000)) for k in range(3)]
    again = [(2.5, us(1, 1000)), (2.6, them(1001)), (2.6, us(1001, 1000))]
    flow = judge(*burst, *again)
    assert flow.resent == 2 and flow.unreasonable == []


def test_a_fin_that_is_asked_for_again_has_its_reason(judge):
    fin = [(1, them(1, flags=F | A)), (1, us(1, flags=F | A, ack=2))]
    again = [(1.2, them(1, flags=F | A)), (1.2, us(1, flags=F | A, ack=2))]
    assert judge(*fin, *again).unreasonable == []
    assert judge(*fin, again[1]).unreasonable == [(1.2, 1)]


def test_a_probe_of_a_closed_window_has_its_reason(judge):
    flow = judge((1, us(1, 1000)), (1, them(1001, wnd=0)), (1.3, us(1001, 1)), (1.5, us(1001, 1)))
    assert flow.unreasonable == []


def test_a_damaged_segment_counts_for_nothing(judge):
    burst = [(1, us(1 + 1000 * k, 1000)) for k in range(4)]
    bad = bytearray(them(1))
    bad[50] ^= 1
    three = [(1, bytes(bad))] * 3
    assert judge(*burst, *three, (1, us(1, 1000))).unreasonable == [(1, 1)]
