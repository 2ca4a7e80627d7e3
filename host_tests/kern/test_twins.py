"""The three sets of kernels say the same, on every Python that they run on."""

import re
from pathlib import Path

import pytest
from lab.pythons import run_unix, run_wasm
from proof import oracle, vectors
from uipy.kern import cpython as _kern_cpython
from uipy.kern import plain as _kern_py

SCRIPT = Path(vectors.__file__)
COUNT = Path(__file__).with_name("count.py")
HSIP64 = {  # HalfSipHash's published vectors: vectors.h of its reference, vectors_hsip64
    0: "218d1f59b9b83cc8",
    1: "be552412f8387315",
    2: "064f39ef7c50eb57",
    3: "ce0f1a45f7060679",
    4: "d5e78a175be52ea1",
    5: "cb9d7c3f2f3db580",
    6: "ce3e91358aa2bc25",
    7: "ff202728b07bc684",
    8: "edfee820bce4858c",
    9: "5b51cccc13888307",
    63: "2ea63c71bf326087",
}


def said_by(kern):
    lines = []
    vectors.run(kern, lambda *words: lines.append(vectors.line(*words)))
    return lines


@pytest.fixture(scope="module")
def truth():
    return said_by(oracle)


def check(lines, truth):
    wrong = [(said, true) for said, true in zip(lines, truth, strict=False) if said != true]
    assert not wrong, f"{len(wrong)} differ; said / is: {wrong[0]}"
    assert len(lines) == len(truth)


@pytest.mark.parametrize("kern", [_kern_cpython, _kern_py], ids=["cpython", "py"])
def test_on_cpython(kern, truth):
    check(said_by(kern), truth)


@pytest.mark.parametrize("name", ["_kern_viper", "_kern_py", "kern"])
def test_on_64_bit_micropython(name, truth):
    check(run_unix(SCRIPT, name).splitlines(), truth)


@pytest.mark.parametrize("name", ["_kern_py", "kern"])
def test_on_32_bit_micropython(name, truth):
    check(run_wasm(SCRIPT, name).splitlines(), truth)


@pytest.mark.parametrize("n", HSIP64)
def test_mac_meets_the_published_vectors(n, truth):
    assert f"mac {n} None {HSIP64[n]}" in truth


def test_all_sets_have_the_same_names():
    package = SCRIPT.parents[2] / "lib" / "uipy"
    sources = [(package / f"_kern_{k}.py").read_text() for k in ("py", "viper", "cpython")]
    names = [set(re.findall(r"^def ([a-z]\w*)", s, re.M)) for s in sources]
    assert names[0] == names[1] == names[2]
    assert len(names[0]) == 15


def test_kern_takes_viper_where_there_is_an_emitter(tmp_path):
    script = tmp_path / "which.py"
    script.write_text("import sys, uipy.kern\nprint(*[m for m in sys.modules if '_kern_' in m])\n")
    assert run_unix(script).strip() == "uipy.kern.viper"
    assert "uipy.kern.plain" in run_wasm(script)


def test_no_kernel_takes_heap_on_32_bits():
    counted = dict(line.split(" ", 1)[::-1] for line in run_wasm(COUNT, "_kern_py").splitlines())
    control = int(counted.pop("an int of 2**30"))
    assert control > 0, "the count sees nothing"
    assert {name: n for name, n in counted.items() if n != "0"} == {}
    assert len(counted) == 25
