"""The resolver asks, and is answered."""

import pytest
from host.dns_server import NAME, Lab, rr
from lab.net import Wire
from uipy import Error, TableFull
from uipy.host import Resolver

rfc = pytest.mark.rfc


@pytest.fixture
def lab(wire):
    return Lab(wire)


@rfc("1035 4.1.1-2")
def test_an_address_is_asked_for_and_told(lab):
    q = lab.question()
    assert (q.name, q.kind, q.flags) == ("www.example.org", 1, 0x0100)
    assert q.section.endswith(b"\0\0\1\0\1")
    lab.server.reply(q, rr(q.asked, "A", "192.0.2.1"), rr(q.asked, "A", "192.0.2.2", ttl=60))
    assert lab.told.errors == [None]
    assert lab.told.records == [["192.0.2.1", "192.0.2.2"]]
    assert lab.told.ttls == [60] and lab.told.cached == [False]
    assert lab.settled() and lab.count("answered") == 1


def test_done_is_called_by_output_and_never_within_resolve(lab):
    lab.r.resolve("1.2.3.4", "A", lab.told)
    assert not lab.told.errors
    lab.wire.settle()
    assert lab.told.records == [["1.2.3.4"]]


def test_what_is_cached_is_told_without_a_question(lab):
    lab.server.reply(lab.question(), rr(NAME, "A", "192.0.2.1", ttl=100))
    lab.wire.run(40_500)
    lab.ask("WWW.example.ORG.")
    assert lab.server.asked() == [] and lab.count("cached") == 1
    assert lab.told.records == [["192.0.2.1"]] * 2
    assert lab.told.ttls == [100, 60] and lab.told.cached == [False, True]


def test_an_octets_answer_is_an_address_for_the_stack(lab):
    got = []
    lab.told.then = lambda a: got.extend([a.octets(), a.octets(1), a.name, a.error, a.count])
    q = lab.question()
    lab.server.reply(q, rr(NAME, "A", "192.0.2.1"), rr(NAME, "A", "192.0.2.2"))
    assert got == [bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]), NAME, None, 2]
    assert lab.stack.ip_of(got[0]) == got[0]


@pytest.mark.parametrize(
    ("kind", "value", "record"),
    [
        ("AAAA", bytes(range(16)), "1:203:405:607:809:a0b:c0d:e0f"),
        ("AAAA", bytes(15) + b"\1", "::1"),
        ("AAAA", b"\x20\1\r\xb8" + bytes(8) + b"\0\1\0\0", "2001:db8::1:0"),
        ("AAAA", bytes(2) + b"\0\1" * 7, "0:1:1:1:1:1:1:1"),
        ("AAAA", bytes(16), "::"),
        ("AAAA", b"\0\1" + bytes(4) + b"\0\1" + bytes(8), "1:0:0:1::"),
        ("SRV", (1, 2, 8080, "host.example.org"), (1, 2, 8080, "host.example.org")),
        ("TXT", [b"path=/", b"", b"\xff\0"], [b"path=/", b"", b"\xff\0"]),
        ("MX", b"\0\5" + b"\4mail\0", (5, "mail")),
        ("NS", "ns.example.org", "ns.example.org"),
        ("CNAME", "other.example.org", "other.example.org"),
    ],
)
def test_each_kind_of_record_is_told_as_python_has_it(lab, kind, value, record):
    q = lab.question(kind=kind)
    lab.server.reply(q, rr(q.asked, kind, value))
    assert lab.told.records == [[record]]
    lab.ask(kind=kind)
    assert lab.told.records == [[record]] * 2 and lab.told.cached[-1]


