"""getaddrinfo: what needs nobody, what name servers say, and what it raises. The numbers below
zero are lwIP's, as on a Pico W; ETIMEDOUT and EHOSTUNREACH say more than lwIP does."""

import asyncio

import pytest
from host.dns_server import NAME, SERVERS, Lab, Server, rr
from host.test_mdns_query import PRINTER, Asker
from lab.looped import Nap
from lab.mdns import tell
from lab.packets import mac
from uipy import loop as loops
from uipy.host import Resolver
from uipy.sock import numbers as no
from uipy.sock.face import socket
from uipy.sock.names import NO_NAME, NO_SERVER, addresses, getaddrinfo


class Names(Server):
    """A name server that answers whatever it is asked with these records, a while later."""

    nap: Nap
    code = 0
    after_ms = 5
    records = ("192.0.2.1",)

    def hear(self, f):
        super().hear(f)
        if f.udp and f.udp.dport == 53 and self.after_ms:
            (q,) = self.asked()
            answers = [rr(q.asked, "A", x) for x in self.records]
            self.nap.at(self.after_ms, lambda: self.reply(q, *answers, rcode=self.code))


class Board(Lab):
    """The program waits with `nap`, and `server` answers."""

    def __init__(self, wire):
        super().__init__(wire, servers=0)
        self.server = Names(wire, SERVERS[0], mac("02:00:00:00:00:53"))
        self.server.nap = self.nap = Nap(wire)
        self.r = Resolver(self.stack, SERVERS[:1])
        self.nap.attach(self.stack, resolver=lambda: self.r)


@pytest.fixture
def lab(wire):
    yield Board(wire)
    loops.detach()


def fails(number, call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    assert caught.value.args[0] == number
    return str(caught.value)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (b"192.0.2.1", "192.0.2.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("", "0.0.0.0"),
        (None, "0.0.0.0"),
        ("localhost", "127.0.0.1"),
    ],
)
def test_an_address_wants_no_network(host, address):
    assert getaddrinfo(host, 80) == [(2, 1, 0, "", (address, 80))]
    assert getaddrinfo(host, "80") == [(2, 1, 0, "", (address, 80))]
    assert asyncio.run(addresses(host, 80)) == [(2, 1, 0, "", (address, 80))]


def test_a_name_without_a_network_says_what_to_do():
    with pytest.raises(OSError, match=r"network\.LAN") as caught:
        getaddrinfo("www.example.org", 80)
    assert caught.value.errno == 19


def test_what_is_asked_for_comes_back_as_arguments_of_socket(lab):
    info = getaddrinfo("192.0.2.1", 80, 0, no.SOCK_DGRAM, 17)
    assert info == [(2, 2, 17, "", ("192.0.2.1", 80))]
    with socket(*info[0][:3]) as s:
        s.connect(info[0][-1])
        assert s.getpeername() == ("192.0.2.1", 80)


def test_a_name_is_asked_for_and_waited_for(lab):
    assert getaddrinfo(NAME, 80) == [(2, 1, 0, "", ("192.0.2.1", 80))]
    assert lab.nap.slept == 5


def test_a_name_with_several_addresses_has_them_all(lab):
    lab.server.records = ("192.0.2.1", "192.0.2.2")
    found = getaddrinfo(NAME, 80, no.AF_INET, no.SOCK_STREAM)
    assert [info[-1] for info in found] == [("192.0.2.1", 80), ("192.0.2.2", 80)]


def test_a_known_name_is_not_asked_for_again(lab):
    getaddrinfo(NAME, 80)
    lab.server.after_ms = 0
    assert getaddrinfo(NAME, 81) == [(2, 1, 0, "", ("192.0.2.1", 81))]
    assert lab.nap.slept == 5


def test_connect_and_sendto_take_a_name(lab):
    with socket(no.AF_INET, no.SOCK_DGRAM) as s:
        s.connect((NAME, 9))
        assert s.getpeername() == ("192.0.2.1", 9)


@pytest.mark.parametrize("code", [3, 0, 2, 5])
def test_no_such_name_is_minus_2_as_with_lwip(lab, code):
    """Also what has no address, and what no server finds out or tells."""
    lab.server.code, lab.server.records = code, ()
    assert NAME in fails(NO_NAME, getaddrinfo, NAME, 80)
    assert lab.settled()


