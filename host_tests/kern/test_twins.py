"""The kernels of kern/ say what their definitions say (proof/oracle.py), on every Python that they
run on: from their source, and joined, which is machine code on 64 bits and plain Python on 32."""

import re
from pathlib import Path

import pytest
from lab.pythons import run_unix, run_wasm
from proof import oracle, vectors
from uipy import kern
from uipy.kern import plain as _kern_plain

SCRIPT = Path(vectors.__file__)
WIDE = ("csum", "copy", "find", "mac")
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


class Plain:
    """uipy.kern with the plain form of the wide kernels."""

    def __getattr__(self, name):
        return getattr(_kern_plain if name in WIDE else kern, name)


@pytest.mark.parametrize("kernels", [kern, Plain()], ids=["cpython", "plain"])
def test_on_cpython(kernels, truth):
    check(said_by(kernels), truth)


@pytest.mark.parametrize("form", ["joined", "lib"])
def test_on_64_bit_micropython(form, truth):
    check(run_unix(SCRIPT, path=(form,)).splitlines(), truth)


@pytest.mark.parametrize("form", ["joined", "lib"])
def test_on_32_bit_micropython(form, truth):
    check(run_wasm(SCRIPT, files=[(form, "/lib")]).splitlines(), truth)


@pytest.mark.parametrize("n", HSIP64)
def test_mac_meets_the_published_vectors(n, truth):
    assert f"mac {n} None {HSIP64[n]}" in truth


def test_the_wide_kernels_have_the_same_names_in_each_form():
    package = SCRIPT.parents[2] / "lib" / "uipy" / "kern"
    sources = [(package / f"{k}.py").read_text() for k in ("plain", "viper", "cpython")]
    names = [set(re.findall(r"^def ([a-z]\w*)", s, re.M)) for s in sources]
    assert names[0] == names[1] == names[2] == set(WIDE)


def test_every_kernel_is_asked(truth):
    package = SCRIPT.parents[2] / "lib" / "uipy" / "kern"
    sources = [(package / f"{k}.py").read_text() for k in ("octets", "halves")]
    names = {*WIDE, *(n for s in sources for n in re.findall(r"^def (\w+)", s, re.M))}
    assert len(names) == 25
    asked = set()
    for name in names:

        class Asked:
            def __getattr__(self, other, name=name):
                if other == name:
                    asked.add(name)
                return getattr(oracle, other)

        for part in vectors.PARTS:
            if name not in asked and name in part.__code__.co_names:
                part(Asked(), lambda *words: None)
    assert asked == names


def test_kern_takes_viper_where_there_is_an_emitter(tmp_path):
    script = tmp_path / "which.py"
    script.write_text(
        "import sys, uipy.kern\nprint(*[m for m in sys.modules if 'uipy.kern.' in m])\n"
    )
    assert "uipy.kern.viper" in run_unix(script, path=("lib",)).split()
    assert "uipy.kern.plain" in run_wasm(script, files=[("lib", "/lib")]).split()


def test_no_kernel_takes_heap_on_32_bits():
    counted = dict(line.split(" ", 1)[::-1] for line in run_wasm(COUNT).splitlines())
    control = int(counted.pop("an int of 2**30"))
    assert control > 0, "the count sees nothing"
    assert {name: n for name, n in counted.items() if n != "0"} == {}
    assert len(counted) == 44
