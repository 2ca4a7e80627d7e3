"""What goes onto a board: pieces and their needs, whose files stay, and the RAM that it takes."""

import re

import pytest
from image.boards import Refused
from install import content, costs, keep
from parts import pieces
from parts.sources import sources
from parts.table import DRIVERS

PICO = "RPI_PICO_ENC28J60"
HEAP = 245_888  # octets: MicroPython 1.28 on a Pico


@pytest.fixture(scope="module")
def files():
    return content.library(content.chosen([], PICO), "armv6m")


def test_every_part_and_every_source_belongs_to_one_piece():
    found = pieces.pieces().values()
    parts = [part for piece in found for part in piece.parts]
    assert len(parts) == len(set(parts)) > 70
    modules = [path for piece in found for path in piece.sources.values()]
    assert sorted(modules) == sorted(sources().values())


def test_a_piece_needs_what_its_modules_import():
    needs = {name: piece.needs for name, piece in pieces.pieces().items()}
    assert needs["core"] == set() and needs["enc28j60"] == {"core"}
    assert needs["web"] == {"apps", "core"} and {"apps", "host"} <= needs["board"]
    assert not needs["board"] & set(DRIVERS), "the chip decides"
    assert pieces.closure(["web"]) == ["core", "apps", "web"]


def test_the_whole_has_the_driver_of_the_board_s_chip():
    assert "enc28j60" in content.chosen([], PICO) and "wiznet" not in content.chosen([], PICO)
    assert "wiznet" in content.chosen([], "W5500_EVB_PICO")
    with pytest.raises(Refused, match=r"no part corr.*core,"):
        content.chosen(["corr"], PICO)


@pytest.mark.parametrize("arch", ["armv6m", ""])
def test_the_library_is_compiled_for_the_machine(arch):
    core = content.library(["core", "sock"], arch)
    assert core["uipy/core.mpy"][2] >> 2 == (4 if arch else 0)
    assert {"socket.mpy", "network.mpy", "uipy/sock/nic.mpy"} <= set(core)


def test_the_page_names_each_piece_and_each_complaint_as_it_is():
    page = (content.interpreters.ROOT / "docs" / "install.md").read_text()
    assert not [name for name in pieces.pieces() if "`%s`" % name not in page]
    tools = content.interpreters.ROOT / "tools" / "install"
    said = " ".join(re.sub(r'"\s+"', "", p.read_text()) for p in tools.glob("*.py"))
    table = page.partition("| it says |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| ([^|-]+?) \|", table, re.M)
    for row in rows:
        words = re.split(r"two|1\.22| ?\.\.\. ?", row)
        assert all(word.strip() in said for word in words), row
    assert len(rows) >= 9


# Whose files stay

WANTED = {"/lib/uipy/core.mpy": b"core", "/lib/page.mpy": b"page", "/config.py": b"config"}


def plan(there, note=(), force=False):
    there = {path: (len(data), keep.digest(data)) for path, data in there.items()}
    note = {path: keep.digest(data) for path, data in dict(note).items()}
    return keep.Plan(WANTED, there, note, "/lib", force)


def test_an_empty_board_gets_all_in_the_order_given():
    assert list(plan({}).put) == list(WANTED)


def test_a_configuration_that_was_never_put_stays():
    assert plan({"/config.py": b"mine"}).keep == ["/config.py"]
    assert plan({"/config.py": b"mine"}, force=True).keep == []


def test_a_configuration_as_it_was_put_is_replaced():
    there = {"/config.py": b"older"}
    assert "/config.py" in plan(there, note=there).put
    assert plan({"/config.py": b"mine"}, note=there).keep == ["/config.py"]


def test_what_is_kept_stays_the_user_s_the_next_time():
    note = {"/config.py": keep.digest(b"older"), "/other": "1"}
    assert plan({"/config.py": b"mine"}, {"/config.py": b"older"}).note(note)["/config.py"] == (
        keep.digest(b"older")
    )


def test_older_files_of_ours_go_and_a_user_s_module_is_named():
    found = plan({"/lib/uipy/tcp.py": b"", "/page.mpy": b"", "/page.py": b"", "/lib/x.py": b""})
    assert sorted(found.gone) == ["/lib/uipy/tcp.py", "/page.mpy"]
    assert found.beware == ["/page.py"]


def test_a_note_that_is_torn_is_none():
    assert keep.parsed(b'{"a":') == {} == keep.parsed(b"[]")


# The RAM


# Measured on the emulated RP2040, the code from .mpy files (docs/install.md).
@pytest.mark.parametrize(
    "used, changes",
    [
        (181_648, {"ip": "192.168.1.7/24", "hostname": None, "ntp": None, "events": 0}),
        (202_240, {"hostname": None, "ntp": None, "events": 0}),
        (228_128, {"ntp": None, "events": 0, "services": "http"}),
    ],
)
def test_the_ram_that_is_said_is_near_the_measured(files, used, changes):
    cfg = costs.configuration(content.pins(PICO), content.CONFIG.read_bytes())
    assert abs(costs.ram({**cfg, **changes}, files) / used - 1) < 0.04


def test_what_a_pico_s_ram_does_not_hold_is_switched_off(files):
    pins, config = content.pins(PICO), content.CONFIG.read_bytes()
    text, off = costs.lean(config, pins, files, HEAP)
    assert off == ["events", "ntp", "hostname"] and text.startswith(config)
    cfg = costs.configuration(pins, text)
    assert cfg["events"] == 0 and cfg["hostname"] is None and cfg["ip"] == "dhcp"
    assert costs.ram(cfg, files) + costs.RESERVE <= HEAP
    assert costs.lean(config, pins, files, 2 * HEAP) == (config, [])


def test_the_stack_s_own_figure_is_the_readme_s():
    readme = (content.interpreters.ROOT / "README.md").read_text()
    row = re.search(r"^\| RAM: `Stack\(dev, tcp=8.*?\| (\d+) \|", readme, re.M)
    assert abs(int(row[1]) - costs._STACK) < 500
