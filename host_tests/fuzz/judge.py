"""Fires shots at a victim and compares what happens with the table (rules.py)."""

from fuzz.facts import Facts
from fuzz.rules import TABLE, outcomes
from fuzz.shots import draw, pattern, poison
from fuzz.victim import Victim
from judge.segment import ACK, FIN, RST, SYN, URG, Illegal, seq_diff

ACK_WITHIN = 500  # ms, MUST-42


class Campaign:
    """One victim and the shots at it. `hits` counts how often each row of the table decided."""

    def __init__(self, seed, state, hits=None):
        self.seed, self.aim = seed, state
        self.hits = hits if hits is not None else {}
        self.log = []
        self.fired = 0
        self.owed_at = None  # when an acknowledgment of RCV.NXT is due at the latest

    def run(self, shots):
        """Fires up to `shots`; raises AssertionError with the way to repeat it. Returns how many
        were fired."""
        try:
            self.v = Victim(self.seed, self.aim)
            assert self.v.state == self.aim, "wanted %s, is in %s" % (self.aim, self.v.state)
            after = 0
            while self.fired < shots and after < 4:
                self._shot()
                after += self.v.state in ("CLOSED", "LISTEN") != self.aim
        except Exception as e:
            replay = "python host_tests/fuzz/replay.py %s %d %d" % (
                self.aim,
                self.seed,
                self.fired + 1,
            )
            raise AssertionError(
                "%s: %s\n  %s\n  replay: %s"
                % (type(e).__name__, e, "\n  ".join(self.log[-3:]), replay)
            ) from e
        return self.fired

    def _shot(self):
        v = self.v
        self._wait()
        state = v.state
        tcb = v.tcb(state)
        shot = draw(v.rng, tcb, v.sport, v.dport, v.stamps)
        facts = Facts(tcb, shot)
        legal = outcomes(facts, state)
        accepted = any(o.accepted for o in legal)
        self._load(shot, tcb, accepted, state)
        muted = self._muted()
        self.log.append(
            "%s una=%d nxt=%d rcv=%d edge=%d: %s"
            % (state, tcb.una, tcb.nxt, tcb.rcv_nxt, tcb.edge, shot)
        )
        self._teach(shot, state, legal, accepted, facts)
        self.fired += 1
        out = v.fire(shot)
        self.log[-1] += " -> %s %s" % (v.state, [str(s) for s in out])
        assert not v.errors, "a callback or the stack raised %r" % v.errors
        self._compare(shot, tcb, legal, out, self._muted() != muted)
        self._ledger(shot, state, tcb, legal)

    def _wait(self):
        """Time passes; an acknowledgment that is owed must not be late."""
        v = self.v
        ms = v.rng.choice((0, 0, 1, 20, 200, 1100))
        for step in (min(ms, 200),) * max(1, ms // 200):
            v.tick(step)
            self._paid()

    def _paid(self):
        v = self.v
        gone = v.side is None or v.app is None or v.app.reason is not None
        if self.owed_at is None or gone or v.side.ack >= 1 + v.app.taken + v.app.fin:
            self.owed_at = None
        elif v.now > self.owed_at:
            raise Illegal("no ACK of the text within 500 ms (MUST-42)")

    def _load(self, shot, tcb, accepted, state):
        if not shot.size:
            return
        pos = seq_diff(shot.seq, tcb.irs) - 1 + (1 if shot.flags & SYN else 0)
        if state in ("CLOSED", "LISTEN", "SYN-SENT"):
            pos = 0
        shot.data = (pattern if accepted else poison)(pos, shot.size)

    def _teach(self, shot, state, legal, accepted, facts):
        """The judge of the wire learns what the stack may use."""
        v = self.v
        v.judge.hear(shot.seg())
        if shot.broken:
            return
        if state == "LISTEN" and shot.flags & (SYN | RST) == SYN:
            v.side = None  # a new connection, perhaps with the same numbers
        if accepted or _opens(shot, state):
            v.judge.learn(shot.seg(), len(legal) == 1)
        elif shot.stamp is not None and v.side and v.side.irs is not None:
            # RFC 7323 5.3 R3 comes before the ACK is looked at.
            if facts.word("outside") is not True:
                v.side.stamped(shot.stamp, False)

    def _muted(self):
        return dict(self.v.stack.counters())["tcp_muted"]

    # What happened, against what may happen

    def _compare(self, shot, tcb, legal, out, muted):
        v = self.v
        now = v.state
        for o in legal:
            if now in self._named(o.states) and any(
                self._is(a, shot, tcb, out, muted) for a in o.answers
            ):
                for k in o.rows:
                    self.hits[k] = self.hits.get(k, 0) + 1
                break
        else:
            wanted = [
                "%s with %s (%s)"
                % ("/".join(o.states), " | ".join(o.answers), TABLE[o.rows[-1]].clause)
                for o in legal
            ]
            raise Illegal("not among the legal answers: " + "; or ".join(wanted))
        if v.app and v.app.wrong:
            raise Illegal(v.app.wrong)

    def _named(self, states):
        """CLOSED and LISTEN are one state of a TCB: there is none. What TIME-WAIT had lent to a
        SYN returns to it (RFC 9293 3.6.1 MAY-2 (2))."""
        none = {self.v.nowhere, "TIME-WAIT"} if self.v.reopened else {self.v.nowhere}
        return {s for s in states if s not in ("CLOSED", "LISTEN")} | (
            none if {"CLOSED", "LISTEN"} & set(states) else set()
        )

    def _is(self, answer, shot, tcb, out, muted):
        if answer == "nothing":
            return not out
        if answer == "legal":
            return not any(s.flags & RST for s in out)
        if answer == "challenge" and muted and not out:
            return True
        return len(out) == 1 and getattr(self, "_one_" + answer.replace("-", "_"))(
            out[0], shot, tcb
        )

    def _one_ack(self, s, shot, tcb):
        v = self.v
        taken = (
            tcb.rcv_nxt
            if v.state in ("SYN-RECEIVED", "TIME-WAIT") or not v.app
            else max(tcb.rcv_nxt, 1 + v.app.taken + v.app.fin)
        )
        return (
            s.flags & (SYN | FIN | RST | ACK | URG) == ACK
            and not s.data
            and seq_diff(s.seq, tcb.iss) == tcb.nxt
            and seq_diff(s.ack, tcb.irs) == taken
        )

    _one_challenge = _one_ack

    def _one_rst(self, s, shot, tcb):
        if shot.flags & ACK:
            return s.flags == RST and s.seq == shot.ack
        length = shot.size + bin(shot.flags & (SYN | FIN)).count("1")
        return s.flags == RST | ACK and s.seq == 0 and seq_diff(s.ack, shot.seq) == length

    def _one_syn_ack(self, s, shot, tcb):
        return s.flags & (SYN | ACK | RST | FIN) == SYN | ACK and seq_diff(s.ack, shot.seq) == 1

    def _one_syn(self, s, shot, tcb):
        return s.flags == SYN and s.seq == tcb.iss

    def _one_abort(self, s, shot, tcb):
        return bool(s.flags & RST) and seq_diff(s.seq, tcb.iss) == tcb.nxt

    # The books

    def _ledger(self, shot, state, tcb, legal):
        """What was accepted must have been taken; nothing beyond the window may have been."""
        v = self.v
        app = v.app
        if state in ("LISTEN", "TIME-WAIT") and v.state == "SYN-RECEIVED":
            v.late, v.reopened = False, tcb.side
        elif v.state == "TIME-WAIT" and state == "SYN-RECEIVED" and v.reopened:
            v.side = v.reopened  # the old connection is back
        if v.state != "SYN-RECEIVED":
            v.reopened = None
        seq = seq_diff(shot.seq, tcb.irs)
        end = seq + shot.size + (1 if shot.flags & SYN else 0)
        text = (
            (shot.size or shot.flags & FIN) and not shot.broken and any(o.accepted for o in legal)
        )
        v.late = v.late or bool(text and seq > tcb.rcv_nxt)
        if app is None or (state != "SYN-RECEIVED" and app.reason is not None):
            self._adopt(state)
            return
        got = 1 + app.taken
        if got > tcb.edge_at_most:
            raise Illegal(
                "took octets up to %d, beyond the window's edge %d (3.10.7.4)"
                % (got, tcb.edge_at_most)
            )
        sure = (
            len(legal) == 1
            and legal[0].accepted
            and state in ("ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2")
        )
        if (
            sure
            and shot.size
            and seq <= tcb.rcv_nxt
            and tcb.takes_all
            and not v.deaf
            and app.reason is None
        ):
            want = min(end, tcb.edge)
            if got < want:
                raise Illegal(
                    "in-order text up to %d was not taken, only up to %d (3.10.7.4 seventh)"
                    % (want, got)
                )
        if text:
            if got + app.fin > tcb.rcv_nxt and self.owed_at is None:
                self.owed_at = v.now + ACK_WITHIN
        self._adopt(state)

    def _adopt(self, state):
        """A half-open connection became a connection: who is its application?"""
        v = self.v
        if v.passive and state in ("SYN-RECEIVED", "LISTEN", "TIME-WAIT"):
            for app in v.apps:
                if app.c is not None and app.reason is None:
                    v.app = app
                    v.deaf = False


def _opens(shot, state):
    """Might this SYN begin a connection?"""
    if shot.flags & (SYN | RST) != SYN:
        return False
    return state == "LISTEN" or (state in ("SYN-SENT", "TIME-WAIT") and not shot.flags & ACK)
