"""A real MicroPython image on the emulated RP2040: the one thing that CI may lack.

FIRMWARE=file.uf2 names the image, FROZEN=file.uf2 one with uipy frozen in; their Python is
.venv/emu (`make .venv/emu/.stamp`).
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE = os.environ.get("FIRMWARE", "")

pytestmark = [
    pytest.mark.may_skip_in_ci,
    pytest.mark.slow,
    pytest.mark.skipif(not IMAGE, reason="no MicroPython image: set FIRMWARE=file.uf2"),
]

MISALIGNED = """
@micropython.viper
def f(b: ptr8) -> int:
    p = ptr{bits}(int(b) + 1)
    {access}
time.sleep_ms(300)  # until somebody listens
f(bytearray(16))
print("done")
"""
BOOT = """
import sys
sys.path[:0] = ["lib", "tools", "tools/shims"]
from emu import boot
text = open(sys.argv[2], "rb").read()
mcu, bridge = boot.board(sys.argv[1], {"main.py": text}, strict=True)
try:
    boot.until(mcu, "done", 5)
    print("unharmed")
except boot.HardFault as exc:
    print(exc)
"""


PROMPT = """
import sys
sys.path[:0] = ["lib", "tools", "tools/shims"]
from emu import boot, content
files = content.firmware("enc28j60", boot.BOARD + "/24", None, sys.argv[1])
files["app.py"] = sys.argv[2].encode()
mcu, bridge = boot.board(sys.argv[1], files)
console = mcu.console
mcu.run_for(15, lambda: "begins" in console.text)
for k in range(8):
    assert "begins" in console.text, console.text
    console.text = ""
    guest = boot.Visitor(mcu, bridge)
    guest.client._port += 10 * k
    mcu.run_for(0.02 + 0.0037 * k)  # while its page is on its way
    console.type("\\x03")
    assert mcu.run_for(3, lambda: ">>>" in console.text), "no prompt: " + console.text
    assert mcu.run_for(5, lambda: guest.at), "no page behind the prompt"
    guest.client.reset()
    console.type("exec(open('app.py').read())\\r")
    mcu.run_for(5, lambda: "begins" in console.text)
print("all pages came")
"""


FORMS = """
import sys
sys.path[:0] = ["lib", "tools", "tools/shims"]
from emu import boot, content
image, form = sys.argv[1:]
files = content.firmware("enc28j60", boot.BOARD + "/24", None, image)
if form != "files":  # the parts are in the image
    files = {name: files[name] for name in ("config.py", "pins.py")}
mcu, bridge = boot.board(image, files)
console, visitors = mcu.console, []
def page(what):
    visitors.append(boot.Visitor(mcu, bridge))
    visitors[-1].client._port += 10 * len(visitors)
    came = mcu.run_for(20, lambda: visitors[-1].at)
    assert came, "no page " + what + ": " + console.text
    visitors[-1].client.reset()
    print("page", what, round(visitors[-1].at / 1e6), "ms")
