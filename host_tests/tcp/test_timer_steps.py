"""The kernels of the timers at their edges, held against whole numbers (RFC 6298): rows and `env`
must be the same in every place afterwards."""

import itertools
from array import array

import pytest
from proof import stepsoracle
from uipy.net import datagram
from uipy.tcp import row, rto, timers

rfc = pytest.mark.rfc
HALF, WRAP = 1 << 29, 1 << 30
ROW = ("ACK_AT MAX NREX NXT POLL_AT REXMT_AT RTO RTTVAR RUNS_ACK RUNS_LINGER RUNS_PERSIST "
       "RUNS_POLL RUNS_REXMT SENT_AT SINCE_AT SRTT TIMED TIMED_AT TIMERS "
       "WIDE ROW_SIZE")  # fmt: skip
SHARED = ("ENV_SIZE NEXT_AT NOW O_AGAIN O_FLAGS O_REL O_TEXT OUT_SIZE RTO_MAX RTO_MIN STILL_AT "
          "TCP_AT")  # fmt: skip
W = {n: getattr(row, n) for n in ROW.split()} | {n: getattr(datagram, n) for n in SHARED.split()}
TIMES = (0, 1, 999, 65_536, HALF - 1000, HALF - 1, HALF, HALF + 1, WRAP - 1000, WRAP - 1)


def a_row(**places):
    """A row of litter, with these numbers in their places: times, and those of the round trip, are
    pairs."""
    r = array("H", [0xA5A5] * W["ROW_SIZE"])
    places.pop("deadline", None)
    for name, v in places.items():
        if name.endswith("_AT") or name in ("SRTT", "RTTVAR"):
            r[W[name]], r[W[name] + 1] = divmod(v, 65_536)
        else:
            r[W[name]] = v
    return r


def ints(size, **places):
    e = array("i", [77] * W[size])
    for name, v in places.items():
        e[W[name]] = v
    return e


def as_the_oracle_says(kernel, name, *args):
    """Calls both on copies; what they leave and what they answer is the same."""
    ours, truth = [[a[:] if isinstance(a, array) else a for a in args] for _ in range(2)]
    said, true = kernel(*ours), stepsoracle.KNOWN[name](W, *truth)
    assert said == true and ours == truth, (said, true, args)


@rfc("6298 2-2", "6298 2-3", "6298 2-4", "6298 2-5")
@pytest.mark.parametrize("low, high", [(1000, 60_000), (1, 3000), (200, 65_535)])
@pytest.mark.parametrize("m", [-1, 0, 1, 2, 9, 1000, 1001, 65_535, 65_536, WRAP - 1])
def test_each_round_trip_moves_srtt_rttvar_and_rto_as_the_rfc_says(m, low, high):
    env = ints("ENV_SIZE", RTO_MIN=low, RTO_MAX=high)
    for srtt, var in itertools.product((0, 1, 8, 9, 8008, 65_535, 65_544), (0, 1, 4, 5, 65_537)):
        r = a_row(SRTT=srtt, RTTVAR=var, RTO=7)
        as_the_oracle_says(rto.sample, "rto.sample", r, m, env)


@pytest.mark.parametrize("at", TIMES)
def test_a_deadline_is_moved_by_whatever_comes_before_it_on_the_clocks_circle(at):
    """And by nothing else: half of the circle lies before, half behind. A quiet poll ends when the
    stack's own deadline moves."""
    for tcp, stack in itertools.product(TIMES, TIMES):
        env = ints("ENV_SIZE", TCP_AT=tcp, NEXT_AT=stack, STILL_AT=5)
        as_the_oracle_says(rto.arm, "rto.arm", env, at)


@rfc("6298 5-1", "6298 5-2", "6298 5-3")
@pytest.mark.parametrize("now", TIMES)
@pytest.mark.parametrize("out", [0, 1, 61_441])
def test_the_timer_starts_anew_while_anything_is_out_and_stops_otherwise(now, out):
    """Whatever other timers run, and what a router has lowered is not forgotten."""
    others = 1400 << W["WIDE"] | W["RUNS_ACK"] | W["RUNS_POLL"] | W["RUNS_LINGER"]
    for ms, runs, due in itertools.product((1, 1000, 65_535), (0, 1, 2, 3), (now, now ^ 0x123)):
        r = a_row(RTO=ms, TIMERS=others | runs, MAX=out)
        env = ints("ENV_SIZE", NOW=now, TCP_AT=due, NEXT_AT=due, STILL_AT=5)
        as_the_oracle_says(rto.restart, "rto.restart", r, env)


