"""`make install` onto an emulated Pico with MicroPython as it is delivered, over its serial port.

FIRMWARE=file.uf2 names the image. Minutes of ours: 300 kB go to the board's flash, and it starts.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE = os.environ.get("FIRMWARE", "")

pytestmark = [
    pytest.mark.may_skip_in_ci,
    pytest.mark.slow,
    pytest.mark.skipif(not IMAGE, reason="no MicroPython image: set FIRMWARE=file.uf2"),
]

# The board, an empty one, in the emulator's Python; the installer runs in ours.
DESK = """
import re, sys
sys.path[:0] = ["lib", "tools", "tools/shims"]
from emu import boot
from emu.port import Port

mcu, bridge = boot.board(sys.argv[1], {})
port = Port(mcu)
mcu.run_for(2, lambda: ">>> " in mcu.console.text)
install = [*sys.argv[3:], "tools/install/install.py", "--port", port.name, "--config", sys.argv[2]]
for round in (1, 2):
    status, said = port.run(install, 1500)
    print(said)
    assert status == 0
visitor = boot.Visitor(mcu, bridge)
assert mcu.run_for(20, lambda: visitor.at), mcu.console.text
print("page: %d octets" % len(visitor.client.data))
mcu.console.text = ""
mcu.console.type("\\x03")
mcu.run_for(3, lambda: ">>> " in mcu.console.text)
mcu.console.type("import gc; gc.collect(); print('heap', gc.mem_alloc(), gc.mem_free())\\r")
mcu.run_for(3, lambda: re.search(r"heap \\d+ \\d+", mcu.console.text))
print(mcu.console.text)
"""


def test_a_pico_serves_its_page_after_one_command(tmp_path):
    subprocess.run(["make", "-s", ".venv/emu/.stamp"], cwd=ROOT, check=True)
    config = tmp_path / "config.py"
    text = (ROOT / "firmware" / "config.py").read_text()
    config.write_text(text + '\nip = "192.168.7.2/24"\n')
    python = str(ROOT / ".venv" / "emu" / "bin" / "python")
    done = subprocess.run(
        [python, "-c", DESK, IMAGE, str(config), sys.executable],
        cwd=ROOT, capture_output=True, text=True, timeout=3600,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    print(said)
    assert "armv6m" in said and "events, ntp, hostname off in config.py" in said
    assert re.search(r"^page: 7\d\d\d octets", said, re.M)
    assert re.search(r"^0 files copied", said, re.M), "the second time nothing has changed"
    in_use = int(re.search(r"^heap (\d+) \d+", said, re.M)[1])
    estimate = int(re.search(r"^RAM: about (\d+) kB", said, re.M)[1])
    # Its tables are gone at the prompt, the code is there.
    assert 0.75 < in_use / 1000 / estimate < 1