@rfc("1035 3.5-1")
@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.168.1.9", "9.1.168.192.in-addr.arpa"),
        (bytes([10, 0, 0, 1]), "1.0.0.10.in-addr.arpa"),
        (b"\x20\1" + bytes(13) + b"\x12", "2.1." + "0." * 26 + "1.0.0.2.ip6.arpa"),
        ("7.1.168.192.in-addr.arpa.", "7.1.168.192.in-addr.arpa"),
    ],
)
def test_the_name_of_an_address_is_asked_for(lab, address, name):
    q = lab.question(address, "PTR")
    assert (q.name, q.kind) == (name, 12)
    lab.server.reply(q, rr(q.asked, "PTR", "printer.lan"))
    assert lab.told.records == [["printer.lan"]]


def test_an_address_is_its_own_address_and_nothing_else(lab):
    lab.ask("192.0.2.7", "A")
    lab.ask("192.0.2.7", "AAAA")
    lab.ask(bytes(16), "AAAA")
    assert lab.told.records == [["192.0.2.7"], [], ["::"]]
    assert lab.told.errors == [None, "no such data", None]
    assert lab.server.asked() == []


@rfc("1035 4.1.4-1")
def test_names_in_rdata_may_point_back(lab):
    q = lab.question("9.1.168.192.in-addr.arpa", "PTR")
    owner = b"\xc0\x0c"
    data = b"\4host\xc0\x0e"  # host.1.168.192...
    record = owner + b"\0\x0c\0\1\0\0\1\0" + len(data).to_bytes(2, "big") + data
    lab.server.reply(q, record)
    assert lab.told.records[0][0].lower() == "host.1.168.192.in-addr.arpa"


# Aliases (RFC 1034 3.6.2)


def test_a_chain_of_aliases_is_followed_in_any_order(lab):
    q = lab.question()
    lab.server.reply(
        q,
        rr("b.example.net", "A", "192.0.2.9", ttl=500),
        rr("a.example.net", "CNAME", "b.example.net", ttl=50),
        rr(q.asked, "CNAME", "a.example.net", ttl=5000),
    )
    assert lab.told.records == [["192.0.2.9"]] and lab.told.ttls == [50]


def test_an_alias_whose_end_is_missing_is_asked_for(lab):
    q = lab.question()
    lab.server.reply(q, rr(q.asked, "CNAME", "a.example.net", ttl=77))
    q = lab.server.one()
    assert (q.name, q.kind) == ("a.example.net", 1)
    lab.server.reply(q, rr(q.asked, "A", "192.0.2.9"))
    assert lab.told.records == [["192.0.2.9"]] and lab.told.ttls == [77]
    lab.ask()
    assert lab.told.records == [["192.0.2.9"]] * 2 and lab.server.asked() == []


@rfc("1035 7.1-1")
def test_aliases_in_a_ring_end(lab):
    q = lab.question()
    lab.server.reply(
        q, rr(q.asked, "CNAME", "a.example.net"), rr("a.example.net", "CNAME", q.asked)
    )
    assert lab.told.errors == ["alias loop"] and lab.settled()


@rfc("1035 7.1-1")
def test_aliases_in_a_ring_of_replies_end(lab):
    lab.ask()
    for k in range(9):
        q = lab.server.one()
        lab.server.reply(q, rr(q.asked, "CNAME", "a%d.example.net" % (k % 2)))
    assert lab.told.errors == ["alias loop"] and lab.server.asked() == []


# There is nothing (RFC 2308)


def test_a_name_that_is_not_there_is_not_asked_for_again_for_a_while(lab):
    q = lab.question()
    soa = rr("example.org", "SOA", 600, ttl=900)
    lab.server.reply(q, rcode=3, authority=[soa])
    lab.wire.run(599_000)
    lab.ask()
    assert lab.told.errors == ["not found"] * 2 and lab.server.asked() == []
    assert lab.told.ttls == [600, 1]
    lab.wire.run(1000)
    lab.ask()
    assert lab.server.one().name == "www.example.org"
    assert lab.lines == ["dns: www.example.org: not found"]


