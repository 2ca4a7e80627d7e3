"""The joining step: what it makes of small packages, and what it refuses with file and line."""

import pytest
from parts import join, scopes

CONST = "from micropython import const\n"


def house(tmp_path, files, table=None, variant="viper"):
    """The tree that comes of a package `uipy` with these files; the part is uipy.core."""
    for name, text in files.items():
        path = tmp_path / "lib" / "uipy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder in {p.parent for p in (tmp_path / "lib" / "uipy").rglob("*.py")}:
        if not (folder / "__init__.py").exists():
            (folder / "__init__.py").write_text("")
    paths = join.sources(tmp_path / "lib", tmp_path / "firmware")
    return join.tree(variant, paths, table or {"uipy.core": ("uipy.stack",)})


def joined(tmp_path, files, **more):
    return house(tmp_path, files, **more)["uipy/core.py"]


def run(text):
    names = {"__name__": "uipy.core"}
    exec(compile(text, "core.py", "exec"), names)
    return names


def refused(tmp_path, files, said, **more):
    with pytest.raises(scopes.Refused) as why:
        house(tmp_path, files, **more)
    assert said in str(why.value), str(why.value)
    return str(why.value)


# Order and imports


def test_modules_follow_one_another_in_the_order_of_their_imports(tmp_path):
    text = joined(
        tmp_path,
        {
            "stack.py": "from .a import one\nfrom .net.b import two\nSUM = one() + two()\n",
            "a.py": "from .net.b import two\ndef one():\n    return two() - 1\n",
            "net/b.py": "def two():\n    return 2\n",
        },
    )
    assert run(text)["SUM"] == 3
    assert text.index("def two") < text.index("def one") < text.index("SUM")
    assert "import " not in text


def test_imports_of_others_modules_stand_once_at_the_top(tmp_path):
    text = joined(
        tmp_path,
        {
            "stack.py": "import sys\nimport time\nfrom .a import f\nX = f() or sys.maxsize\n",
            "a.py": "import sys\nfrom os import urandom\ndef f():\n    return sys and urandom\n",
        },
    )
    assert text.count("import sys") == 1
    assert text.count("from os import urandom") == 1
    assert "import time" not in text  # nobody uses it


def test_what_precedes_the_first_import_of_ours_stays_before_it(tmp_path):
    files = {
        "stack.py": "import gc\ngc.collect()\nfrom .extra import f\nf()\n",
        "extra.py": "def f():\n    pass\n",
    }
    table = {"uipy.core": ("uipy.stack",), "uipy.extra": ("uipy.extra",)}
    text = joined(tmp_path, files, table=table)
    assert text.index("gc.collect") < text.index("from uipy.extra import f") < text.index("\nf()")


def test_an_import_in_a_function_is_a_part_of_its_own(tmp_path):
    files = {
        "stack.py": "from .a import f\ndef late():\n    from .tcp.extra.sack import Sack as S\n"
        "    return S(f)\n",
        "tcp/extra/sack.py": "from ...a import f\nfrom .help import g\n"
        "class Sack:\n    x = f, g\n",
        "tcp/extra/help.py": "def g():\n    pass\n",
        "a.py": "def f():\n    pass\n",
    }
    tree = house(tmp_path, files)
    assert "from uipy.tcp_sack import Sack as S" in tree["uipy/core.py"]
    assert "class Sack" in tree["uipy/tcp_sack.py"] and "def g" in tree["uipy/tcp_sack.py"]
    assert "from uipy.core import f" in tree["uipy/tcp_sack.py"]


def test_an_import_in_a_function_from_a_folder_of_two_parts_is_two(tmp_path):
    files = {
        "stack.py": "def late():\n    from .web import A, B, C\n    return A, B, C\n",
        "web/__init__.py": "_HOME = {'A': 'a', 'B': 'b', 'C': 'a'}\n"
        "def __getattr__(name):\n    pass\n",
        "web/a.py": "class A:\n    pass\nclass C:\n    pass\n",
        "web/b.py": "class B:\n    pass\n",
    }
    text = house(tmp_path, files)["uipy/core.py"]
    assert "from uipy.web.a import A, C\n    from uipy.web.b import B\n" in text


