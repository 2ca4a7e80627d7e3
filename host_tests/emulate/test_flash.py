"""The file system that the emulated board finds in its flash."""

import struct

import pytest
from emu import content, flash
from emu.firmware import NoImage
from littlefs import LittleFS, UserContext


def mounted(data):
    context = UserContext(buffsize=len(data))
    context.buffer[:] = data
    blocks = len(data) // flash.BLOCK
    return LittleFS(context=context, block_size=flash.BLOCK, block_count=blocks, mount=True)


def read(fs, name):
    with fs.open(name, "rb") as f:
        return f.read()


def test_files_are_there_in_their_folders():
    fs = mounted(flash.image({"main.py": b"print(1)\n", "lib/uipy/kern.mpy": b"M\6" * 3000}, 16))
    assert read(fs, "main.py") == b"print(1)\n"
    assert read(fs, "lib/uipy/kern.mpy") == b"M\6" * 3000


def test_it_ends_where_a_picos_flash_ends():
    assert flash.START + flash.BLOCK * flash.BLOCKS == 2 << 20
    assert len(flash.image({})) == 1408 << 10


def info(start, size, at=0x5E000):
    """The flash of a Pico with an image that keeps so much for files."""
    said = struct.pack("<H2sIIIIH", 7, b"MP", 0x10001000, 0x10000000 + start, size, 0, 3)
    return bytes(at) + said + bytes((2 << 20) - at - len(said))


def test_an_image_says_how_much_it_keeps():
    assert flash.place(info(0x100000, 1 << 20)) == (0x100000, 256)
    assert flash.place(info(0xA0000, 1408 << 10)) == (flash.START, flash.BLOCKS)


@pytest.mark.parametrize("octets", [bytes(2 << 20), info(0x100000, 1 << 19), info(1 << 20, 12)])
def test_one_that_says_nothing_or_nonsense_keeps_what_a_standard_one_does(octets):
    assert flash.place(octets) == (flash.START, flash.BLOCKS)


def test_the_same_files_give_the_same_octets():
    files = {"b": b"2", "a/c": b"1"}
    assert flash.image(files, 16) == flash.image(dict(reversed(files.items())), 16)


def test_what_does_not_fit_is_an_error_that_says_so():
    with pytest.raises(flash.TooBig, match="the file system holds"):
        flash.image({"big": bytes(flash.BLOCK * 16)}, 16)


def test_the_board_has_the_library_the_firmware_and_its_settings():
    files = content.firmware("w5500", "192.168.7.2/24", None)
    assert {"main.py", "config.py", "page.mpy", "status.mpy"} <= files.keys()
    assert {"lib/uipy/core.mpy", "lib/uipy/drivers/wiznet.mpy"} <= files.keys()
    assert not any("cpython" in name for name in files)
    settings: dict = {}
    exec(files["config.py"].replace(b"from pins import *", files["pins.py"]), settings)
    assert (settings["chip"], settings["ip"], settings["gateway"]) == (
        "w5500",
        "192.168.7.2/24",
        None,
    )
    assert settings["cs"] == 17  # the rest as it is


def test_kernels_are_machine_code_for_a_cortex_m0():
    head = content.library()["lib/uipy/core.mpy"][:3]
    assert head[:2] == b"M\6"
    assert head[2] >> 2 & 0xF == 4  # MP_NATIVE_ARCH_ARMV6M in py/persistentcode.h


def uf2(flash):
    """An image with these octets: 256 to a block of 512."""
    pieces = [flash[k : k + 256].ljust(256, b"\0") for k in range(0, len(flash), 256)]
    return b"".join(bytes(32) + piece + bytes(224) for piece in pieces)


@pytest.fixture
def image(tmp_path):
    def make(*names):
        path = tmp_path / "image.uf2"
        path.write_bytes(uf2(bytes(250) + b"\0".join(n.encode() for n in ("", *names, ""))))
        return path

    return make


def test_what_is_frozen_is_found_across_blocks(image):
    path = image("uipy/core.py", "main.py", "uipy/drivers/enc28j60.py", "else.py")
    assert content.frozen(path) == {"uipy/core.py", "main.py", "uipy/drivers/enc28j60.py"}
    assert content.has_driver(path, "enc28j60") and not content.has_driver(path, "w5500")


def test_another_main_is_not_ours(image):
    assert content.frozen(image("main.py", "boot.py")) == set()


def test_a_board_with_all_of_it_frozen_gets_its_settings_only(image):
    path = image("uipy/core.py", "main.py", "uipy/drivers/enc28j60.py")
    settings = {"config.py", "pins.py"}
    assert content.firmware("enc28j60", "192.168.7.2/24", None, path).keys() == settings
    files = content.script("bench", image=path)
    assert files.keys() == {*settings, "boot.py"}  # a frozen main.py would go before ours
    with pytest.raises(NoImage, match="no driver for w5500"):
        content.script("bench", "w5500", image=path)


def test_a_frozen_library_without_main_leaves_the_firmware_to_the_file_system(image):
    files = content.script("bench", image=image("uipy/core.py", "uipy/drivers/enc28j60.py"))
    assert "main.py" in files and "firmware/page.mpy" in files
    assert not any(name.startswith("lib/") for name in files)
