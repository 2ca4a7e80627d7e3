"""Kernels of a packet once more, from their RFCs and with whole numbers. Each takes the places of
the arrays (a dict), and the kernel's arguments."""

M30 = 1 << 30
M32 = 1 << 32


def _get(r, k):
    return r[k] * 65536 + r[k + 1]


def _put(r, k, v):
    r[k], r[k + 1] = divmod(v, 65536)


def _big(b, i, n):
    return int.from_bytes(b[i : i + n], "big")


def _to(b, i, v, n=2):
    b[i : i + n] = v.to_bytes(n, "big")


def _past(a, b):
    """a is before b on the clock's circle."""
    return (a - b) % M30 >= M30 // 2


def _checksum(*parts):
    data = b"".join(bytes(p) + bytes(len(p) % 2) for p in parts)
    s = sum(_big(data, k, 2) for k in range(0, len(data), 2))
    return 0xFFFF - ((s % 0xFFFF or 0xFFFF) if s else 0)


def _link(w, face):
    """Where the IP header lies, our address, our MAC."""
    return 2 + face[w["L2"]], face[w["OUR_IP"] :][:4], face[w["OUR_MAC"] :][:6]


def sample(w, r, m, env):
    # RFC 6298 2.2 to 2.5, SRTT times 8 and RTTVAR times 4.
    m = min(max(m, 1), 65535)
    srtt, var = _get(r, w["SRTT"]), _get(r, w["RTTVAR"])
    if srtt:
        error = m - srtt // 8
        srtt, var = max(srtt + error, 1), var + abs(error) - var // 4
    else:
        srtt, var = 8 * m, 2 * m
    _put(r, w["SRTT"], srtt)
    _put(r, w["RTTVAR"], var)
    r[w["RTO"]] = min(max(srtt // 8 + max(var, 1), env[w["RTO_MIN"]]), env[w["RTO_MAX"]])


def arm(w, env, at):
    if _past(at, env[w["TCP_AT"]]):
        env[w["TCP_AT"]] = at
    if _past(at, env[w["NEXT_AT"]]):
        env[w["NEXT_AT"]], env[w["STILL_AT"]] = at, -1


def restart(w, r, env):
    # RFC 6298 5.2, 5.3
    r[w["TIMERS"]] &= ~3
    if r[w["MAX"]]:
        r[w["TIMERS"]] |= 1
        at = (env[w["NOW"]] + r[w["RTO"]]) % M30
        _put(r, w["REXMT_AT"], at)
        arm(w, env, at)


def account(w, r, out, env):
    # RFC 6298 5.1, and 3 (Karn): what goes again is not timed
    rel, top = out[w["O_REL"]], r[w["MAX"]]
    end = rel + out[w["O_TEXT"]] + (1 if out[w["O_FLAGS"]] & 3 else 0)  # SYN, FIN
    now = env[w["NOW"]]
    if not top:
        _put(r, w["SINCE_AT"], now)
    out[w["O_AGAIN"]] = int(rel < top)
    if rel < top:
        r[w["TIMED"]] = 0
    elif not r[w["TIMED"]]:
        r[w["TIMED"]] = end
        _put(r, w["TIMED_AT"], now)
    r[w["MAX"]] = max(top, end)
    if rel <= r[w["NXT"]]:
        r[w["NXT"]] = max(r[w["NXT"]], end)
    _put(r, w["SENT_AT"], now)
    if not r[w["TIMERS"]] & 3:
        restart(w, r, env)


def tick(w, env, now):
    ms = (now - env[w["NOW"]]) % M30
    if 0 < ms < M30 // 2:
        clock = (env[w["CLOCK"]] * 65536 + env[w["CLOCK_LOW"]] + ms) % M32
        env[w["CLOCK"]], env[w["CLOCK_LOW"]] = divmod(clock, 65536)
    env[w["NOW"]], env[w["BUSY"]], env[w["STILL_AT"]] = now, 1, -1


def opens(w, r, own_mss):
    room, adv = _get(r, w["ROOM"]), _get(r, w["ADV"])
    return int(room > adv and room - adv >= min(_get(r, w["BUFF"]) // 2, own_mss))


def aim(w, b, face, row, off):
    h, _, _ = _link(w, face)
    b[h + 12 : h + 16] = row[off : off + 4]
    if h == 16:
        b[8:14] = face[w["HOP"] :][:6]


def head(w, b, n, face, out, stat):
    # RFC 791 3.1
    h, ours, mac = _link(w, face)
    to = bytes(b[h + 12 : h + 16])
    own = out[w["OUT_ID"]]  # RFC 6864 4.1: 0 and DF without it
    b[h : h + 10] = bytes((0x45, out[w["OUT_TOS"]], *(n + 20).to_bytes(2, "big"),
                           *(own % 65536).to_bytes(2, "big"), 0 if own else 0x40, 0,
                           out[w["OUT_TTL"]], out[w["OUT_PROTO"]]))  # fmt: skip
    b[h + 12 : h + 20] = ours + to
    _to(b, h + 10, _checksum(b[h : h + 10], b[h + 12 : h + 20]))
    out[w["OUT_TTL"]], out[w["OUT_TOS"]], out[w["OUT_ID"]] = 64, 0, 0
    for name in ("N_IP_OUT", "N_FRAMES_OUT"):
        stat[w[name]] = (stat[w[name]] + 1) % M30
    if h == 16:
        b[2:16] = bytes(b[8:14]) + mac + b"\x08\0"
    return n + 20 + face[w["L2"]]


def udp_head(w, b, n, face, out, stat):
    # RFC 768
    h, ours, _ = _link(w, face)
    at = h + 20
    if not any(b[at : at + 2]):
        return 0
    stat[w["N_UDP_OUT"]] = (stat[w["N_UDP_OUT"]] + 1) % M30
    b[at : at + 8] = b[at + 2 : at + 4] + b[at : at + 2] + (n + 8).to_bytes(2, "big") + bytes(2)
    pseudo = ours + b[h + 12 : h + 16] + bytes((0, 17)) + (n + 8).to_bytes(2, "big")
    _to(b, at + 6, _checksum(pseudo, b[at : at + n + 8]) or 0xFFFF)
    return -n - 8 if n + 8 > out[w["OUT_WHOLE"]] else n + 8


def seal(w, b, key, k, out, face):
    # RFC 9293 3.1
    h, ours, _ = _link(w, face)
    at, n = h + 20, out[w["O_HEAD"]] + out[w["O_TEXT"]]
    _to(b, at, key[k + w["LPORT"]])
    _to(b, at + 2, key[k + w["RPORT"]])
    b[at + 12], b[at + 13] = out[w["O_HEAD"]] // 4 * 16, out[w["O_FLAGS"]]
    _to(b, at + 14, out[w["O_WND"]])
    _to(b, at + 16, 0)
    _to(b, at + 18, out[w["O_UP"]])
    pseudo = ours + b[h + 12 : h + 16] + bytes((0, 6)) + n.to_bytes(2, "big")
    _to(b, at + 16, _checksum(pseudo, b[at : at + n]))
    out[w["OUT_PROTO"]] = 6
    return n


def emit(w, b, r, out, face, env):
    # RFC 9293 3.8.6.2.2, RFC 7323 2.4
    at = face[w["L2"]] + 22
    _to(b, at + 4, (_get(r, w["SND_UNA"]) + out[w["O_REL"]]) % M32, 4)
    _to(b, at + 8, _get(r, w["RCV_NXT"]), 4)
    room, edge, unit = _get(r, w["ROOM"]), _get(r, w["ADV"]), 1 << (r[w["SHIFTS"]] & 0xFF)
    if room - edge >= min(_get(r, w["BUFF"]) // 2, env[w["OWN_MSS"]]):
        wnd = -(-edge // unit) if room < edge else max(room // unit, -(-edge // unit))
    else:
        wnd = -(-edge // unit)
    out[w["O_WND"]] = wnd = min(wnd, 65535)
    _put(r, w["ADV"], wnd * unit)
    r[w["OWES"]] &= ~1
    r[w["TIMERS"]] &= ~4
    r[w["UNACKED"]] = 0
    out[w["OUT_TTL"]] = r[w["TTL_TOS"]] >> 8
    out[w["OUT_TOS"]] |= r[w["TTL_TOS"]] & 0xFF
    return seal(w, b, r, 0, out, face)


def in_ms(w, r, now):
    runs = ((4, "ACK_AT"), (3, "REXMT_AT"), (8, "POLL_AT"))
    left = [(_get(r, w[at]) - now) % M30 for bits, at in runs if r[w["TIMERS"]] & bits]
    return min([M30 // 4, *(ms - M30 if ms >= M30 // 2 else ms for ms in left)])


KNOWN = {
    "rto.sample": sample, "rto.arm": arm, "rto.restart": restart, "rto.account": account,
    "poll.tick": tick, "emit.opens": opens, "front.aim": aim, "front.head": head,
    "udp.udp_head": udp_head, "emit.seal": seal, "emit.emit": emit, "timers._row_in_ms": in_ms,
}  # fmt: skip
