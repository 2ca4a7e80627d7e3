"""What the image freezes is complete: every import of a frozen module is frozen too."""

import ast
import os
import re
from pathlib import Path

import config
import pytest
from lab.pythons import joined

ROOT = Path(__file__).resolve().parents[2]
BOARD = ROOT / "boards" / "RPI_PICO_ENC28J60"
PARTS = ROOT / "firmware" / "manifests"


def frozen(manifest):
    """{target path: source file} of a manifest, as MicroPython's manifestfile.py takes it."""
    found = {}
    joined()  # what `make parts` makes

    def package(name, files, base_path, opt):
        for file in files:
            target = f"{name}/{file}"
            assert target not in found, "frozen twice"
            found[target] = (Path(base_path) / name / file).resolve(strict=True)

    def module(name, base_path=".", opt=None):
        found[name] = (Path(base_path) / name).resolve(strict=True)

    def include(path):
        if path.startswith("$(PORT_DIR)"):
            return
        here = Path.cwd()
        path = Path(path).resolve(strict=True)
        os.chdir(path.parent)
        try:
            names = {"package": package, "module": module, "include": include}
            names["require"] = lambda name: None  # MicroPython's own
            exec(path.read_text(), names)
        finally:
            os.chdir(here)

    include(str(manifest))
    return found


def imports(target, source):
    """The modules of uipy and firmware that a source imports, as target paths."""
    folder = target.split("/")[:-1]
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
            if any((top / path).exists() for top in (joined(), ROOT / "firmware")):
                yield path


@pytest.mark.parametrize("manifest", [BOARD / "manifest.py", PARTS / "enc28j60.py"])
def test_every_import_of_a_frozen_module_is_frozen(manifest):
    found = frozen(manifest)
    for target, source in found.items():
        assert set(imports(target, source)) <= set(found), target


def test_the_image_holds_core_driver_applications_and_what_boots():
    found = frozen(BOARD / "manifest.py")
    assert {"main.py", "page.py", "status.py", "config.py", "pins.py"} <= set(found)
    assert {"uipy/core.py", "uipy/drivers/enc28j60.py", "uipy/apps.py"} <= set(found)
    assert {"network.py", "socket.py", "usocket.py", "uipy/sock/nic.py", "uipy/loop.py"} <= set(
        found
    )
    assert "uipy/drivers/wiznet.py" not in found and "uipy/drivers/slip.py" not in found


def test_the_image_holds_the_joined_form():
    """A module a part, made from lib/ (tools/parts/join.py), with native kernels."""
    found = frozen(BOARD / "manifest.py")
    of_uipy = [source for target, source in found.items() if target.startswith("uipy/")]
    assert all(source.is_relative_to(joined()) for source in of_uipy)
    assert found["socket.py"].is_relative_to(joined() / "modules")
    assert "@micropython.viper" in found["uipy/core.py"].read_text()
    assert not [target for target in found if target.startswith(("uipy/tcp/", "uipy/kern/"))]


def test_the_pins_are_the_same_in_all_places():
    pins = dict(line.split(",") for line in (BOARD / "pins.csv").read_text().split())
    header = (BOARD / "mpconfigboard.h").read_text()
    readme = (BOARD / "README.md").read_text()
    wanted = {
        "ETH_SCK": config.sck,
        "ETH_MOSI": config.mosi,
        "ETH_MISO": config.miso,
        "ETH_CS": config.cs,
        "ETH_INT": config.int_pin,
        "ETH_RESET": config.reset,
    }
    for name, number in wanted.items():
        assert pins[name] == f"GPIO{number}"
        (row,) = [line for line in readme.splitlines() if f"`{name}`" in line]
        assert f"GP{number}," in row
    for name in ("SCK", "MOSI", "MISO"):
        assert re.search(rf"MICROPY_HW_SPI0_{name} +\({wanted['ETH_' + name]}\)", header)
