"""The kernels' test vectors (tools/proof/vectors.py) on the emulated RP2040, against the
oracle's.

    python tools/emu/vectors.py IMAGE [--strict]

The kernels are those of the image if uipy is frozen in, else those of the joined .mpy on its file
system; each is called directly (emu/direct.py). With --strict every misaligned access of 16 or
32 bits is a HardFault.
"""

import argparse
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

from proof import oracle, vectors

from emu import boot, content
from emu.direct import Kernels, Overrun


def run(image, strict=False, parts=vectors.PARTS):
    """-> (how many vectors, calls of kernels)."""
    kern = Kernels(image, strict=strict)
    lines = 0
    for part in parts:
        due, said = _said(part, oracle), _said(part, kern)
        for a, b in zip(said, due, strict=True):
            if a != b:
                raise Overrun("the board says %s, the oracle %s" % (a, b))
        lines += len(due)
    return lines, kern.calls


def _said(part, kern):
    said: list[str] = []
    part(kern, lambda *words: said.append(vectors.line(*words)))
    return said


def main():
    p = argparse.ArgumentParser(prog="vectors", description=__doc__)
    p.add_argument("image", type=Path)
    p.add_argument("--strict", action="store_true")
    args = p.parse_args()
    begin = time.monotonic()
    try:
        lines, calls = run(args.image, args.strict)
    except (boot.Stuck, boot.HardFault, Overrun) as exc:
        p.exit(1, "vectors: %s\n" % exc)
    how = "frozen" if content.frozen(args.image) else "from the file system"
    took = time.monotonic() - begin
    print("%s: %d vectors are equal, %d calls of kernels, %.0f s" % (how, lines, calls, took))
    return 0


if __name__ == "__main__":
    sys.exit(main())
