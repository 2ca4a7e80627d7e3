"""The manual keeps its word: its programs are the files that a test runs, the counters, settings
and verbs that it names exist, its figures are those of the code."""

import inspect
import re
from pathlib import Path

import config
import main
import pytest
from uipy import lines, stat, timers
from uipy.apps import Site
from uipy.drivers.enc28j60 import ENC28J60
from uipy.host import Ping
from uipy.sock import tcp
from uipy.web import Routes

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
COOKBOOK = ROOT / "firmware" / "examples" / "cookbook"
MANUAL = ("README", "getting-started", "troubleshooting", "coming-from", "limits")
PAGES = [*(DOCS / (name + ".md") for name in MANUAL), *sorted((DOCS / "cookbook").glob("*.md"))]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)


def default(f, name):
    return inspect.signature(f).parameters[name].default


@pytest.mark.parametrize("program", sorted(COOKBOOK.glob("*.py")), ids=lambda p: p.stem)
def test_each_recipe_shows_the_whole_program(program):
    page = (DOCS / "cookbook" / (program.stem + ".md")).read_text()
    assert re.findall(r"```python\n(.*?)```", page, re.S) == [program.read_text()]


def test_the_cookbooks_contents_have_each_program_once():
    text = (DOCS / "cookbook" / "README.md").read_text()
    named = re.findall(r"\| `(\w+)\.py` \|", text)
    assert sorted(named) == sorted(p.stem for p in COOKBOOK.glob("*.py"))


@every_page
def test_every_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        assert "://" in link or (page.parent / link).exists(), link


@every_page
def test_every_verb_and_file_that_is_typed_exists(page):
    makefile = (ROOT / "Makefile").read_text()
    for verb in re.findall(r"(?:`|^ {4})make ([a-z-]+)", page.read_text(), re.M):
        assert re.search(r"^%s:" % verb, makefile, re.M), verb
    for name in re.findall(r"APP=([\w/]+\.py)", page.read_text()):
        assert name in ("my.py", "sensor.py") or (ROOT / name).exists(), name


def test_every_counter_of_the_troubles_exists():
    text = (DOCS / "troubleshooting.md").read_text()
    said = re.findall(r"`((?:frames|rx|tx|tcp|arp|app|no|reinit)(?:_\w+)?)`", text)
    assert len(said) > 15
    known = {*stat.NAMES, *ENC28J60.NAMES}
    # Of config.py: the tables.
    assert not [name for name in said if name not in known and not hasattr(config, name)]


def test_every_row_of_the_doctor_that_is_named_is_printed():
    text = (DOCS / "troubleshooting.md").read_text()
    table = (DOCS / "first-start.md").read_text()
    rows = re.findall(r"`([\w ]+)`", " ".join(re.findall(r"\*\*Doctor:\*\* (rows? [^.*]+)", text)))
    assert len(rows) > 6
    code = "".join(p.read_text() for p in (ROOT / "lib/uipy").glob("doctor*.py"))
    counters = {*stat.NAMES, *ENC28J60.NAMES}
    for row in set(rows) - counters:
        assert '"%s"' % row in code and re.search("^%s " % row, table, re.M), row


@pytest.mark.parametrize("name", ("program", "watchdog", "safe_pin", "hostname", "baudrate"))
def test_a_setting_that_the_manual_names_is_one_of_config(name):
    text = (ROOT / "firmware/config.py").read_text()
    text += (ROOT / "boards/RPI_PICO_ENC28J60/pins.py").read_text()
    assert re.search(r"^%s = " % name, text, re.M)


def test_the_message_about_a_silent_chip_is_the_drivers():
    said = (ROOT / "lib/uipy/drivers/enc28j60/__init__.py").read_text()
    assert "EREVID read 0x{:02X}" in said
    for page in ("getting-started.md", "troubleshooting.md"):
        assert "`EREVID read 0x00`" in (DOCS / page).read_text()


LIMITS = {
    "TCP connections": config.tcp,
    "handshakes under way": config.half_open,
    "connections in TIME-WAIT": config.time_wait,
    "UDP ports": config.udp,
    "neighbours (ARP)": config.arp,
    "clients of each service": config.clients,
    "pages that are told by events": config.events,
    "timers of `stack.every`": default(timers.Timers, "rows"),
    "pings under way": default(Ping, "rows"),
    "a frame": 1500 + 14,
    "a datagram, without fragments": 1500 - 28,
    "a TCP segment": 1500 - 40,
    "ring of the echo service": config.echo_ring,
    "rings of a socket": (4 + 2) * 1460,
    "the first line of a request": default(Site, "line"),
    "header fields of a request": default(Site, "fields"),
    "body of a request, for a function": default(Routes.route, "limit"),
    "a line of `Lines`": lines.Lines.longest,
}


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_is_that_of_the_code(what):
    rows = re.findall(r"^\| (.*?) \| (\d+) \|", (DOCS / "limits.md").read_text(), re.M)
    assert dict(rows)[what] == str(LIMITS[what])


def test_no_limit_stands_there_that_is_not_looked_at():
    rows = re.findall(r"^\| (.*?) \| (\d+) \|", (DOCS / "limits.md").read_text(), re.M)
    assert sorted(name for name, _ in rows) == sorted(LIMITS)


def test_a_sockets_rings_are_as_the_page_says():
    assert (tcp.defaults["rx"], tcp.defaults["tx"]) == (0, 0)  # 4 segments and 2
    assert "http" in main.SERVICES
