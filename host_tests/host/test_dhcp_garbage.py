"""What a rogue server, or noise, can say: dropped, counted, nothing kept, no exception."""

import random
from pathlib import Path

import pytest
from host.dhcp_lab import ACK, DISCOVER, NAK, OFFER, REQUEST, Client, Server, answer, lent
from lab.packets import addr
from lab.pythons import run_unix, run_wasm
from uipy.host.dhcp_message import natural_mask, prefix

rfc = pytest.mark.rfc

SHOTS = 10_000


def selecting(wire):
    """A client that waits for an offer, the message it has sent, and a server that says what the
    test does."""
    server = Server(wire)
    server.silent = True
    client = Client(wire, fallback=False)
    client.until("SELECTING")
    return client, server, server.heard[-1]


GOOD = {54: addr("192.168.1.1"), 51: (3600).to_bytes(4, "big"), 1: addr("255.255.255.0")}


def offer(m, yiaddr="192.168.1.50", kind=OFFER, **fields):
    options = {**GOOD, **{int(k[1:]): v for k, v in fields.items() if k[1:].isdigit()}}
    options = {k: v for k, v in options.items() if v is not None}
    more = {k: v for k, v in fields.items() if not k[1:].isdigit()}
    return answer(
        kind, more.pop("xid", m.xid), more.pop("chaddr", m.chaddr), yiaddr, options, **more
    )


BAD: dict[str, dict] = {
    "another's transaction": {"xid": b"abcd"},
    "another's hardware address": {"chaddr": b"\2\0\0\0\0\xaa"},
    "a request": {"op": 1},
    "no cookie": {"cookie": b"abcd"},
    "an address of 16 octets": {"hlen": 16},
    "no server": {"_54": None},
    "half a server": {"_54": b"\xc0\xa8"},
    "no time": {"_51": None},
    "no time at all": {"_51": bytes(4)},
    "half a time": {"_51": b"\0\1"},
    "another's client identifier": {"_61": b"\1\2\0\0\0\0\xaa"},
    "a client identifier of another kind": {"_61": b"\xff\2\0\0\0\0\7"},
    "a mask with holes": {"_1": addr("255.0.255.0")},
    "loopback": {"yiaddr": "127.0.0.1"},
    "a group": {"yiaddr": "224.0.0.9"},
    "nobody": {"yiaddr": "0.0.0.0"},
    "the network": {"yiaddr": "192.168.1.0"},
    "the network's broadcast": {"yiaddr": "192.168.1.255"},
    "an ack": {"kind": ACK},
    "a nak": {"kind": NAK},
    "type 0": {"kind": 0},
    "type 99": {"kind": 99},
}


@rfc("2131 4.4.1-3", "6842 3-1")
@pytest.mark.parametrize("wrong", BAD)
def test_no_offer(wire, wrong):
    client, server, m = selecting(wire)
    server.raw(offer(m, **dict(BAD[wrong])), m)
    wire.run()
    assert client.state == "SELECTING" and client.ip == "0.0.0.0"
    server.raw(offer(m), m)
    wire.run()
    assert client.state == "REQUESTING"


def test_an_offer_from_another_port_is_none(wire):
    client, server, m = selecting(wire)
    server.raw(offer(m), m, sport=6767)
    wire.run()
    assert client.state == "SELECTING" and client.count("dhcp_bad") == 1


@rfc("6842 3-1")
def test_an_echoed_client_identifier_is_welcome(wire):
    client, server, m = selecting(wire)
    server.raw(offer(m, _61=b"\1" + m.chaddr), m)  # RFC 6842
    wire.run()
    assert client.state == "REQUESTING"


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_message_that_ends_in_the_middle(wire, cut):
    client, server, m = selecting(wire)
    server.raw(offer(m)[:-cut], m)
    wire.run()
    # without its end mark, or the mask and that, it can still be used
    assert client.state == ("REQUESTING" if cut in (1, 7) else "SELECTING")


def test_the_last_option_may_be_empty_and_without_an_end_mark(wire):
    client, server, m = selecting(wire)
    server.raw(offer(m)[:-1] + b"\x50\0", m)
    wire.run()
    assert client.state == "REQUESTING"


@pytest.mark.parametrize(
    ("first", "length"), [(10, 8), (127, 8), (128, 16), (191, 16), (192, 24), (223, 24)]
)
def test_the_mask_of_a_class(first, length):
    lease = bytearray(155)
    lease[1] = first
    natural_mask(lease)
    assert prefix(lease) == length


