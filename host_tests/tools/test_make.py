"""The Makefile's verbs: arguments with a blank, ports that are none, and what is rewritten."""

import os
import re
import shlex
import subprocess
import sys

import pytest
import readme
from interpreters import ROOT


def recipe(verb, *settings):
    """The words of the last command that `make` would run; it knows nothing of the one that
    runs the tests."""
    alone = {k: v for k, v in os.environ.items() if not re.match("MAKE|MFLAGS", k)}
    done = subprocess.run(
        ["make", "-n", "-o", ".venv/run", "-o", ".venv/emu/.stamp", verb, *settings],
        cwd=ROOT, env=alone, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return shlex.split(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("verb", ["run", "emulate"])
def test_a_path_with_a_blank_is_one_argument(verb):
    words = recipe(verb, "PCAP=/tmp/my wire.pcap")
    assert words[words.index("--pcap") + 1] == "/tmp/my wire.pcap"


def test_a_wire_is_one_argument():
    words = recipe("run", "WIRE=loss=5, seed=1")
    assert words[words.index("--wire") + 1] == "loss=5, seed=1"


def test_a_checkout_whose_path_has_a_blank_is_one_argument():
    words = recipe("firmware", "MICROPYTHON_DIR=/tmp/my micropython", "ROMFS=1")
    assert words[words.index("--micropython") + 1] == "/tmp/my micropython"
    assert words[words.index("--board") + 1] == "RPI_PICO_ENC28J60" and "--romfs" in words


@pytest.mark.parametrize("verb", ["flash", "romfs"])
def test_a_board_has_no_port_by_default(verb):
    assert "--port" not in recipe(verb)
    words = recipe(verb, "PORT=/dev/ttyACM1", "BOARD=W5500_EVB_PICO")
    assert words[words.index("--port") + 1] == "/dev/ttyACM1"
    assert words[words.index("--board") + 1] == "W5500_EVB_PICO"


def test_esptool_has_a_python_of_its_own():
    assert recipe("flash", "BOARD=ESP32_W5500")[1] == ".venv/flash/bin/python"
    assert recipe("flash", "BOARD=W5500_EVB_PICO")[1] == ".venv/bin/python"


def test_a_name_is_meant_from_the_folder_that_make_was_called_in(tmp_path):
    done = subprocess.run(
        "make -n -o .venv/run -C '%s' run APP='my app.py'" % ROOT,
        shell=True, cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "PWD": str(tmp_path), "MAKEFLAGS": ""},
    )  # fmt: skip
    words = shlex.split(next(line for line in done.stdout.splitlines() if "run.py" in line))
    assert words[words.index("--app") + 1] == "my app.py"
    assert words[words.index("--base") + 1] == str(tmp_path)


def test_a_board_s_port_has_no_default_and_a_program_may_have_a_blank():
    words = recipe("install", "-o", ".venv/install", "APP=my app.py", "BOARD=W5500_EVB_PICO")
    assert "--port" not in words and words[words.index("--app") + 1] == "my app.py"
    assert words[words.index("--board") + 1] == "W5500_EVB_PICO"
    words = recipe("install", "-o", ".venv/install", "PORT=/dev/ttyACM1")
    assert words[words.index("--port") + 1] == "/dev/ttyACM1"


@pytest.mark.parametrize("port", ["99999", "-1", "65536"])
@pytest.mark.parametrize(
    "program", ["tools/boards/run.py", "firmware/examples/echo.py"], ids=["run", "example"]
)
def test_a_port_that_is_none_is_one_line(program, port):
    command = [sys.executable, str(ROOT / program), "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert re.search(r"port %s.* 1 to 65535" % port, done.stderr)


def test_the_list_of_verbs_is_short_and_has_headings():
    env = {**os.environ, "MAKEFLAGS": "", "MAKELEVEL": "0"}  # as if no make ran this
    done = subprocess.run(["make"], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    said = done.stdout
    lines = said.splitlines()
    assert len(lines) < 36 and max(map(len, lines)) < 112
    assert lines[0].endswith("run") and lines[1].startswith("  make run ")
    verbs = re.findall("^  make ([a-z-]+) +[^ ]", said, re.M)
    assert len(verbs) + 3 == len(lines) and {"demo", "test", "clean"} < set(verbs)


def test_what_is_rewritten_is_said(tmp_path, capsys, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x:begin -->\n<!-- x:end -->\nb\n")
    readme.put("x", "table", page)
    assert "table" in page.read_text()
    assert capsys.readouterr().err == "rewritten: %s\n" % page
    readme.put("x", "table", page)
    assert capsys.readouterr().err == "", "it says what it said"


def test_who_writes_into_the_repository_says_so():
    """Every program that has a page in docs/ names the file when it has written it."""
    for path in sorted((ROOT / "tools").rglob("*.py")):
        text = path.read_text()
        for found in re.finditer(r"^.*\b(?:DOC|DOCS|PAGE|README)\b.*write_text", text, re.M):
            assert "rewritten" in text, (path, found[0])


def test_each_requirement_is_pinned():
    """What is installed for `make test` has its version in one of the two files."""
    pinned = {}
    names = ("constraints", *("requirements-" + name for name in ("dev", "run", "install")))
    for name in names:
        for line in (ROOT / (name + ".txt")).read_text().splitlines():
            word, _, version = line.partition(";")[0].partition("==")
            if version:
                pinned[word.lower().replace("_", "-")] = version
    listed = subprocess.run(
        [sys.executable, "-c", LISTED, *(n for n in pinned if n != "pip")],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert not [name for name in listed if name not in pinned]


LISTED = """
import re, sys
from importlib.metadata import PackageNotFoundError, distribution
wanted = set()
for name in sys.argv[1:]:
    try:
        needs = distribution(name).requires or []
    except PackageNotFoundError:
        continue
    for need in needs:
        head, _, marker = need.partition(";")
        if not re.search("extra|python|platform|os_name", marker):
            wanted.add(re.match(r"[\\w.-]+", head)[0].lower().replace("_", "-"))
print(*sorted(wanted))
"""
