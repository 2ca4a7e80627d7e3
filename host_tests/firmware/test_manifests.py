"""The images of all boards: what a manifest names is there, once, and complete."""

import ast
import functools
import os
import re
from pathlib import Path

import pytest
from image import boards, manifest
from lab.pythons import joined

ROOT = Path(__file__).resolve().parents[2]
PIECES = ROOT / "firmware" / "manifests"
ETH = {
    "ETH_SCK": "sck",
    "ETH_MOSI": "mosi",
    "ETH_MISO": "miso",
    "ETH_CS": "cs",
    "ETH_INT": "int_pin",
    "ETH_RESET": "reset",
}


# main.py imports that of the board's chip when it has read which one that is.
DRIVERS = {"uipy/drivers/%s.py" % name for name in ("enc28j60", "wiznet", "slip")}
made = functools.cache(joined)


@functools.cache
def frozen(name):
    """{target path: source file} of a board's manifest."""
    return manifest.evaluate(boards.find(name).folder / "manifest.py").files


@functools.cache
def imports(target, source):
    """The modules of uipy and firmware that a source imports, as target paths."""
    folder = target.split("/")[:-1]
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            up = folder[: len(folder) + 1 - node.level] if node.level else []
            names = [".".join([*up, node.module] if node.module else up)]
            if not node.module or node.module == "uipy":
                names = [f"{names[0]}.{a.name}" for a in node.names]
        else:
            continue
        for name in names:
            path = name.replace(".", "/") + ".py"
            if any((top / path).exists() for top in (made(), ROOT / "firmware")):
                found.add(path)
    return found


@pytest.mark.parametrize("board", boards.names())
def test_every_import_of_a_frozen_module_is_frozen(board):
    found = frozen(board)
    for target, source in found.items():
        assert imports(target, source) - DRIVERS <= set(found), target


def test_a_driver_can_be_frozen_without_the_core():
    found = manifest.evaluate(ROOT / "firmware" / "manifests" / "driver.py").files
    assert "uipy/drivers/enc28j60.py" in found and "uipy/core.py" not in found
    for target, source in found.items():
        assert imports(target, source) <= set(found), target


@pytest.mark.parametrize("board", boards.names())
def test_an_image_holds_core_driver_applications_and_what_boots(board):
    found = set(frozen(board))
    assert {"main.py", "page.py", "status.py", "config.py", "pins.py", "uipy/apps.py"} <= found
    assert {"network.py", "socket.py", "usocket.py", "uipy/sock/nic.py"} <= found
    assert {"uipy/core.py", "uipy/loop.py"} <= found
    chip = boards.find(board).pins["chip"]
    driver = chip if chip in ("enc28j60", "slip") else "wiznet"
    assert found & DRIVERS == {"uipy/drivers/%s.py" % driver}


@pytest.mark.parametrize("board", boards.names())
def test_an_image_holds_the_joined_form(board):
    """A module a part, made from lib/ (tools/parts/join.py), with native kernels; of the checkout
    only the settings, and nothing that is for a PC."""
    found = frozen(board)
    at = {target: Path(os.path.relpath(source, ROOT)).parts for target, source in found.items()}
    made = {target for target, parts in at.items() if parts[:3] == ("build", "parts", "viper")}
    assert {t: at[t] for t in set(found) - made} == {
        "config.py": ("firmware", "config.py"),
        "pins.py": ("boards", board, "pins.py"),
    }
    assert at["socket.py"][3] == "modules"
    assert "@micropython.viper" in found["uipy/core.py"].read_text()
    assert not [target for target in found if target.startswith(("uipy/tcp/", "uipy/kern/"))]


def test_the_pieces_say_nothing_twice():
    """Every piece is taken in by one file, and each library asked for once."""
    lines: list = []
    for path in [*PIECES.glob("*.py"), *(boards.BOARDS / "common").glob("*.py")]:
        lines += re.findall(r"^include\(\"([^\"]+/manifests/[^\"]+)", path.read_text(), re.M)
    assert len(set(lines)) == len(list(PIECES.glob("*.py")))
    assert sorted(lines) == sorted([*set(lines), "../../firmware/manifests/libs.py"])


@pytest.mark.parametrize(
    "line, said",
    [
        ('module("no.py")', "no.py: there is no .*no.py"),
        ('module("a.py")\nmodule("a.py")', "a.py: frozen twice"),
        ('require("mip")\nrequire("mip")', "mip: required twice"),
        ('include("b.py")', "there is no .*b.py"),
        ('freeze("lib")', "package.. and module.. are for files of ours"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(tmp_path, line, said):
    (tmp_path / "a.py").write_text("A = 1\n")
    (tmp_path / "manifest.py").write_text(line + "\n")
    with pytest.raises(manifest.Wrong, match=said):
        manifest.evaluate(tmp_path / "manifest.py")


def test_an_include_is_told_its_options(tmp_path):
    (tmp_path / "a.py").write_text("A = 1\n")
    (tmp_path / "piece.py").write_text("options.defaults(what='b.py')\nmodule(options.what)\n")
    (tmp_path / "manifest.py").write_text("include('piece.py', what='a.py')\n")
    assert set(manifest.evaluate(tmp_path / "manifest.py").files) == {"a.py"}
    with pytest.raises(manifest.Wrong, match=r"b\.py"):
        manifest.evaluate(tmp_path / "piece.py")


@pytest.mark.parametrize("board", boards.names())
def test_the_pins_of_the_image_have_the_numbers_of_pins_py(board):
    board = boards.find(board)
    named = dict(line.split(",") for line in (board.folder / "pins.csv").read_text().split())
    for name, what in ETH.items():
        number = board.pins.get(what)
        assert named.pop(name, None) == (None if number is None else "GPIO%d" % number)
    assert set(named) <= {"LED"}


@pytest.mark.parametrize("board", boards.names())
def test_a_board_has_what_micropythons_build_wants(board):
    board = boards.find(board)
    header = (board.folder / "mpconfigboard.h").read_text()
    assert '#include "../common/%s.h"' % board.processor.port in header
    cmake = (board.folder / "mpconfigboard.cmake").read_text()
    assert "/../common/%s.cmake)" % board.processor.port in cmake
    esp32 = 'port="esp32"' in (board.folder / "manifest.py").read_text()
    assert esp32 == (board.processor.port == "esp32")


def test_a_board_that_there_is_not_is_refused_in_one_sentence():
    with pytest.raises(boards.Refused, match=r"no board 'PICO': BOARD= is one of .*RPI_PICO_ENC"):
        boards.find("PICO")
