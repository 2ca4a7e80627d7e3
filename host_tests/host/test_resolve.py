"""`stack.resolve`: the address of a name in one line."""

import sys

import pytest
from host.dns_server import NAME, Lab, rr
from uipy import Error, TableFull
from uipy.host import Resolver


class Dhcp:
    """A layer that knows name servers, as uipy.host.Dhcp does."""

    def __init__(self, stack, *servers):
        self.dns = bytearray(b"".join(servers))
        self.domain = bytearray(8)
        stack.layers.append(self)

    def output(self, now):
        return 0

    def deadline(self, now):
        return 0x10000000


@pytest.fixture
def lab(wire):
    return Lab(wire)


@pytest.fixture
def told():
    return []


def resolvers(stack):
    return [layer for layer in stack.layers if isinstance(layer, Resolver)]


def test_the_resolver_of_the_stack_is_asked(lab, told):
    lab.stack.resolve(NAME, told.append)
    assert resolvers(lab.stack) == [lab.r]
    lab.wire.run(0)
    (q,) = lab.server.asked()
    assert not told
    lab.server.reply(q, rr(NAME, "A", "192.0.2.1"), rr(NAME, "A", "192.0.2.2"))
    assert told == [bytes([192, 0, 2, 1])]


def test_no_such_name_is_none(lab, told):
    lab.stack.resolve(NAME, told.append)
    lab.wire.run(0)
    lab.server.reply(lab.server.asked()[0], rcode=3)
    assert told == [None]


def test_no_answer_is_none_in_the_end(lab, told):
    lab.stack.resolve(NAME, told.append)
    lab.wire.run(60_000)
    assert told == [None]


def test_an_address_is_its_own_name_and_comes_later_too(lab, told):
    lab.stack.resolve("192.168.1.9", told.append)
    assert not told
    lab.wire.run(0)
    assert told == [bytes([192, 168, 1, 9])] and not lab.server.asked()


def test_one_is_made_that_asks_the_servers_of_dhcp(wire, stack, told):
    dhcp = Dhcp(stack, bytes([192, 168, 1, 53]))
    stack.resolve(NAME, told.append)
    (made,) = resolvers(stack)
    assert made.servers is dhcp.dns and made.domain is dhcp.domain
    stack.resolve(NAME, told.append)
    assert resolvers(stack) == [made]
    with pytest.raises(TableFull, match="rows"):
        stack.resolve(NAME, told.append)


def test_without_anybody_to_ask_it_says_what_to_do(stack, told):
    with pytest.raises(Error, match="Resolver"):
        stack.resolve(NAME, told.append)
    assert not resolvers(stack)


def test_the_resolver_of_the_program_comes_before_a_new_one(stack, told):
    from uipy import loop

    made = []

    def make():
        made.append(Resolver(stack, ["192.168.1.53"]))
        return made[0]

    loop.attach(stack, resolver=make)
    try:
        Dhcp(stack, bytes(4))
        stack.resolve(NAME, told.append)
        assert resolvers(stack) == made and len(made) == 1
    finally:
        loop.detach()
    assert "uipy.loop" in sys.modules


def test_what_cannot_be_called_or_asked_for_is_refused(lab):
    with pytest.raises(Error):
        lab.stack.resolve(NAME, None)
    with pytest.raises(Error):
        lab.stack.resolve("a" * 64 + ".org", print)


def test_what_is_called_may_raise(lab):
    def fails(ip):
        raise ValueError("oh")

    lab.stack.resolve("192.168.1.9", fails)
    lab.wire.run(0)
    assert [str(exc) for exc in lab.wire.errors] == ["oh"]
    lab.wire.errors.clear()
