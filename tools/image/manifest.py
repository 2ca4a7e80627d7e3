"""What a board's manifest takes in, without MicroPython's checkout.

`evaluate` does what MicroPython's tools/manifestfile.py does, as far as our manifests go, and is
stricter: a file that is missing, and one that two lines bring, is `Wrong`. What belongs to
MicroPython ($(PORT_DIR), $(MPY_DIR), require) is listed and not looked into.
"""

import os
from pathlib import Path
from typing import NamedTuple

import interpreters


class Wrong(Exception):
    """The manifest names what is not there, or the same thing twice."""


class Content(NamedTuple):
    files: dict  # {"uipy/core.py": the source file}
    required: list  # names of micropython-lib, in order
    theirs: list  # what is included or frozen of MicroPython's own


class Options:
    """What an include was told, and what it has when it was not."""

    def __init__(self, told):
        self._told, self._defaults = told, {}

    def defaults(self, **defaults):
        self._defaults = defaults

    def __getattr__(self, name):
        return self._told.get(name, self._defaults.get(name))


class _Reader:
    def __init__(self):
        self.content = Content({}, [], [])
        self.seen = set()

    def take(self, target, source):
        if not source.is_file():
            raise Wrong("%s: there is no %s" % (target, source))
        if target in self.content.files:
            raise Wrong("%s: frozen twice" % target)
        self.content.files[target] = source.resolve()

    def package(self, name, files=None, base_path=".", opt=None):
        top = Path(base_path).absolute() / name
        if files is None:
            files = [p.relative_to(top) for p in sorted(top.rglob("*.py"))]
        for file in files:
            self.take("%s/%s" % (name, Path(file).as_posix()), top / file)

    def module(self, name, base_path=".", opt=None):
        self.take(name, Path(base_path).absolute() / name)

    def require(self, name, **more):
        if name in self.content.required:
            raise Wrong("%s: required twice" % name)
        self.content.required.append(name)

    def freeze(self, path, **more):
        if not path.startswith("$("):
            raise Wrong("freeze(%r): package() and module() are for files of ours" % path)
        self.content.theirs.append(path)

    def include(self, path, **told):
        if path.startswith("$("):
            self.content.theirs.append(path)
            return
        file = Path(path).resolve()
        if not file.is_file():
            raise Wrong("include(%r): there is no %s" % (path, file))
        if file in self.seen:
            raise Wrong("include(%r): for the second time" % path)
        self.seen.add(file)
        said = ("package", "module", "require", "freeze", "include")
        names = {name: getattr(self, name) for name in said}
        here = Path.cwd()
        os.chdir(file.parent)  # paths are meant from where they are written
        try:
            exec(compile(file.read_text(), str(file), "exec"), {**names, "options": Options(told)})
        finally:
            os.chdir(here)


def evaluate(path):
    """-> the `Content` of a manifest; what `make parts` makes is made first."""
    interpreters.joined()
    reader = _Reader()
    reader.include(str(path))
    return reader.content
