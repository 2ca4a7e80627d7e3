"""The README keeps its word: its programs run, its links lead somewhere, its tables have been
made."""

import importlib
import re
from pathlib import Path

import main
import pytest
from lab.tcp import Lab, Peer, one

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCK = r"```python\n(.*?)```"
(ECHO,) = re.findall(BLOCK, README, re.S)
ANSWER = re.search(BLOCK, (ROOT / "docs/callbacks.md").read_text(), re.S)[1]


def run(program, **names):
    exec(compile(program, "README.md", "exec"), names)
    return names


def on_the_wire(lab, app):
    """A peer whose connection is served by the README's class."""
    lab.stack.listen(8, app, 1)
    peer = Peer(lab, to=8)
    peer.open()
    return peer


def test_the_echo_server_has_ten_lines_and_echoes():
    assert len([line for line in ECHO.splitlines() if line.strip()]) <= 10
    lab = Lab()
    setup, _, loop = ECHO.partition("stack = Stack(dev")
    assert "stack.listen(7, Echo, 4)" in loop and "stack.poll()" in loop
    peer = on_the_wire(lab, run(setup)["Echo"])
    assert one(peer.send("PA", b"hello")).data == b"hello"
    assert one(peer.send("FA")).flags == "FA"  # the end comes back too


def test_the_answer_carries_the_fin():
    lab = Lab()
    peer = on_the_wire(lab, run(ANSWER)["Answer"])
    reply = one(peer.send("PA", b"four"))
    assert (reply.flags, reply.data) == ("FPA", b"4 octets\r\n")


def test_the_ping_of_the_comparison_is_the_one_that_was_measured():
    row = re.search(r"^\| a ping of 56 octets.*", README, re.M)[0]
    ours, theirs = (float(ms) for ms in re.findall(r"\[([\d.]+) ms\]", row))
    said = re.search(r"a ping of 56 octets\s+takes ([\d.]+) ms", README)[1]
    measured = re.search(
        r"^\| ping of 56 octets \| (\d+) ", (ROOT / "docs/costs.md").read_text(), re.M
    )
    assert ours == float(said) and theirs == round(int(measured[1]) / 1000, 1)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (ROOT / link).exists(), link


@pytest.mark.parametrize("verb", sorted(set(re.findall(r"make ([a-z-]+)", README)) - {"sure"}))
def test_every_verb_is_one_of_the_makefile(verb):
    assert re.search(r"^%s:" % verb, (ROOT / "Makefile").read_text(), re.M), verb


MADE = {
    "README.md": ["size", "cycles"],
    "docs/sizes.md": ["sizes"],
    "docs/costs.md": [
        *("cycles-enc28j60", "cycles-w5500", "calls", "stack", "heap", "bench", "flows"),
    ],
}


@pytest.mark.parametrize("page, name", [(page, name) for page in MADE for name in MADE[page]])
def test_the_tables_have_been_made(page, name):
    text = (ROOT / page).read_text()
    inside = text.split("<!-- %s:begin -->" % name)[1].split("<!-- %s:end -->" % name)[0]
    assert inside.count(" ms") > 4 if name == "cycles" else inside.count("|") > 10


def test_every_exchange_is_in_the_table_of_each_chip():
    text = (ROOT / "docs/costs.md").read_text()
    rows = ("ICMP 56", "UDP 18", "TCP 64", "TCP 64, ACK", "TCP 1460", "TCP 1460, ACK")
    for name in (*rows, "HTTP 1 kB", "idle poll"):
        assert text.count("\n| %s | " % name) == 3, name  # two chips, and the calls


@pytest.mark.parametrize("page", ["docs/costs.md", "docs/sizes.md"])
def test_the_links_of_a_page_of_figures_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / link).exists(), link


def test_every_chip_and_application_can_be_imported():
    for module, name in main.CHIPS.values():
        assert hasattr(importlib.import_module("uipy.drivers." + module), name)
    for name in ("Http", "Echo", "UdpEcho", "Discard", "Chargen", "Daytime"):
        assert hasattr(importlib.import_module("uipy.apps"), name)