def test_a_denial_is_kept_for_three_hours_at_the_most_and_without_an_soa_not_at_all(lab):
    q = lab.question()
    lab.server.reply(q, authority=[rr("example.org", "SOA", 90_000, ttl=80_000)])
    assert lab.told.errors == ["no such data"] and lab.told.ttls == [10_800]
    q = lab.question("other.example.org")
    lab.server.reply(q)
    assert lab.told.errors[1] == "no such data" and lab.told.ttls[1] == 0
    assert lab.question("other.example.org")


def test_an_alias_of_nothing_is_nothing(lab):
    q = lab.question()
    soa = rr("example.net", "SOA", 60)
    lab.server.reply(q, rr(q.asked, "CNAME", "a.example.net"), authority=[soa])
    assert lab.told.errors == ["no such data"] and lab.told.ttls == [60]


# The domain


def test_a_name_without_a_dot_is_asked_for_in_the_domain_then_by_itself(wire):
    lab = Lab(wire, domain="lan.example.org")
    q = lab.question("printer")
    assert q.name == "printer.lan.example.org"
    lab.server.reply(q, rcode=3)
    assert not lab.told.errors
    q = lab.server.one()
    assert q.name == "printer"
    lab.server.reply(q, rr(q.asked, "A", "192.168.1.99"))
    assert lab.told.records == [["192.168.1.99"]]
    assert lab.question("a.b").name == "a.b"
    assert lab.question("printer2.").name == "printer2"


def test_what_is_not_in_the_domain_is_not_asked_for_again_there(wire):
    lab = Lab(wire, domain="lan.example.org")
    q = lab.question("printer")
    lab.server.reply(q, rcode=3, authority=[rr("org", "SOA", 600)])
    for _ in range(2):
        q = lab.server.one()
        assert q.name == "printer"
        lab.server.reply(q, rr(q.asked, "A", "192.168.1.99", ttl=0))
        lab.ask("printer")
    assert lab.told.errors == [None, None] and lab.count("cached") == 2


def test_an_alias_in_the_domain_is_the_name_that_was_meant(wire):
    lab = Lab(wire, domain="lan.example.org")
    q = lab.question("printer")
    lab.server.reply(q, rr(q.asked, "CNAME", "gone.example.net"))
    lab.server.reply(lab.server.one(), rcode=3)
    assert lab.told.errors == ["not found"] and not lab.server.asked()


def test_the_domain_is_read_when_it_is_needed(wire):
    domain = bytearray(65)
    lab = Lab(wire, domain=domain, rows=5)
    assert lab.question("a").name == "a"
    domain[:4] = b"\3lan"
    assert lab.question("b").name == "b.lan"
    domain[:2] = b"\1x"
    assert lab.question("b").name == "b.x"
    domain[:4] = b"\3l\xff."  # nonsense from a DHCP server
    assert lab.question("c").name == "c"
    domain[0] = 200
    assert lab.question("d").name == "d"


# Callers' errors, rows


def test_what_cannot_be_asked_is_an_error_at_the_call(lab):
    for name, kind in (("a..b", "A"), ("x" * 64, "A"), (b"abc", "A"), ("a", "HINFO")):
        with pytest.raises(Error):
            lab.r.resolve(name, kind, lab.told)
    with pytest.raises(Error):
        lab.r.resolve("1.2.3.400", "A", lab.told)
    assert lab.settled()


def test_more_names_than_rows_are_an_error(wire):
    lab = Lab(wire, rows=2)
    lab.ask("a.b")
    lab.ask("b.b")
    with pytest.raises(TableFull):
        lab.ask("c.b")


def test_who_is_answered_may_ask_on(lab):
    def on(answer):
        if answer.kind == 33:
            lab.r.resolve(answer.record()[3], "A", lab.told)

    lab.told.then = on
    q = lab.question("_http._tcp.example.org", "SRV")
    lab.server.reply(q, rr(q.asked, "SRV", (0, 0, 80, "host.example.org")))
    q = lab.server.one()
    lab.server.reply(q, rr(q.asked, "A", "192.0.2.3"))
    assert lab.told.records[-1] == ["192.0.2.3"] and lab.settled()