def test_an_import_in_a_function_from_the_same_part_goes(tmp_path):
    files = {
        "stack.py": "from .a import f\ndef late():\n    from .a import g\n    return g() + f()\n",
        "a.py": "def f():\n    return 1\ndef g():\n    return 2\n",
    }
    text = joined(tmp_path, files)
    assert run(text)["late"]() == 3
    assert "import " not in text


def test_a_module_used_only_for_its_names_is_fine(tmp_path):
    files = {
        "stack.py": "from . import a as x\ndef f():\n    return x.g(x.N)\n",
        "a.py": CONST + "N = const(5)\ndef g(n):\n    return n\n",
    }
    assert "return g(5)" in joined(tmp_path, files)


def test_what_two_parts_import_is_a_part_of_its_own(tmp_path):
    files = {
        "stack.py": "",
        "one.py": "from .both import f\n\nA = f\n",
        "two.py": "from .both import f\n\nB = f\n",
        "both.py": "from .only import g\n\ndef f():\n    g()\n",
        "only.py": "def g():\n    pass\n",
    }
    tree = house(tmp_path, files)
    assert "from uipy.both import f" in tree["uipy/one.py"]
    assert "def g" in tree["uipy/both.py"]
    assert "uipy/only.py" not in tree


# Constants


def test_constants_are_put_in_across_files_and_dropped(tmp_path):
    files = {
        "stack.py": CONST + "from .a import A, B as C\n_D = const(A + C)\ndef f(r):\n"
        "    return r[A], r[C], _D, -_NEG\n_NEG = const(-1)\n",
        "a.py": CONST + "NAMES = ('x', 'y', 'z')\nA = const(len(NAMES))\nB = const(A << 2)\n",
    }
    text = joined(tmp_path, files)
    assert "return (r[3], r[12], 15, --1)" in text
    assert "const(" not in text and "import " not in text
    assert run(text)["f"](range(20)) == (3, 12, 15, 1)


def test_a_local_name_hides_a_constant(tmp_path):
    files = {
        "stack.py": CONST + "N = const(5)\ndef f(N):\n    return N\ndef g():\n    return N\n"
        "def h():\n    return [N for N in range(3)]\nclass C:\n    N = 7\n"
        "    def m(self):\n        return N, self.N\n",
    }
    names = run(joined(tmp_path, files))
    assert (names["f"](1), names["g"](), names["h"]()) == (1, 5, [0, 1, 2])
    assert names["C"]().m() == (5, 7)


def test_a_swap_stays_without_parentheses(tmp_path):
    """MicroPython does it without a tuple then."""
    text = joined(tmp_path, {"stack.py": "def f(a, b):\n    a, b = b, -a\n    return a, b\n"})
    assert "    a, b = b, -a\n" in text


def test_a_constant_that_is_no_number_stays_a_value(tmp_path):
    files = {"stack.py": CONST + "KEYS = const((1, 2))\ndef f():\n    return KEYS\n"}
    assert "KEYS = (1, 2)" in joined(tmp_path, files)


def test_two_private_constants_of_one_name_are_two(tmp_path):
    files = {
        "stack.py": CONST + "from .a import f\n_AT = const(1)\ndef g():\n    return f() + _AT\n",
        "a.py": CONST + "_AT = const(10)\ndef f():\n    return _AT\n",
    }
    assert run(joined(tmp_path, files))["g"]() == 11


# Names


def test_private_names_that_collide_get_their_module_in_front(tmp_path):
    files = {
        "stack.py": "from .a import f\ndef _help():\n    return 1\n"
        "def g():\n    return f() + _help()\n",
        "a.py": "def _help():\n    return 10\ndef f():\n    return _help()\n",
    }
    text = joined(tmp_path, files)
    assert run(text)["g"]() == 11
    assert "_stack_help" in text


def test_a_name_that_is_local_where_it_is_wanted_gives_way(tmp_path):
    """`from .a import acked as told` in a function with an argument `acked`."""
    files = {
        "stack.py": "from .a import acked as told\ndef g(acked):\n    return told() + acked\n",
        "a.py": "def acked():\n    return 10\n",
    }
    assert run(joined(tmp_path, files))["g"](1) == 11


