"""Single misfortunes on the simulated wire, longer than a grid would try."""

import pytest
from proof.simtalk import Talk
from wire.netsim import Stuck


def pulled(talk, after, ms):
    """The cable is out from `after` on, for so long."""
    net = talk.net
    begin = net.now + after
    for link, _ in net.wires:
        link.filter = lambda frame: not begin <= net.now < begin + ms
    return talk


@pytest.mark.parametrize("ms", (500, 5000, 40000))
@pytest.mark.parametrize("after", (1, 30, 100, 300))
def test_a_pulled_cable_only_delays(after, ms):
    talk = Talk(seed=after, up=60000, down=60000, delay=10)
    pulled(talk, after, ms).run()


@pytest.mark.parametrize(
    "how", ({"room": 1}, {"room": 7, "reader": "partial"}, {"reader": "slow", "seed": 3})
)
def test_a_tiny_window_is_no_deadlock(how):
    Talk(up=60, down=60, **how).run()


def test_a_window_closed_for_an_hour_opens_again():
    """RFC 9293 3.8.6.1 (MUST-37): kept open for as long as probes are answered."""
    talk = Talk(seed=2, up=9000, down=0)
    server = talk.pairs[0][1]
    net = talk.net
    took = server.received
    opens_at = net.now + 3_600_000

    def received(conn, buf, start, n):
        conn.room = max(conn.room - n, 0) if net.now < opens_at else 5000
        return took(conn, buf, start, n)

    def poll(conn):
        if net.now >= opens_at and not conn.room:
            conn.room = 5000
            conn.resume()

    server.received, server.poll = received, poll
    talk.how["limit"] = 3700
    talk.run()
    assert talk.ms >= 3_600_000


def test_only_one_direction_is_bad():
    for k in (0, 1):
        talk = Talk(seed=k, up=30000, down=30000, delay=20)
        talk.net.wires[k][0].loss = 20
        talk.run()


def test_eight_conversations_share_a_bad_wire():
    Talk(
        seed=8, conns=8, up=10000, down=10000, loss=5, reorder=5, dup=5, reassembly=4, sack=1
    ).run()


def test_a_dead_wire_is_given_up_and_says_so():
    """R2 (RFC 9293 3.8.3): the application is told; the simulator does not call that a success."""
    talk = Talk(seed=1, up=60000, down=60000, patience=100)
    pulled(talk, 30, 10**9)
    with pytest.raises(AssertionError, match="closed with 'timeout'"):
        talk.run()


def test_a_run_that_does_not_end_names_its_seed():
    talk = Talk(seed=77, up=60000, limit=1, rate=1, loss=3)
    with pytest.raises(AssertionError, match=r"replay: .*loss=3.* seed=77") as failure:
        talk.run()
    assert isinstance(failure.value.__cause__, Stuck)
