"""On MicroPython, from files as on a board: whatever app.py and config.py do, the prompt comes."""

import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from lab.pythons import joined, micropython

ROOT = Path(__file__).resolve().parents[2]
BOOT = """
import sys
import machine, machine_wdt, os

machine_wdt.cause[0] = machine.WDT_RESET
import main


class Null:
    l2, mtu, mac = 14, 1500, b"\\x02\\0\\0\\0\\0\\x07"
    def recv_into(self, buf): return 0
    def can_send(self): return True
    def send(self, buf, n): pass
    def link_up(self): return False


main.device = lambda cfg: (Null(), None)
try:
    main.main()
except BaseException as exc:
    sys.print_exception(exc, sys.stdout)
print("prompt", "starts" in os.listdir(), "check" in sys.modules, "safe" in sys.modules)
"""


def press(process):
    """Ctrl-C until it has ended, as a person does. Once is not enough where it falls into a poll
    of the background: this MicroPython has no os.dupterm_notify, by which a board is told."""
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
            return
        except subprocess.TimeoutExpired:
            pass
    process.kill()


def board(flash, app, config=""):
    """A process that boots with these files -> what it says, Ctrl-C at the word `going`."""
    for name in ("main", "check", "safe", "watchdog", "clock", "page", "status", "network_page"):
        shutil.copy(joined() / (name + ".py"), flash)
    shutil.copy(ROOT / "boards" / "RPI_PICO_ENC28J60" / "pins.py", flash)
    text = (ROOT / "firmware" / "config.py").read_text()
    (flash / "config.py").write_text(text + "services = 'echo'\n" + config)
    (flash / "app.py").write_text(app)
    (flash / "boot_it.py").write_text(BOOT)
    env = {
        **os.environ,
        "MICROPYPATH": os.pathsep.join(map(str, [joined(), ROOT / "tools/shims"])),
    }
    process = subprocess.Popen(
        [micropython(), "boot_it.py"], cwd=flash, env=env, stdout=subprocess.PIPE, text=True
    )
    late = threading.Timer(120, process.kill)
    late.start()
    said = []
    for line in process.stdout:
        said.append(line)
        if line == "going\n":
            threading.Thread(target=press, args=(process,)).start()
    late.cancel()
    assert process.wait(60) == 0, said
    return "".join(said)


@pytest.mark.parametrize(
    ("app", "error"),
    [
        ("def f(:\n", "SyntaxError"),
        ("import nothing_at_all\n", "ImportError"),
        ("bytearray(1 << 60)\n", "Error"),
        ("print('going')\nwhile True: pass\n", "KeyboardInterrupt"),
        ("def f(): f()\nf()\n", "RuntimeError"),
    ],
)
def test_whatever_a_program_does_the_prompt_comes(tmp_path, app, error):
    said = board(tmp_path, app)
    assert error in said and said.endswith("prompt False False False\n"), said


def test_a_config_that_is_no_python_leads_to_the_prompt(tmp_path):
    said = board(tmp_path, "print('never')\n", "ip = = 1\n")
    assert "SyntaxError" in said and "never" not in said
    assert said.endswith("prompt False False False\n"), said


def test_mistakes_in_config_lead_to_the_prompt(tmp_path):
    said = board(tmp_path, "print('never')\n", "gatway = 1\ntcp = 'a'\n")
    assert "did you mean gateway?" in said and "tcp = 'a': a number from 0 to 250" in said
    assert "never" not in said and said.endswith("prompt False False False\n"), said


def test_after_ctrl_c_no_watchdog_bites(tmp_path):
    app = "import watchdog\nprint(watchdog.the is not None)\nprint('going')\nwhile True: pass\n"
    said = board(tmp_path, app, "watchdog = 8\n")
    assert "True\n" in said and "KeyboardInterrupt" in said, said
    assert said.endswith("prompt False False False\n"), said