@pytest.mark.parametrize(
    "options",
    [
        b"\x35",
        b"\x35\x01",
        b"\x35\x02\x02",
        b"\x35\xff" + bytes(100),
        b"\0" * 300,
        b"\xff",
        b"",
        b"\x35\x01\x02" * 100,
        b"\x34\x01\x03",
        b"\x35\x01\x02\x34\x01\x03",
        b"\x35\x01\x02\x79\x03\x21\0\0",
    ],
)
def test_options_that_make_no_sense(wire, options):
    client, server, m = selecting(wire)
    head = offer(m)[:240]
    for file in (b"", b"\xff", b"\x03", b"\x03\xff"):
        body = head[:108] + file.ljust(128, b"\x03") + head[236:]
        server.raw(body + options, m)
        wire.run()
        assert client.state == "SELECTING"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"example.org", b"example.org"),
        (b"example.org\0", b"example.org"),
        (b"a" * 64, b"a" * 64),
        (b"a" * 65, b""),
        (b"<script>", b""),
        (b"\n", b""),
        (b"\0", b""),
    ],
)
def test_a_domain_is_a_name_or_nothing(wire, value, text):
    client, _ = lent(wire, _15=value)
    domain = client.dhcp.domain
    assert bytes(domain[1 : 1 + domain[0]]) == text


@pytest.mark.parametrize("routes", [b"\x21" + bytes(9), b"\x20" + bytes(4), b"\0\1", b"\x08"])
def test_routes_that_make_no_sense_are_none(wire, routes):
    client, _ = lent(wire, _121=routes)
    assert not any(client.dhcp.router)


def test_lists_of_odd_lengths_say_nothing(wire):
    client, _ = lent(wire, _3=b"\1\2\3", _6=b"\1" * 13, _42=b"\1" * 40)
    assert not any(client.dhcp.router) and not any(client.dhcp.dns)
    assert bytes(client.dhcp.ntp) == b"\1" * 12


def mutated(rng, body):
    """The message with some of its octets changed, cut off, or put somewhere else."""
    b = bytearray(body)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        k = (
            rng.randrange(rng.choice((240, len(b))))
            if rng.random() < 0.3
            else rng.randrange(236, len(b))
        )
        kind = rng.random()
        if kind < 0.5:
            b[k] = rng.choice((0, 1, 3, 4, 52, 53, 54, 121, 254, 255, rng.randrange(256)))
        elif kind < 0.7:
            del b[k : k + rng.randrange(1, 8)]
        elif kind < 0.9:
            b[k:k] = rng.randbytes(rng.randrange(1, 8))
        else:
            del b[k:]
        b += bytes(max(0, 241 - len(b)))
    return bytes(b)


def test_ten_thousand_messages_and_no_exception(wire):
    rng = random.Random(2131)
    server = Server(wire)
    client = Client(wire, fallback=False)
    states = set()
    wire.polls = -10_000_000
    for k in range(SHOTS):
        server.deaf = ({DISCOVER}, {REQUEST}, set())[k // 300 % 3]
        if k % 97 == 0:
            client.wire.run(2500)
        if k % 100 == 50 and client.state == "BOUND":
            server.silent = True
            client.dhcp.renew()
            wire.run(10)
            server.silent = False
        m = server.heard[-1] if server.heard else None
        if m is None:
            wire.run(1000)
            continue
        fields = {
            "_%d" % c: rng.randbytes(rng.randrange(9))
            for c in rng.choices((1, 3, 6, 15, 42, 51, 58, 59, 121, 52), k=3)
        }
        yiaddr = "192.168.1.%d" % rng.randrange(256)
        whole = offer(m, yiaddr, rng.choice((OFFER, ACK, NAK, ACK, rng.randrange(256))), **fields)
        if rng.random() < 0.1:
            whole = rng.randbytes(rng.randrange(600))
        server.raw(mutated(rng, whole) if len(whole) > 250 else whole, m)
        wire.run()
        states.add(client.state)
        wire.take()
    assert not wire.errors
    assert states >= {"SELECTING", "REQUESTING", "PROBING", "BOUND", "RENEWING"}
    assert client.count("dhcp_bad") > 1000 and client.count("dhcp_ignored") > 500


SCRIPT = Path(__file__).with_name("board_dhcp.py")
FILES = (("joined", "/lib"), ("tools/wire/null.py", "/lib/wire/null.py"))


@pytest.mark.parametrize("bits", [32, 64])
def test_no_answer_and_no_arp_takes_heap(bits):
    said = (
        run_wasm(SCRIPT, files=FILES) if bits == 32 else run_unix(SCRIPT, path=("joined", "tools"))
    )
    lines = dict(line.split(" ") for line in said.splitlines())
    assert lines.pop("state") == "BOUND" and int(lines.pop("messages")) > 500
    assert lines.pop("alone") == "169.254"
    assert int(lines.pop("leaky")) > 0, "the count is broken"
    assert lines and not [what for what, octets in lines.items() if int(octets)], lines
