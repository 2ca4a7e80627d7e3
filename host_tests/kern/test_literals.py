"""Frozen machine code of ARMv6-M may load no literal (tools/proof/literals.py says why)."""

import pytest
from lab.pythons import compile_mpy
from proof import literals

KERNEL = """
import micropython

def before(): pass

@micropython.viper
def guilty(a: int) -> int:
    %s

@micropython.viper
def innocent(a: int) -> int:
    top = 0x3FFF
    return a & ((top << 16) | 0xFFFF)
"""
LONG = "if a:\n        return 0\n" + "    a = (a << 3) ^ (a >> 1)\n" * 120 + "    return a"


@pytest.mark.parametrize(
    "body, guilty",
    [
        ("return a & 0x3FFFFFFF", True),
        ("return a + 0x12345", True),
        ("return a - 70001", True),
        (LONG, True),  # a jump over 2 kB
        ("return a & 0xFFFF", False),
        ("return a + 255 - 256", False),
    ],
)
def test_a_literal_in_the_code_is_seen(tmp_path, body, guilty):
    source, mpy = tmp_path / "made.py", tmp_path / "made.mpy"
    source.write_text(KERNEL % body)
    compile_mpy(source, mpy, "-O3", "-march=armv6m")
    said, count = literals.complaints(mpy, source)
    assert count == 2
    assert bool(said) == guilty
    assert all(line.startswith("made.py: guilty loads 0x") for line in said)


def test_no_kernel_of_a_board_has_one():
    said, count = [], 0
    for mpy, source in literals.parts():
        more, n = literals.complaints(mpy, source)
        said, count = said + more, count + n
    assert not said, "\n".join(said)
    assert count >= 50
