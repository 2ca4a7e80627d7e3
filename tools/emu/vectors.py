"""The kernels' test vectors (tools/proof/vectors.py) on the emulated RP2040, against the
oracle's.

    python tools/emu/vectors.py IMAGE [--strict]

With --strict every misaligned access of 16 or 32 bits is a HardFault, and the long buffers of the
vectors are short ones: offsets and remainders are what alignment depends on.
"""

import argparse
import importlib.util
import sys
import zlib
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

from emu import boot, content

_GROUP = 256  # lines, as in on_board/kernels.py
_SECONDS = 600  # emulated
_SHORT = (("1459, 1460, 1461", "33, 34, 35"), ("1480", "64"))


def _source(strict):
    """-> the path of the vectors' source."""
    source = content.ROOT / "tools" / "proof" / "vectors.py"
    if not strict:
        return source
    text = source.read_text()
    for long, short in _SHORT:
        assert long in text
        text = text.replace(long, short)
    target = content.ROOT / "build" / "emu" / "vectors.py"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    return target


def expected(source):
    """-> what the board has to say."""
    from proof import oracle

    spec = importlib.util.spec_from_file_location("the_vectors", source)
    assert spec and spec.loader
    vectors = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(vectors)
    said: list[str] = []
    state = [0, 0]

    def say(*words):
        state[0] = zlib.crc32(vectors.line(*words).encode(), state[0])
        state[1] += 1
        if state[1] % _GROUP == 0:
            said.append(str(state[0]))

    vectors.run(oracle, say)
    return [*said, str(state[0]), "lines %d" % state[1], "done"]


def run(image, strict=False):
    """-> (what the board said, what it had to say, emulated ms)."""
    source = _source(strict)
    files = content.script("kernels", image=image)
    files["vectors.mpy"] = content.mpy(source)
    mcu, _ = boot.board(image, files, strict=strict)
    said = boot.until(mcu, "done", _SECONDS).split("\r\n")
    return said[: said.index("done") + 1], expected(source), mcu.ms


def main():
    p = argparse.ArgumentParser(prog="vectors", description=__doc__)
    p.add_argument("image", type=Path)
    p.add_argument("--strict", action="store_true")
    args = p.parse_args()
    try:
        said, due, ms = run(args.image, args.strict)
    except (boot.Stuck, boot.HardFault) as exc:
        p.exit(1, "%s\n" % exc)
    wrong = [k for k, (a, b) in enumerate(zip(said, due)) if a != b]  # noqa: B905
    if wrong or len(said) != len(due):
        p.exit(1, "vectors differ from line %d on\n" % (_GROUP * (wrong or [len(said)])[0]))
    print("%s of vectors are equal after %.0f ms" % (due[-2], ms))
    return 0


if __name__ == "__main__":
    sys.exit(main())