@pytest.mark.parametrize("name", ["fe80::1", "a..b", "x" * 64 + ".org", "256.1.1.1", "a." * 128])
def test_what_is_no_name_is_minus_2_at_once(lab, name):
    fails(NO_NAME, getaddrinfo, name, 80)
    assert not lab.server.asked() and lab.nap.slept == 0


def test_nobody_who_answers_is_a_timeout_with_a_bound(lab):
    lab.server.after_ms = 0
    assert "timeout" in fails(no.ETIMEDOUT, getaddrinfo, NAME, 80)
    assert 6000 <= lab.nap.slept <= 60_000
    assert lab.settled()


def test_no_server_is_a_number_and_a_sentence_of_its_own(wire):
    stack = wire.board()
    wire.run()
    nap = Nap(wire)
    nap.attach(stack, resolver=lambda: Resolver(stack, []))
    assert "no server" in fails(NO_SERVER, getaddrinfo, NAME, 80)
    nap.attach(stack)
    assert "no resolver" in fails(NO_SERVER, getaddrinfo, NAME, 80)
    loops.detach()


def test_a_server_out_of_reach_is_unreachable(wire):
    stack = wire.board(gateway=None)
    wire.run()
    Nap(wire).attach(stack, resolver=lambda: Resolver(stack, ["10.0.0.53"]))
    fails(no.EHOSTUNREACH, getaddrinfo, NAME, 80)
    loops.detach()


def test_full_tables_are_no_memory(lab):
    for k in range(8):
        lab.stack.bind(1000 + k, None)
    fails(no.ENOMEM, getaddrinfo, NAME, 80)
    for port in lab.stack.udp.ports:
        port.close()
    lab.server.after_ms = 0
    for k in range(4):
        lab.r.resolve("name%d.example.org" % k, "A", print)
    fails(no.ENOMEM, getaddrinfo, NAME, 80)


def test_ctrl_c_asks_no_more(lab):
    def ctrl_c():
        raise KeyboardInterrupt

    lab.server.after_ms = 0
    lab.nap.at(1000, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        getaddrinfo(NAME, 80)
    assert lab.settled()


@pytest.mark.parametrize(
    ("args", "number"),
    [
        ((NAME, 65536), no.EINVAL),
        ((NAME, -1), no.EINVAL),
        ((NAME, 80, no.AF_INET6), no.EAFNOSUPPORT),
        ((NAME, 80, 0, no.SOCK_RAW), no.EINVAL),
    ],
)
def test_what_there_is_not_is_an_error_at_once(lab, args, number):
    fails(number, getaddrinfo, *args)
    assert not lab.server.asked()


def test_a_port_that_is_no_number_is_an_error():
    with pytest.raises(ValueError, match="http"):
        getaddrinfo("192.0.2.1", "http")


# .local


@pytest.mark.parametrize("there", [True, False])
def test_a_name_in_local_is_asked_of_the_link(there):
    asker = Asker()
    nap = Nap(asker.wire)
    resolver = Resolver(asker.stack, ["192.168.1.53"])
    resolver.local = asker.local
    nap.attach(asker.stack, resolver=lambda: resolver)
    if there:
        nap.at(200, lambda: asker.say(tell(PRINTER)))
        assert getaddrinfo("printer.local", 80) == [(2, 1, 0, "", ("192.168.1.9", 80))]
    else:
        fails(NO_NAME, getaddrinfo, "printer.local", 80)
        assert nap.slept <= 6000
    loops.detach()


# In asyncio


def task(lab, name=NAME):
    """`addresses` in a task, while the clock of the wire goes on; how often another task ran."""
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)
            lab.nap(1)

    async def main():
        beside = asyncio.create_task(other())
        try:
            return await addresses(name, 80)
        finally:
            beside.cancel()

    try:
        return asyncio.run(main()), turns
    except OSError as exc:
        return exc.args[0], turns


def test_other_tasks_run_while_a_name_is_asked_for(lab):
    lab.server.after_ms = 50
    found, turns = task(lab)
    assert found == [(2, 1, 0, "", ("192.0.2.1", 80))]
    assert turns > 20


def test_a_task_hears_that_there_is_no_such_name(lab):
    lab.server.code, lab.server.records = 3, ()
    assert task(lab)[0] == NO_NAME


def test_a_task_that_is_cancelled_asks_no_more(lab):
    lab.server.after_ms = 0

    async def main():
        await asyncio.wait_for(addresses(NAME, 80), 0.05)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(main())
    assert lab.settled()
