"""Our name in `.local` changes while the board runs."""

import pytest
from lab.mdns import FLUSH, Lab, Rec, tell
from uipy import Acd, Error
from uipy.host.mdns_rename import rename


@pytest.fixture
def lab():
    made = Lab(services=[("_http._tcp", 80)])
    made.up()
    return made


def test_the_old_name_says_goodbye_then_the_new_one_is_probed_and_told(lab):
    rename(lab.mdns, "cellar")
    sent = lab.run(5000)
    bye, *probes = sent[:4]
    assert {r.ttl for r in bye.answers} == {0}
    assert {r.name for r in bye.answers if r.kind == "A"} == {"uipy.local"}
    assert all("cellar" in q[0] for m in probes for q in m.questions)
    assert len([m for m in probes if m.questions]) == 3
    told = [r for m in sent[4:] for r in m.answers]
    assert told and not [r for r in told if "uipy." in r.name or "uipy" in str(r.data)]
    assert lab.mdns.established and lab.mdns.name == "cellar"
    assert "cellar.local" in lab.says[-1]


def test_its_services_go_along(lab):
    rename(lab.mdns, "cellar")
    told = [r for m in lab.run(5000) for r in m.answers if r.kind == "PTR" and r.ttl]
    assert "cellar._http._tcp.local" in {r.data for r in told}


def test_a_name_that_had_a_number_begins_without(lab):
    lab.mdns.number = 7
    rename(lab.mdns, "cellar")
    lab.run(5000)
    assert lab.mdns.number == 1 and lab.mdns.name == "cellar"


@pytest.mark.parametrize("ms", [400, 5000])
def test_a_new_name_that_somebody_has_gets_a_number(lab, ms):
    """And nobody's services are said to be gone while the name was not ours."""
    rename(lab.mdns, "cellar")
    lab.run(ms)
    sent = lab.say(tell(Rec("cellar.local", "A", FLUSH, 120, "192.168.1.9")))
    if ms == 5000:  # then it has to be probed again, and the other one insists
        sent += lab.run(400)
        sent += lab.say(tell(Rec("cellar.local", "A", FLUSH, 120, "192.168.1.9")))
    sent += lab.run(10_000)
    assert lab.mdns.name == "cellar-2" and lab.mdns.established
    gone = [r for m in sent for r in m.answers if not r.ttl]
    assert bool(gone) == (ms == 5000)


def test_two_names_at_once_the_last_one_counts(lab):
    rename(lab.mdns, "cellar")
    rename(lab.mdns, "attic")
    lab.run(5000)
    assert lab.mdns.name == "attic" and lab.mdns.established


def test_without_an_address_the_name_is_there_when_one_comes():
    lab = Lab(ip=None)
    rename(lab.mdns, "cellar")
    assert not lab.run(2000)
    lab.stack.ifaces[0].configure("192.168.1.7/24")
    lab.run(5000)
    assert lab.mdns.name == "cellar" and lab.mdns.established


def test_what_is_no_name_raises_and_changes_nothing(lab):
    with pytest.raises(Error, match="1 to 58 octets"):
        rename(lab.mdns, "")
    lab.run(5000)
    assert lab.mdns.name == "uipy" and lab.mdns.established


def test_one_that_was_closed_gets_no_name_any_more(lab):
    lab.mdns.close()
    with pytest.raises(Error, match="closed"):
        rename(lab.mdns, "cellar")
    lab.run(5000)
    assert not lab.mdns.established


def test_nobody_guards_an_address_whose_guard_was_closed(wire):
    stack = wire.board(ip=None, gateway=None)
    acd = Acd(stack)
    layers, arp = list(stack.layers), stack.ifaces[0].arp
    acd.use("192.168.1.7/24")
    wire.run(20_000)
    acd.close()
    assert stack.layers == layers[:-1] and arp.input != acd.input and arp.request != acd.request
    assert any(stack.ifaces[0].ip)
    Acd(stack).use("192.168.1.8/24")
    wire.run(20_000)
    assert bytes(stack.ifaces[0].ip) == bytes([192, 168, 1, 8]) and not acd.conflicts