def test_a_cancelled_question_is_not_told_and_its_row_is_free(lab):
    ticket = lab.ask()
    q = lab.server.one()
    lab.r.cancel(ticket)
    assert lab.settled()
    lab.server.reply(q, rr(q.asked, "A", "192.0.2.1"))
    lab.wire.run(60_000)
    assert lab.told.errors == [] and lab.server.asked() == []
    other = lab.ask("other.example.org")
    lab.r.cancel(ticket)  # of a row that serves another one now
    assert other != ticket and lab.r.rows[0].state != 0


def test_who_is_answered_may_cancel_and_ask_anew(lab):
    def again(answer):
        lab.r.cancel(ticket)
        lab.told.then = None
        lab.r.resolve("other.example.org", "A", lab.told)

    lab.told.then = again
    ticket = lab.ask()
    q = lab.server.one()
    lab.server.reply(q, rr(q.asked, "A", "192.0.2.1"))
    q = lab.server.one()
    lab.server.reply(q, rr(q.asked, "A", "192.0.2.2"))
    assert lab.told.records == [["192.0.2.1"], ["192.0.2.2"]] and lab.settled()


def test_what_done_raises_is_told_to_the_stack(lab, wire):
    def bad(answer):
        raise ValueError("mine")

    lab.ask("192.0.2.1", told=bad)
    assert [str(e) for e in wire.errors] == ["mine"]
    wire.errors.clear()
    assert lab.settled()


@rfc("6762 22.1-1")
def test_names_in_local_are_somebody_elses_if_there_is_somebody(lab):
    class Local:
        def resolve(self, name, kind, done):
            self.asked = name, kind
            return 7

        def cancel(self, ticket):
            self.cancelled = ticket

    lab.r.local = Local()
    ticket = lab.ask("Board.LOCAL.")
    assert lab.r.local.asked == ("Board.LOCAL.", 1)
    lab.r.cancel(ticket)
    assert lab.r.local.cancelled == 7
    assert lab.question("local.example").name == "local.example"


@rfc("3927 1.4-1", "6762 4-1")
def test_names_of_link_local_addresses_are_never_asked_of_a_server(lab):
    names = ("169.254.7.9", bytes([169, 254, 7, 9]), "9.7.254.169.IN-ADDR.arpa.")
    for name in names:
        lab.ask(name, "PTR")
    assert lab.told.errors == ["not found"] * 3 and not lab.server.asked() and lab.settled()
    assert lab.question("169.253.7.9", "PTR").name == "9.7.253.169.in-addr.arpa"

    class Local:
        def resolve(self, name, kind, done):
            self.asked = name.lower(), kind
            return 7

    for name in names:
        lab.r.local = Local()
        assert lab.ask(name, "PTR") == -7
        assert lab.r.local.asked == ("9.7.254.169.in-addr.arpa", 12)
    assert not lab.server.asked()


def test_a_resolver_wants_udp(wire):
    with pytest.raises(Error):
        Resolver(wire.board(udp=0, tcp=2), [])


@rfc("1035 7.4-1")
def test_answers_that_do_not_fit_are_left_out(wire):
    lab = Lab(wire, room=13)
    cut = []
    lab.told.then = lambda a: cut.append(a.cut)
    q = lab.question()
    lab.server.reply(q, *[rr(q.asked, "A", "192.0.2.%d" % k) for k in range(4)])
    assert lab.told.records == [["192.0.2.0", "192.0.2.1"]] and cut == [True]
    lab.ask()
    assert lab.server.one().name == "www.example.org"  # half an answer is not kept


def test_two_stacks_do_not_know_each_others_names():
    labs = [Lab(Wire()) for _ in range(2)]
    q = labs[0].question()
    labs[0].server.reply(q, rr(q.asked, "A", "192.0.2.1"))
    assert labs[1].question().name == "www.example.org"
