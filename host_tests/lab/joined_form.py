"""With UIPY_PARTS=1 in the environment the whole suite runs on the joined form of the library
(tools/parts/join.py), not on lib/.

Tests know the source modules by their names (`from uipy.tcp.row import STATE_NAMES`). Here each
such name leads to the joined module that has what the source module defines, under whatever name
it has there, so that a test sees no difference; setting an attribute sets it in the joined module.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
WANTED = bool(os.environ.get("UIPY_PARTS"))


class Door(ModuleType):
    """A source module by its name, behind which lies the joined one.

    monkeypatch finds nothing in a door's own dictionary, and takes back what it set by deleting
    it: what was there before comes back then.
    """

    _names: dict = {}
    _before: dict = {}

    def __getattr__(self, name):
        if name in self._names["names"]:
            module, there = self._names["names"][name]
            module = importlib.import_module(module)
            return getattr(module, there) if there else module
        if name in self._names["homes"]:
            return getattr(importlib.import_module(self._names["homes"][name]), name)
        raise AttributeError(name)

    def __setattr__(self, name, value):
        module, there = self._names["names"].get(name, (None, None))
        if there:
            self._before.setdefault(name, getattr(sys.modules[module], there))
            setattr(sys.modules[module], there, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name):
        module, there = self._names["names"].get(name, (None, None))
        if there and name in self._before:
            setattr(sys.modules[module], there, self._before.pop(name))
        elif there:
            self._before[name] = getattr(sys.modules[module], there)
            delattr(sys.modules[module], there)
        else:
            super().__delattr__(name)


class Joined(importlib.machinery.SourceFileLoader):
    """Loads a joined module that has a source module's name: with that one's constants, too."""

    consts: dict = {}

    def exec_module(self, module):
        super().exec_module(module)
        for name, value in self.consts.items():
            module.__dict__.setdefault(name, value)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `uipy` and all below it in the joined tree."""

    def __init__(self, tree):
        self.tree = tree
        self.names = json.loads((tree / "names.json").read_text())
        self.parts = {m["part"] for m in self.names.values()}

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] != "uipy":
            return None
        file = self.file(name)
        if name in self.parts and file:
            below = [str(self.tree.joinpath(*name.split(".")))]
            loader = Joined(name, str(file))
            loader.consts = self.names.get(name, {"consts": {}})["consts"]
            return importlib.util.spec_from_file_location(
                name, file, loader=loader, submodule_search_locations=below
            )
        if name in self.names:
            return importlib.util.spec_from_loader(name, self, is_package=True)
        # Kernels that are not those of CPython: as they are.
        source = ROOT.joinpath("lib", *name.split(".")).with_suffix(".py")
        kernels = name.startswith("uipy.kern.") and source.exists()
        return importlib.util.spec_from_file_location(name, source) if kernels else None

    def file(self, name):
        place = self.tree.joinpath(*name.split("."))
        files = [f for f in (place / "__init__.py", place.with_suffix(".py")) if f.exists()]
        return files[0] if files else None

    def create_module(self, spec):
        door = Door(spec.name)
        door.__dict__["_names"] = self.names[spec.name]
        door.__dict__["_before"] = {}
        door.__dict__.update(self.names[spec.name]["consts"])
        door.__dict__["__file__"] = self.names[spec.name]["file"]
        return door

    def exec_module(self, module):
        if self.file(self.names[module.__name__]["part"]):  # none where all is constants
            importlib.import_module(self.names[module.__name__]["part"])


def install():
    sys.path.insert(0, str(ROOT / "tools"))
    from parts import join

    sys.meta_path.insert(0, Finder(join.build("cpython")))


if WANTED:
    install()
