"""What a segment may do in each state: RFC 9293 3.10.7, clause by clause, as a table. (Not written
from our code.)

A row says: in these states, a segment of this class leads to these states and to this answer. The
rows stand in the order of the RFC's steps; the first one that fits decides, unless it says GO_ON:
then the later steps may change the outcome again.

Classes are words joined by blanks, all of which must hold; '!' negates. `Facts` (facts.py) knows
what each of them means; a word may be undecided (the window's edge is known to us only as far as
it was sent), and then both readings are legal.

Answers, in the notation of the RFC:

    nothing        no segment at all
    ack            <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, and nothing else
    challenge      the same, or nothing when the limit on challenge ACKs has been reached (RFC 5961
                   7; counted in tcp_muted)
    rst            <SEQ=SEG.ACK><CTL=RST>, or without ACK <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
    syn-ack        <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>
    syn            <SEQ=ISS><CTL=SYN>, without ECE and CWR
    abort          <SEQ=SND.NXT><CTL=RST>: data for which there is no reader
    legal          what else is due; no RST. What it must acknowledge is judged separately, by what
                   the application got
"""

from collections import namedtuple

Row = namedtuple("Row", "states segment then answer clause go_on")

CONNECTED = "ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK"
OPEN = "ESTABLISHED FIN-WAIT-1 FIN-WAIT-2"
SYNCED = "SYN-RECEIVED " + CONNECTED
SHUT = "CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT"
ALL = "CLOSED LISTEN SYN-SENT SYN-RECEIVED " + CONNECTED + " TIME-WAIT"
OPENED = "SYN-RECEIVED ESTABLISHED CLOSE-WAIT"
ANYHOW = "nothing | ack | challenge | syn-ack | rst | legal"
SAME = "="  # the state stays


def _row(states, segment, then, answer, clause):
    return Row(
        tuple(states.split()),
        segment,
        tuple(then.split()),
        tuple(answer.split(" | ")),
        clause,
        False,
    )


def _go_on(states, segment, then, clause):
    return Row(tuple(states.split()), segment, tuple(then.split()), ("legal",), clause, True)