@rfc("6298 3-1", "6298 5-1")
@pytest.mark.parametrize("timers", [0, 1, 2, 4])
@pytest.mark.parametrize("flags", [0x10, 0x11, 0x02, 0x12, 0x18])
@pytest.mark.parametrize("text", [0, 1, 1000])
def test_a_segment_that_leaves_is_accounted_for(text, flags, timers):
    """SND.NXT, its highest value, the round trip that is measured, when the octet at SND.UNA was
    first sent, and whether this is the first time."""
    for rel, nxt, top, timed in itertools.product(
        (0, 1, 1000), (0, 1, 1000, 1001), (0, 1, 1000, 1001), (0, 1, 900)
    ):
        r = a_row(NXT=nxt, MAX=top, TIMED=timed, TIMERS=timers, RTO=1000)
        out = ints("OUT_SIZE", O_REL=rel, O_TEXT=text, O_FLAGS=flags, O_AGAIN=5)
        env = ints("ENV_SIZE", NOW=0x3456789A, TCP_AT=0, NEXT_AT=0)
        as_the_oracle_says(rto.account, "rto.account", r, out, env)


@pytest.mark.parametrize("now", TIMES)
def test_the_nearest_of_a_rows_three_timers_is_found(now):
    """Those that do not run do not count; what is past is less than 0; a quarter of the circle if
    none runs."""
    for runs in range(32):
        for k, far in itertools.product(range(3), TIMES):
            times = [(now + d) % WRAP for d in (far, 5000, 7000)]
            ack, rexmt, poll = times[k:] + times[:k]
            r = a_row(TIMERS=runs, ACK_AT=ack, REXMT_AT=rexmt, POLL_AT=poll)
            as_the_oracle_says(timers._row_in_ms, "timers._row_in_ms", r, now)


# What is no kernel


def left_by(step, r, env, *args):
    """What these places hold afterwards, and TCP's deadline; no other has changed."""
    before = r[:]
    step(r, env, *args)
    told = {n: r[W[n]] for n in ("TIMERS", "NREX", "RTO")}
    told |= {n: (r[W[n]] << 16) | r[W[n] + 1] for n in ("REXMT_AT", "SINCE_AT")}
    may = {W[n] + k for n in told for k in range(1 + n.endswith("_AT"))}
    assert all(r[k] == before[k] for k in range(len(r)) if k not in may)
    return told | {"deadline": env[W["TCP_AT"]]}


LATE = WRAP - 500
BEGUN = {"TIMERS": 4, "NREX": 2, "RTO": 900, "REXMT_AT": 7, "SINCE_AT": 8, "deadline": 3000}


@pytest.mark.parametrize("runs", [0, 1, 2])
def test_what_waits_for_an_answer_starts_the_timer_unless_one_runs(runs):
    r = a_row(**(BEGUN | {"TIMERS": 4 | runs}))
    env = ints("ENV_SIZE", NOW=LATE, TCP_AT=3000)
    begun = {"TIMERS": 5, "REXMT_AT": 400, "deadline": 400}
    assert left_by(rto.start, r, env) == BEGUN | ({"TIMERS": 4 | runs} if runs else begun)


@rfc("9293 SHLD-29")
def test_the_first_probe_of_a_window_is_an_rto_away():
    """Whatever was sent again before; R2 does not begin earlier."""
    env = ints("ENV_SIZE", NOW=LATE, TCP_AT=3000)
    begun = {"TIMERS": 6, "NREX": 0, "REXMT_AT": 400, "SINCE_AT": LATE, "deadline": 400}
    assert left_by(rto.persist, a_row(**BEGUN), env) == BEGUN | begun


@rfc("6298 5-5", "6298 2-5", "6298 5-7")
@pytest.mark.parametrize("high", [2000, 3000, 60_000])
@pytest.mark.parametrize("ms", [1, 499, 500, 501, 1000, 1500, 29_999, 30_000, 30_001, 60_000])
def test_back_off_doubles_within_its_bounds_and_a_lost_syn_means_three_seconds(ms, high):
    env = ints("ENV_SIZE", RTO_MIN=1000, RTO_MAX=high, TCP_AT=3000)
    began = BEGUN | {"RTO": ms}
    doubled = began | {"RTO": min(max(2 * ms, 1000), high)}
    assert left_by(rto.back_off, a_row(**began), env) == doubled
    assert left_by(rto.start_rto, a_row(**began), env, 0) == began
    assert left_by(rto.start_rto, a_row(**began), env, 1) == began | {"RTO": min(3000, high)}
