"""The rows of the ARP cache one by one: what `reach` says, when a row acts, and which one goes."""

import pytest
from lab.net import PEER, Clock, Inbox, Station, Wire
from lab.packets import addr, mac
from uipy import Bytes
from uipy.net.datagram import HOP, NEXT_AT, NOW, OUR_IP

A, B, C = PEER, "192.168.1.10", "192.168.1.11"
A_MAC, B_MAC, C_MAC = (mac("00:00:00:00:00:%02x" % k) for k in (9, 10, 11))
OURS = "192.168.1.7"


class Rows:
    """A board that nobody polls: its clock stands at `now`, each frame is asked for."""

    def __init__(self, rows, start=0):
        self.wire = Wire(clock=Clock(start))
        self.stack = self.wire.board(arp=rows)
        self.iface = self.stack.ifaces[0]
        self.arp = self.iface.arp
        self.now = start
        self.sent()

    def sent(self, now=None):
        """What `output` has at `now`: the addresses that are asked for."""
        self.now = self.now if now is None else now
        out = []
        while n := self.stack.output(self.now):
            assert n == 42
            out.append(bytes(self.stack.buf[40:44]))
        return out

    def reach(self, ip, now=None):
        if now is not None:
            self.now = self.stack.env[NOW] = now
        return self.iface.reach(addr(ip), 0)

    def hear(self, ip, mac, now=None, tpa=OURS):
        """A request of this neighbour's."""
        self.now = self.now if now is None else now
        frame = Station(self.wire, ip, mac).arp_request(tpa=tpa)
        self.stack.buf[2 : 2 + len(frame)] = frame
        return self.stack.input(len(frame), self.now)

    def known(self):
        """The addresses in the table."""
        tab = self.arp.tab
        return [bytes(tab[o : o + 4]) for o in range(0, len(tab), 20) if tab[o + 10]]


def asks(*ips):
    return [addr(ip) for ip in ips]


def test_reach_says_1_with_a_mac_0_while_it_asks_and_minus_1_without_an_answer():
    rows = Rows(2)
    assert rows.reach(A) == 0
    rows.sent()
    assert rows.reach(A) == 0
    rows.hear(B, B_MAC)
    assert rows.reach(B) == 1 and rows.iface.face[HOP : HOP + 6] == B_MAC
    for now in (1000, 2000, 3000):
        rows.sent(now)
    assert rows.reach(A) == -1
    assert rows.reach(OURS) == -1


def test_a_row_without_an_answer_asks_three_times_and_is_gone_ten_seconds_later():
    rows = Rows(2)
    rows.reach(A)
    got = {now: rows.sent(now) for now in (0, 999, 1000, 1999, 2000, 2999, 3000, 12_999)}
    assert [now for now, f in got.items() if f] == [0, 1000, 2000]
    assert rows.known() == asks(A)
    assert rows.sent(13_000) == [] and rows.known() == []


def test_a_row_that_nobody_wants_is_gone_after_a_minute_without_a_word():
    rows = Rows(2)
    rows.hear(A, A_MAC)
    assert rows.sent(59_999) == [] and rows.known() == asks(A)
    assert rows.sent(60_000) == [] and rows.known() == []


def test_a_row_is_asked_for_again_when_it_was_wanted_less_than_its_time_ago():
    for wanted, again in ((0, []), (1, asks(A))):
        rows = Rows(2)
        rows.hear(A, A_MAC)
        rows.reach(A, wanted)
        assert rows.sent(60_000) == again


def test_deadline_is_0_for_what_is_overdue_and_for_an_announcement():
    rows = Rows(2)
    assert rows.arp.deadline(0) == 2**28
    rows.reach(A)
    assert rows.arp.deadline(0) == 0
    rows.sent()
    assert rows.arp.deadline(0) == 1000
    rows.stack.env[NOW] = 1500
    assert rows.arp.deadline(1500) == 0
    other = Rows(2)
    other.arp.announce()
    assert other.arp.deadline(0) == 0


def test_who_found_no_row_is_due_again_in_a_second():
    """The only row spoke just now: it gives its place to nobody for a second."""
    rows = Rows(1)
    rows.reach(A)
    assert rows.sent() == asks(A)
    rows.hear(A, A_MAC)
    port = rows.stack.bind(9, Inbox())
    port.send(B, 9, Bytes(b"?"))
    assert rows.sent() == [] and rows.stack.env[NEXT_AT] == 1000
    assert rows.sent(999) == []
    assert rows.sent(1000) == asks(B) and rows.known() == asks(B)