# fmt: off
TABLE = (
    # What is no segment at all
    _row(ALL, "broken", SAME, "nothing",
         "MUST-3; RFC 9293 3.1: checksum, data offset; 3.9.2.3: a source that is no host"),
    # 3.10.7.1 CLOSED
    _row("CLOSED", "rst", SAME, "nothing",
         "3.10.7.1: an incoming segment containing a RST is discarded"),
    _row("CLOSED", "any", SAME, "rst", "3.10.7.1"),
    # 3.10.7.2 LISTEN
    _row("LISTEN", "rst", SAME, "nothing", "3.10.7.2 first"),
    _row("LISTEN", "ack", SAME, "rst", "3.10.7.2 second"),
    _row("LISTEN", "syn bad-options", "LISTEN SYN-RECEIVED", "syn-ack | nothing",
         "MUST-7: an illegal option length is survived"),
    _row("LISTEN", "syn fin", "LISTEN SYN-RECEIVED", "syn-ack | nothing",
         "3.10.7.2 third; a SYN,FIN may be dropped"),
    _row("LISTEN", "syn", "SYN-RECEIVED", "syn-ack", "3.10.7.2 third"),
    _row("LISTEN", "any", SAME, "nothing", "3.10.7.2 fourth"),
    # 3.10.7.3 SYN-SENT
    _row("SYN-SENT", "bad-options", "SYN-SENT CLOSED " + OPENED, "legal | rst", "MUST-7"),
    _row("SYN-SENT", "ack !ack-of-syn rst", SAME, "nothing", "3.10.7.3 first"),
    _row("SYN-SENT", "ack !ack-of-syn", SAME, "rst", "3.10.7.3 first"),
    _row("SYN-SENT", "ack rst fallback", SAME, "syn",
         "RFC 3360 3.1: a refused ECN-setup SYN goes again without ECN"),
    _row("SYN-SENT", "ack rst", "CLOSED", "nothing", "3.10.7.3 second: connection reset"),
    _row("SYN-SENT", "rst", SAME, "nothing", "3.10.7.3 second: no ACK"),
    _row("SYN-SENT", "ack syn fin", "ESTABLISHED CLOSE-WAIT", "legal",
         "3.10.7.3 fourth, then 3.10.7.4 sixth to eighth"),
    _row("SYN-SENT", "ack syn", "ESTABLISHED", "legal", "3.10.7.3 fourth"),
    _row("SYN-SENT", "syn", "SYN-RECEIVED", "syn-ack", "3.10.7.3 fourth: simultaneous open"),
    _row("SYN-SENT", "any", SAME, "nothing", "3.10.7.3 fifth"),
    # 3.10.7.4, before the first step: what RFC 7323 asks when timestamps were agreed on
    _row("SYN-RECEIVED", "syn irs !rst untimely", OPENED, ANYHOW,
         "RFC 7323 5.3 R1, or their SYN again, before its options are looked at"),
    _row(SYNCED, "stampless !rst", SAME, "nothing | challenge",
         "RFC 7323 3.2: a segment without TSopt is dropped"),
    _row(SYNCED, "paws !rst", SAME, "ack | challenge", "RFC 7323 5.3 R1"),
    # First: sequence number. Second: RST.
    _row("TIME-WAIT", "rst", SAME, "nothing", "RFC 1337 F1: RST is ignored in TIME-WAIT"),
    _row(SYNCED, "rst number-outside", SAME, "nothing",
         "3.10.7.4 second 1; RFC 5961 3.2"),
    _row(SYNCED, "rst !exact", SAME, "challenge",
         "3.10.7.4 second 3; RFC 5961 3.2"),
    _row("SYN-RECEIVED", "rst passive", "LISTEN", "nothing", "3.10.7.4 second: back to LISTEN"),
    _row("SYN-RECEIVED", "rst", "CLOSED", "nothing", "3.10.7.4 second: connection refused"),
    _row(CONNECTED, "rst", "CLOSED", "nothing", "3.10.7.4 second 2: RCV.NXT exactly"),
    # Fourth: SYN. (The SYN of a half-open connection first: its retransmission is no attack.)
    _row("SYN-RECEIVED", "syn irs !ack", SAME, "syn-ack | challenge",
         "3.10.7.4 first: the SYN again; its answer again"),
    _row("SYN-RECEIVED", "syn irs !passive ack-new", "ESTABLISHED CLOSE-WAIT", "legal",
         "RFC 9293 3.5 figure 7: their SYN,ACK"),
    _row("SYN-RECEIVED", "syn irs !passive", SAME, "rst | challenge",
         "3.5.2 group 2, an ACK of nothing that was sent"),
    _row("SYN-RECEIVED", "syn number-outside", SAME, "challenge | ack", "3.10.7.4 first"),
    _row("SYN-RECEIVED", "syn passive", "LISTEN", "nothing",
         "3.10.7.4 fourth: return this connection to the LISTEN state"),
    _row("SYN-RECEIVED", "syn", SAME, "challenge", "3.10.7.4 fourth; RFC 5961 4.2"),
    _row("TIME-WAIT", "syn newer !ack listener", "TIME-WAIT SYN-RECEIVED", "syn-ack | challenge",
         "RFC 9293 3.6.1 MAY-2: a newer SYN opens anew"),
    _row("TIME-WAIT", "syn", SAME, "challenge", "3.10.7.4 fourth; RFC 5961 4.2"),
    _row(CONNECTED, "syn", SAME, "challenge",
         "3.10.7.4 fourth: irrespective of the sequence number; RFC 5961 4.2"),
    # First: sequence number, of what has neither RST nor SYN.
    _row("SYN-RECEIVED", "straddling", SAME, "ack | challenge",
         "3.10.7.4 first; a half-open connection may keep no text"),
    _row(SYNCED, "outside", SAME, "ack | challenge",
         "3.10.7.4 first, table 6"),
    _row("TIME-WAIT", "outside", SAME, "ack | challenge", "3.10.7.4 first"),
    # An option list that cannot be read: the segment may be dropped, it must not kill (a
    # blind attacker could send it).
    _row(SYNCED, "bad-options no-reading", SAME, "nothing | ack | challenge",
         "MUST-7"),
    # Fifth: ACK.
    _row(SYNCED + " TIME-WAIT", "!ack", SAME, "nothing",
         "3.10.7.4 fifth: if the ACK bit is off, drop the segment"),
    _row("SYN-RECEIVED", "!ack-new", SAME, "rst | challenge",
         "3.10.7.4 fifth, SYN-RECEIVED: a RST; RFC 5961 5.2: an ACK"),
    _row("TIME-WAIT", "any", SAME, "nothing | ack | challenge",
         "3.10.7.4 fifth: acknowledge, restart the 2 MSL timeout"),
    _row(CONNECTED, "ack-too-old", SAME, "challenge",
         "3.10.7.4 fifth; RFC 5961 5.2: SND.UNA - MAX.SND.WND =< SEG.ACK"),
    _row(CONNECTED, "ack-of-the-future", SAME, "challenge",
         "3.10.7.4 fifth: acks something not yet sent"),
    _go_on("SYN-RECEIVED", "any", "ESTABLISHED", "3.10.7.4 fifth: SND.UNA < SEG.ACK =< SND.NXT"),
    _row("LAST-ACK", "acks-our-fin", "CLOSED", "nothing", "3.10.7.4 fifth: delete the TCB"),
    _row("CLOSING", "acks-our-fin", "TIME-WAIT", "nothing | ack", "3.10.7.4 fifth"),
    _row("CLOSING", "any", SAME, "legal",
         "3.10.7.4 fifth: otherwise ignore the segment; figure 13"),
    _go_on("FIN-WAIT-1", "acks-our-fin", "FIN-WAIT-2", "3.10.7.4 fifth"),
    # Seventh: text.
    _row("FIN-WAIT-1 FIN-WAIT-2", "new-text no-reader", "CLOSED", "abort",
         "3.6.1 SHLD-3: data after CLOSE earns a RST"),
    _row(SHUT, "any", SAME, "legal",
         "3.10.7.4 sixth to eighth: URG, text and FIN are ignored after a FIN"),
    # Eighth: FIN, once all text before it was taken.
    _go_on("ESTABLISHED", "fin-in-turn", "CLOSE-WAIT", "3.10.7.4 eighth"),
    _go_on("FIN-WAIT-1", "fin-in-turn", "CLOSING", "3.10.7.4 eighth"),
    _go_on("FIN-WAIT-2", "fin-in-turn", "TIME-WAIT", "3.10.7.4 eighth"),
    _go_on(OPEN, "any", SAME, "3.10.7.4: text is delivered, the state stays"),
)
# fmt: on

Outcome = namedtuple("Outcome", "states answers rows accepted")


def outcomes(facts, state):
    """Every legal Outcome of the segment that `facts` describes, in `state`."""
    return list(_walk(facts, state, 0, ()))


def _walk(facts, state, start, rows):
    for k in range(start, len(TABLE)):
        row = TABLE[k]
        fits = facts.fits(row.segment) if state in row.states else False
        if fits is False:
            continue
        then = tuple(state if s == SAME else s for s in row.then)
        if not row.go_on:
            yield Outcome(then, row.answer, rows + (k,), "legal" in row.answer)
        elif then != (state,):
            yield from _walk(facts, then[0], k + 1, rows + (k,))
        else:
            rows += (k,)
            continue
        if fits:
            return
    yield Outcome((state,), ("legal",), rows, True)