def test_a_name_of_the_language_that_is_used_is_not_taken(tmp_path):
    files = {
        "stack.py": "from .a import open as begin\ndef g():\n    return begin(), open\n",
        "a.py": "def open():\n    return 10\n",
    }
    assert run(joined(tmp_path, files))["g"]() == (10, open)


def test_a_global_that_is_set_is_renamed_everywhere(tmp_path):
    files = {
        "stack.py": "from .a import f\n_n = 0\n"
        "def g():\n    global _n\n    _n += 1\n    return _n + f()\n",
        "a.py": "_n = 10\ndef f():\n    return _n\n",
    }
    assert run(joined(tmp_path, files))["g"]() == 11


def test_the_packages_table_leads_to_the_parts(tmp_path):
    files = {
        "__init__.py": "_HOME = {'Stack': 'stack', 'Late': 'late'}\n",
        "stack.py": "class Stack:\n    pass\n",
        "late.py": "class Late:\n    pass\n",
    }
    text = house(tmp_path, files)["uipy/__init__.py"]
    assert "_HOME = {'Stack': 'core', 'Late': 'late'}" in text


def test_a_folders_table_goes_when_all_of_it_is_one_part(tmp_path):
    files = {
        "stack.py": "from .apps import Echo\n\nX = Echo\n",
        "apps/__init__.py": "_HOME = {'Echo': 'echo'}\ndef __getattr__(name):\n    pass\n",
        "apps/echo.py": "class Echo:\n    pass\n",
    }
    table = {"uipy.core": ("uipy.stack",), "uipy.apps": ("uipy.apps.",)}
    tree = house(tmp_path, files, table=table)
    assert "_HOME" not in tree["uipy/apps.py"] and "class Echo" in tree["uipy/apps.py"]
    assert "from uipy.apps import Echo" in tree["uipy/core.py"]


# Kernels

KERNELS = {
    "stack.py": "from .kern import copy, step\nX = copy, step\n",
    "kern/__init__.py": '"""The chooser."""\nimport sys\nfrom .steps import step\n'
    "if sys.implementation.name == 'cpython':\n    from .cpython import copy\nelse:\n    try:\n"
    "        from .viper import copy\n    except SyntaxError:\n        from .plain import copy\n",
    "kern/viper.py": "import micropython\n@micropython.viper\ndef copy(b: ptr8) -> int:\n"
    "    return int(b)\n",
    "kern/plain.py": "def copy(b):\n    return 'plain'\n",
    "kern/cpython.py": "def copy(b):\n    return 'cpython'\n",
    "kern/ptr.py": "def kernel(f):\n    return f\ndef ptr8(b):\n    return b\n"
    "ptr16 = ptr32 = ptr8\nuint = int\n",
    "kern/steps.py": CONST + "from .ptr import kernel, ptr8\n_AT = const(3)\n"
    "@kernel\ndef step(b: ptr8, n: int) -> int:\n    p = ptr8(b)\n"
    "    return p[_AT] + n\n",
}


def test_native_kernels_keep_their_marks(tmp_path):
    text = joined(tmp_path, KERNELS)
    assert "@micropython.viper\ndef step(b: ptr8, n: int) -> int:\n    p = ptr8(b)" in text
    assert "return p[3] + n" in text
    assert "return int(b)" in text and "sys" not in text and "import ptr8" not in text


@pytest.mark.parametrize("variant", ["plain", "cpython"])
def test_other_forms_are_plain_python(tmp_path, variant):
    text = joined(tmp_path, KERNELS, variant=variant)
    assert "micropython" not in text and "ptr8" not in text
    names = run(text)
    assert names["step"](b"\1\2\3\4", 10) == 14
    assert names["copy"](b"") == variant


def test_kern_keeps_its_door(tmp_path):
    assert house(tmp_path, KERNELS)["uipy/kern.py"] == "from uipy.core import step, copy\n"


