"""Which files of the board are the user's: they stay, unless --force.

What `make install` has put on a board is noted there, in lib/uipy/installed.json: {path: SHA-256}.
A file that is not as it was put, or was never put, was made by somebody.
"""

import hashlib
import json

NOTE = "uipy/installed.json"  # below lib/
THEIRS = ("config.py", "pins.py", "main.py", "app.py")  # what people change


def digest(data):
    return hashlib.sha256(data).hexdigest()


def parsed(data):
    """The note's {path: SHA-256}; an empty one where there is none that makes sense."""
    try:
        note = json.loads(data)
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}


def in_the_way(wanted, lib):
    """Paths from which Python would take a module instead of ours: the folder it was started in
    goes before lib/, a source before a .mpy file. [(path, whether it may go without asking)]"""
    found = []
    for path in wanted:
        folder, _, name = path.rpartition("/")
        if folder == lib and name.endswith(".mpy"):
            module = name[: -len("mpy")]
            root = lib[: -len("lib")]
            found += [(root + name, True), (root + module + "py", False)]
            found.append((path[: -len("mpy")] + "py", False))
    return found


class Plan:
    """What is to be done: `put` {path: octets}, in this order; `same` paths that are as they
    should be, `keep` paths that are the user's, `gone` paths of ours that go, `empty` folders that
    go after them, `beware` paths that are the user's and in the way of ours.
    """

    def __init__(self, wanted, there, note, lib, force=False):
        """`wanted`: {path: octets}; `there`: {path: (octets, SHA-256)}, (-1, "") for a folder."""
        self.put, self.keep, self.same = {}, [], []
        for path, data in wanted.items():
            has = there.get(path, (0, None))[1]
            if has == digest(data):
                self.same.append(path)
            elif has and not force and _theirs(path, has, note):
                self.keep.append(path)
            else:
                self.put[path] = data
        stay = (*wanted, lib + "/" + NOTE)
        old = [p for p in there if p.startswith(lib + "/uipy/") and p not in stay]
        self.gone = [p for p in old if there[p][0] >= 0]
        self.empty = [
            p for p in old if there[p][0] < 0 and not any(q.startswith(p + "/") for q in stay)
        ]
        ways = [(p, ours) for p, ours in in_the_way(wanted, lib) if p in there]
        self.gone += [p for p, ours in ways if ours]
        self.beware = [p for p, ours in ways if not ours]

    def note(self, before):
        """What the note says when this is done, by what it said before."""
        done = {path: digest(data) for path, data in self.put.items()}
        done.update({path: before[path] for path in self.keep if path in before})
        return done

    def room(self, block, there):
        """How many octets of flash it takes more than is taken now, in whole blocks."""
        more = sum(_whole(len(data), block) for data in self.put.values())
        less = sum(_whole(there[p][0], block) for p in (*self.put, *self.gone) if p in there)
        return more - less


def _theirs(path, has, note):
    return path.rpartition("/")[2] in THEIRS and note.get(path) != has


def _whole(size, block):
    return -(-max(size, 1) // block) * block