def test_a_neighbour_that_speaks_makes_its_own_deadline():
    rows = Rows(2)
    assert rows.stack.env[NEXT_AT] == 2**28
    assert rows.hear(A, A_MAC) == 42
    assert rows.stack.env[NEXT_AT] == 60_000


@pytest.mark.parametrize("state", ["unknown", "asked", "known", "polled"])
def test_only_a_word_that_somebody_waited_for_makes_something_due(state):
    rows = Rows(2)
    if state == "asked":
        rows.reach(A)
    elif state != "unknown":
        rows.hear(A, A_MAC)
    rows.sent()
    if state == "polled":
        rows.reach(A, 59_000)
        assert rows.sent(60_000) == asks(A)
    rows.hear(A, A_MAC)
    assert rows.stack.due == (state in ("unknown", "asked"))


# Which row goes


def test_a_request_holds_its_row_for_a_second_and_no_longer():
    rows = Rows(1)
    rows.reach(A)
    assert rows.sent() == asks(A)
    assert rows.reach(B, 999) == 0 and rows.known() == asks(A)
    assert rows.reach(B, 1000) == 0 and rows.known() == asks(B)
    assert rows.sent(1000) == asks(B)


def test_a_question_about_to_be_asked_protects_no_row_but_its_own():
    rows = Rows(2)
    rows.hear(A, A_MAC)
    assert rows.reach(B, 5000) == 0 and rows.known() == asks(A, B)
    assert rows.reach(C) == 0 and rows.known() == asks(C, B)
    assert rows.reach(A) == 0 and rows.known() == asks(C, B)
    assert rows.sent() == asks(C, B)


def test_a_word_from_a_neighbour_does_not_make_its_row_unwanted():
    """A was wanted after B, and speaks: it is still B that goes."""
    rows = Rows(2)
    for ip, its_mac in ((A, A_MAC), (B, B_MAC)):
        rows.hear(ip, its_mac, 100_000)
    rows.reach(B, 120_000)
    rows.reach(A, 150_000)
    rows.hear(A, A_MAC, 155_000)
    rows.reach(C, 156_000)
    assert rows.known() == asks(A, C)


def test_row_that_speaks_for_years_and_is_not_wanted_goes_first():
    """Wanted 60 s ago, or longer ago than that: the order is kept."""
    rows = Rows(2)
    for ip, its_mac in ((A, A_MAC), (B, B_MAC)):
        rows.hear(ip, its_mac, 0)
    rows.reach(B, 40_000)
    for now in (50_000, 100_000):
        rows.hear(A, A_MAC, now)
        rows.hear(B, B_MAC, now)
    rows.reach(C)
    assert rows.known() == asks(C, B)


def test_of_two_rows_not_wanted_for_a_minute_the_older_goes():
    rows = Rows(2)
    for ip, its_mac in ((A, A_MAC), (B, B_MAC)):
        rows.hear(ip, its_mac, 0)
    rows.reach(A, 39_999)
    rows.reach(B, 40_000)
    rows.hear(A, A_MAC, 59_000)
    rows.hear(B, B_MAC, 100_000)
    rows.reach(C)
    assert rows.known() == asks(C, B)


def test_a_stranger_takes_only_what_nobody_wanted_for_a_second():
    rows = Rows(1)
    rows.hear(A, A_MAC)
    rows.reach(A, 5000)
    rows.hear(B, B_MAC, 5999)
    assert rows.known() == asks(A)
    rows.hear(B, B_MAC, 6000)
    assert rows.known() == asks(B) and rows.wire.count("arp_evicted") == 1


def test_a_doubted_neighbour_is_polled_unless_it_spoke_within_a_second():
    for after, polled in ((999, []), (1000, asks(A))):
        rows = Rows(2)
        rows.hear(A, A_MAC)
        rows.stack.env[NOW] = after
        rows.iface.doubt(addr(A), 0)
        assert rows.reach(A) == 1
        assert rows.sent(after) == polled


def test_clear_forgets_rows_announcement_and_who_was_starved():
    rows = Rows(1)
    rows.reach(A)
    rows.sent()
    rows.hear(A, A_MAC)
    rows.reach(B)
    rows.arp.announce()
    rows.arp.clear()
    assert rows.known() == [] and rows.arp.deadline(0) == 2**28
    assert bytes(rows.iface.face[OUR_IP : OUR_IP + 4]) == addr(OURS)