page("after power")
bridge.chip.link(False)
mcu.run_for(3)
bridge.chip.link(True)
page("with the cable back")
console.type("\\x03")
assert mcu.run_for(3, lambda: ">>>" in console.text), console.text
console.type("import gc, uipy.core; gc.collect(); print(uipy.core.__file__, gc.mem_free())\\r")
assert mcu.run_for(3, lambda: console.text.count(">>>") > 1), console.text
console.text += "the doctor:"
console.type("import uipy.doctor\\r")
mcu.run_for(90, lambda: ">>>" in console.text.partition("the doctor:")[2])
print(console.text.replace("\\r", ""))
console.type("\\x04")
page("after a soft reset")
"""


DEPLOY = """
import sys
sys.path[:0] = ["lib", "tools", "tools/shims"]
from emu import boot, content, port
image, rom = sys.argv[1:]
files = content.firmware("enc28j60", boot.BOARD + "/24", None, image)
mcu, bridge = boot.board(image, {name: files[name] for name in ("config.py", "pins.py")})
mcu.run_for(15, lambda: "serving" in mcu.console.text)
serial = port.Port(mcu)
command = [sys.executable, "-m", "mpremote", "connect", serial.name, "romfs", "deploy", rom]
status, said = serial.run(command, 600)
assert status == 0, said
print(said)
visitor = boot.Visitor(mcu, bridge)
mcu.console.type("\\x03\\x02\\x04")
assert mcu.run_for(20, lambda: visitor.at), mcu.console.text
mcu.console.type("\\x03import os; print(os.listdir('/rom'))\\r")
mcu.run_for(3, lambda: "new.txt" in mcu.console.text)
print(mcu.console.text)
"""


@pytest.fixture(scope="module")
def python():
    subprocess.run(["make", "-s", ".venv/emu/.stamp"], cwd=ROOT, check=True)
    return str(ROOT / ".venv" / "emu" / "bin" / "python")


def run(python, *args):
    done = subprocess.run([python, *args], cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


FROZEN = os.environ.get("FROZEN", "")  # an image with uipy in it: boards/RPI_PICO_ENC28J60
BOTH = [IMAGE, *([FROZEN] if FROZEN else [])]
ROMFS = os.environ.get("ROMFS", "")  # one that `make firmware ROMFS=1` has made
WHERE = {"files": "/lib/uipy/core.mpy", "frozen": "uipy/core.py", "romfs": "/rom/uipy/core.mpy"}
MADE = [("files", IMAGE), *([("frozen", FROZEN)] if FROZEN else [])]
MADE += [("romfs", ROMFS)] if ROMFS else []


@pytest.mark.parametrize(("form", "image"), MADE)
def test_a_board_of_each_form_serves_loses_its_cable_is_examined_and_reset(python, form, image):
    said = run(python, "-c", FORMS, image, form)
    assert re.findall(r"^page (.+?) \d+ ms", said, re.M) == [
        "after power",
        "with the cable back",
        "after a soft reset",
    ]
    assert re.search(r"^%s \d+" % WHERE[form], said, re.M), said
    doctor = said.partition("the doctor:")[2]
    assert re.search(r"^chip +ok +ENC28J60", doctor, re.M) and "BAD" not in doctor, doctor


@pytest.mark.skipif(not ROMFS, reason="no image with a partition: set ROMFS=file.uf2")
def test_parts_are_deployed_over_the_serial_port_and_serve_the_page(python, tmp_path):
    from image import boards, romfs

    files = romfs.compiled(boards.find("RPI_PICO_ENC28J60"), "armv6m")
    (tmp_path / "a.romfs").write_bytes(romfs.image({**files, "new.txt": b"was not in the image"}))
    said = run(python, "-c", DEPLOY, ROMFS, str(tmp_path / "a.romfs"))
    assert "ROMFS image deployed" in said and "new.txt" in said


@pytest.mark.parametrize("image", BOTH)
def test_the_bench_repeats_to_the_cycle_and_keeps_its_aims(python, image):
    """The run repeats itself, and says so; within 1.4 times the aim nothing is marked."""
    said = run(python, "tools/bench/cycles.py", "--firmware", image, "--twice", "--no-calls")
    assert "a second run: the same to the cycle" in said
    rows = re.findall(r"^(\S.*?)  +([\d.]+) +(\d+)( !)? +[\d.]+ +\d+ ", said, re.M)
    assert len(rows) in (9, 18)  # exchanges, of one chip or two
    assert "complained: 0 times" in said and not [row for row in rows if row[3]], said


@pytest.mark.parametrize("image", BOTH)
def test_exchanges_of_the_parts_repeat_to_the_cycle(python, image):
    command = (
        "tools/bench/cycles.py",
        "--firmware",
        image,
        "--parts",
        "--twice",
        "igmp",
        "events",
    )
    said = run(python, *command)
    assert "a second run: the same to the cycle" in said
    assert [line.split()[0] for line in said.splitlines()[1:3]] == ["igmp", "events"]


@pytest.mark.parametrize("image", BOTH)
@pytest.mark.parametrize("how", [[], ["--strict"]], ids=["whole", "strict"])
def test_the_kernels_meet_their_vectors(python, how, image):
    assert "vectors are equal" in run(python, "tools/emu/vectors.py", image, *how)


@pytest.mark.parametrize("image", BOTH)
def test_kernels_with_the_arguments_of_real_traffic(python, image):
    assert "all equal" in run(python, "tools/emu/traffic.py", image)


@pytest.mark.parametrize("image", BOTH)
def test_every_application_finds_two_kilobytes_of_stack(python, image):
    assert "UDP echo" in run(python, "tools/bench/stack.py", "--firmware", image)


@pytest.mark.skipif(not FROZEN, reason="no frozen board: set FROZEN=file.uf2")
def test_the_frozen_board_leaves_most_of_its_heap(python):
    said = run(python, "tools/bench/heap.py", "--firmware", FROZEN)
    used, largest = re.findall(r"^the page alone, after boot +(\d+) +\d+ +(\d+)", said, re.M)[0]
    assert int(used) <= 1.4 * 46080 and int(largest) > 150_000


@pytest.mark.parametrize("image", BOTH)
@pytest.mark.parametrize("wait", ["time.sleep(1)", "pass", "s.accept()"])
def test_ctrl_c_gives_the_prompt_and_the_page_goes_on_behind_it(python, image, wait):
    text = "import socket, time\ns = socket.socket()\ns.bind(('', 0))\ns.listen(1)\n"
    text += "print('begins')\nwhile True:\n    %s\n" % wait
    assert "all pages came" in run(python, "-c", PROMPT, image, text)


@pytest.mark.parametrize(
    "bits, access, fault",
    [
        (16, "return p[0]", "16-bit read"),
        (32, "return p[0]", "not 32 bit aligned"),
        (16, "p[0] = 1\n    return 0", "16-bit write"),
        (32, "p[0] = 1\n    return 0", "32-bit write"),
        (8, "return p[0]", None),
    ],
)
def test_a_misaligned_access_is_a_hard_fault(python, tmp_path, bits, access, fault):
    script = tmp_path / "main.py"
    script.write_text("import micropython, time\n" + MISALIGNED.format(bits=bits, access=access))
    said = run(python, "-c", BOOT, IMAGE, str(script))
    assert ("HardFault" in said and fault in said) if fault else "unharmed" in said, said


def test_a_wrong_name_of_an_image_is_one_line(python):
    command = [python, "tools/emu/emulate.py", "--firmware", "no.uf2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "FIRMWARE=file.uf2" in done.stderr and len(done.stderr.splitlines()) == 1