# What is refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nfrom .a import *\n", "stack.py:2: a star import"),
        ("\n\nimport uipy.a\n", "stack.py:3: `import uipy.a`"),
        ("from .a import nothing\nX = nothing\n", "stack.py:1: uipy.a has no nothing"),
        ("from .b import f\n", "stack.py:1: there is no module uipy.b"),
        ("from . import a\n\nTABLE = (a,)\n", "stack.py:3: the module uipy.a is used as a value"),
        (
            "try:\n    from .a import f\nexcept ImportError:\n    f = 0\n",
            "stack.py:2: an import of",
        ),
        (
            CONST + "N = const(1)\ndef f():\n    global N\n    N = 2\n",
            "stack.py:4: the constant N",
        ),
        (CONST + "N = const(M)\n", "stack.py:2: const(M)"),
        (CONST + "N = const(N)\n", "stack.py:2: N is made from itself"),
        (CONST + "M = [f()]\nN = const(len(M))\n", "stack.py:3: M is neither"),
        ("from . import a\na.x = 5\n", "stack.py:2: x is set in another module"),
    ],
)
def test_what_cannot_be_joined_is_refused_with_its_place(tmp_path, text, said):
    refused(tmp_path, {"stack.py": text, "a.py": "x = 1\ndef f():\n    pass\n"}, said)


def test_a_ring_of_imports_is_refused(tmp_path):
    files = {"stack.py": "from .a import f\nX = f\n", "a.py": "from .stack import X\n\nf = X\n"}
    refused(tmp_path, files, "imports in a ring: uipy.")


def test_a_public_name_that_two_files_have_stays_with_the_one_that_is_offered(tmp_path):
    files = {
        "__init__.py": "_HOME = {'App': 'stack', 'B': 'b'}\n",
        "stack.py": "from .b import App as Other, B\nclass App(Other):\n    x = B\n",
        "b.py": "class App:\n    pass\nclass B:\n    pass\n",
    }
    tree = house(tmp_path, files)
    assert "class b_App" in tree["uipy/core.py"] and "class App(b_App)" in tree["uipy/core.py"]


def test_the_table_of_parts_names_what_there_is(tmp_path):
    refused(tmp_path, {"a.py": ""}, "names uipy.stack, which is none")


# The library itself


@pytest.mark.parametrize("variant", join.VARIANTS)
def test_the_library_joins(variant):
    tree = join.tree(variant)
    assert {"uipy/core.py", "uipy/apps.py", "uipy/drivers/enc28j60.py", "main.py"} <= set(tree)
    core = tree["uipy/core.py"]
    assert "class Stack" in core and "class Tcp" in core and "class Echo" not in core
    assert "class Bytes" in tree["uipy/toolbox.py"] and "class Ring" in tree["uipy/toolbox.py"]
    assert ("@micropython.viper" in core) == (variant == "viper")
    for name, text in tree.items():
        if name.endswith(".py"):
            compile(text, name, "exec")
            assert "const(" not in text, name


def test_no_part_imports_in_a_ring():
    house = join.House(join.sources(), "cpython")
    made = join.parts_of(house)
    graph = {
        name: {house.part_of[home] for home, _ in part.imports} for name, part in made.items()
    }
    done = set()
    while len(done) < len(graph):
        ready = {n for n in graph if n not in done and graph[n] <= done}
        assert ready, {n: graph[n] - done for n in graph if n not in done}
        done |= ready


def test_building_again_writes_nothing(tmp_path):
    folder = join.build("plain", tmp_path)
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    (folder / "made.from").write_text("something else")
    stray = folder / "uipy" / "stray.py"
    stray.write_text("")
    join.build("plain", tmp_path)
    after = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    before[folder / "made.from"] = after[folder / "made.from"]
    assert {p: t for p, t in after.items() if p.suffix == ".py"} == {
        p: t for p, t in before.items() if p.suffix == ".py"
    }


def test_what_a_face_offers_is_found_by_its_own_name_too(tmp_path):
    files = {
        "stack.py": "X = 1\n",
        "sock/face.py": "class socket:\n    pass\n",
        "../modules/socket.py": "from uipy.sock.face import socket\nAF_INET = 2\n",
    }
    tree = house(tmp_path, files)
    assert "class socket" in tree["uipy/sock/face.py"]
    face = tree["modules/socket.py"]
    assert "from uipy.sock.face import socket" in face and "AF_INET = 2" in face
