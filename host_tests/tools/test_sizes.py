"""The counting tools count."""

import pytest
import readme
from lab.pythons import compile_mpy
from readme import README
from sizes import mpyinfo, ram, sizes


@pytest.fixture(scope="module")
def board():
    try:
        return ram.measure()
    except sizes.Missing as lack:
        pytest.skip(str(lack))


def test_every_part_of_a_board_is_counted(board):
    assert {"uipy", "uipy.core", "uipy.apps", "uipy.drivers.enc28j60", "main"} <= set(board.parts)
    core = board.parts.pop("uipy.core")
    assert board.parts.pop("uipy.sock") == 0, "it is empty"
    assert all(32 <= n <= 4096 for n in board.parts.values()), board.parts
    assert 4096 < core < 24576


def test_every_part_has_its_line():
    files = sizes.parts()
    assert {"uipy", "uipy.core", "uipy.apps", "uipy.tcp_sack", "uipy.watch"} <= set(files)
    assert "uipy.toolbox" in files and "uipy.stream" not in files  # a door
    table = sizes.code(files, {"uipy.core": 12345}, {"uipy.core": "1 to 9"})
    assert table.count("\n") == len(files) + 1
    (core,) = [line for line in table.splitlines() if line.startswith("| uipy.core |")]
    _, _, octets, native, left, cycles, _ = core.split(" | ".strip())
    assert int(octets) == files["uipy.core"].stat().st_size > int(native) > 5000
    assert int(left) == 12345 and cycles.strip() == "1 to 9"


def test_a_stack_is_more_than_its_buffer(board):
    assert 1520 + 8 * board.connection < board.stack


def test_options_cost_what_they_add(board):
    assert set(board.options) == set(ram.OPTIONS)
    assert all(left > 0 and taken > 0 for left, taken in board.options.values())
    assert board.options["reassembly"][1] > 4 * 1460  # four buffers of one segment


def test_flash_costs_less_than_romfs_and_romfs_less_than_import():
    try:
        flash, rom, plain = ram.cross_check()
    except sizes.Missing as lack:
        pytest.skip(str(lack))
    assert 0 < flash < rom < plain


def test_names_that_mpy_files_number_are_found():
    words = {"append", "send", "__init__", "no_firmware_has_this"}
    found = mpyinfo.static_names(words, compile_mpy)
    assert set(found.values()) == {"append", "send", "__init__"}


def test_functions_are_found_by_kind(tmp_path):
    source = tmp_path / "kinds.py"
    source.write_text(
        "import micropython\n"
        "class C:\n    def method(self):\n        return lambda: 1\n"
        "@micropython.native\ndef fast(a):\n    return a\n"
        "@micropython.viper\ndef faster(a: int) -> int:\n    return a\n"
    )
    mpy = mpyinfo.Mpy(compile_mpy(source, tmp_path / "k.mpy", "-march=armv6m").read_bytes())
    assert mpy.arch == "armv6m"
    found = [(f.name, f.kind) for f in mpy.functions]
    assert found[0] == ("<module>", "bytecode")
    assert ("C.method", "bytecode") in found
    assert ("fast", "native") in found
    assert [kind for _, kind in found].count("viper") == 1
    assert all((f.frame > 0) == (f.kind == "bytecode") for f in mpy.functions)


def test_what_is_no_mpy_file_is_refused():
    with pytest.raises(ValueError, match="version 6"):
        mpyinfo.Mpy(b"M\x05\x00\x1f")


def test_tables_go_between_the_marks(tmp_path):
    page = tmp_path / "README.md"
    marks = "before\n<!-- size:begin -->%s<!-- size:end -->\nafter\n"
    page.write_text(marks % "\nold\n")
    readme.put("size", "new", page)
    assert page.read_text() == marks % "\n\nnew\n\n"


def test_the_readme_has_four_lines_and_the_tables_are_in_docs():
    between = README.read_text().split("<!-- size:begin -->")[1].split("<!-- size:end -->")[0]
    assert len(between.split("\n\n")[1].splitlines()) == 2 + 4
    assert sizes.DOCS.read_text().count("| uipy.core |") > 0
    assert "(docs/sizes.md)" in README.read_text()


def test_the_page_about_the_web_says_what_a_client_takes(board):
    """`make size` writes it; a table of names more or less is within the 0.1 kB."""
    said = sizes.WEB.read_text().split("<!-- web:begin -->")[1].split("<!-- web:end -->")[0]
    kept = [float(word) for word in said.split() if word[0].isdigit()]
    taken = [board.services[name] / 1000 for name in (ram.ROUTED, ram.CLIENT, ram.ROUTES)]
    assert kept == pytest.approx(taken, abs=0.1)
