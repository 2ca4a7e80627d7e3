"""Files and folders of the board's file system, as part of a site.

    web = Routes(site)
    web.route("/{name:path}", Folder("/www"))          # GET /, /a.css, /img/x.png, ...

The route's first parameter is the path below the folder. No name in it is "." or "..", empty, or
hides a "/", a backslash or a NUL, so nothing outside is read. A folder is its index.html.

- **Types** are told by the extension (TYPES; `Folder.types` may have others).
- **Compressed**: what is stored as x.html.gz is sent as it is, with Content-Encoding: gzip, to who
  asks for x.html and takes gzip; beside x.html for who does not, or instead of it (406 then).
  Make them with `gzip -9n`.
- **ETag**: strong, made of the length, the time, and the first and the last 64 octets. (A file
  that is changed elsewhere only, within a second and to the same length, keeps its tag.)
  If-None-Match gets a 304, If-Match a 412.
- **Range**: one range gets a 206 or 416, as If-Range says; several at once get the whole file.

Opening a file takes heap: its name, and what the file system keeps of an open file, 500 to 1500
octets; all of it is free again when the answer has arrived or the connection has ended. Nothing is
opened for a 304, a 404 or HEAD but to read those 128 octets.
"""

import os
import struct

from micropython import const

from ..kern import mac
from ..source import File
from .routes import Handler

_END = const(64)  # octets of either end that an ETag is made of
_FACTS = const(10)  # length, time, and whether it is compressed: before them
_IS_DIR = const(0x4000)
_KEY = const(b"uipyETag")
_HEX = "0123456789abcdef"

TYPES = {
    "html": "text/html; charset=utf-8",
    "htm": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "log": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "py": "text/x-python; charset=utf-8",
    "json": "application/json",
    "xml": "application/xml",
    "pdf": "application/pdf",
    "wasm": "application/wasm",
    "gz": "application/gzip",
    "zip": "application/zip",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "ico": "image/x-icon",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
}
UNKNOWN = "application/octet-stream"


def kind_of(name, types=TYPES):
    """The Content-Type of a file with this name."""
    tail = name[name.rfind("/") + 1 :]
    return types.get(tail[tail.rfind(".") + 1 :].lower(), UNKNOWN) if "." in tail else UNKNOWN


def safe(name):
    """Whether a path, which begins below the folder, stays below it. An empty one is the folder;
    a "/" at its end means a folder.
    """
    if "\0" in name or "\\" in name:
        return False
    parts = name.split("/")
    if not parts[-1]:
        parts.pop()
    for part in parts:
        if part in ("", ".", ".."):
            return False
    return True


def takes_gzip(accepts):
    """Whether an Accept-Encoding (None: there was none) lets gzip pass: 2 if it says so, 1 if it
    says nothing, 0 if not (RFC 9110 12.5.3).
    """
    if accepts is None:
        return 1
    star = 0
    for part in accepts.lower().split(","):
        name, _, weight = part.partition(";")
        name = name.strip()
        weight = weight.strip()
        good = 2
        if weight[:2] == "q=" and not weight[2:].strip("0."):  # q=0, q=0.000
            good = 0
        if name in ("gzip", "x-gzip"):
            return good
        if name == "*":
            star = good
    return star


def span(wanted, size):
    """What a Range wants of a file of `size` octets: (first, count); None: the whole file; ():
    none of it (416). RFC 9110 14.1, 14.2.
    """
    unit, equals, wanted = wanted.partition("=")
    first, dash, last = wanted.strip().partition("-")
    first = first.strip()
    last = last.strip()
    if unit.strip().lower() != "bytes" or not equals or not dash:
        return None
    if not digits(first or last) or (last and not digits(last)):
        return None  # nonsense, or more than one: the whole file is a good answer to either
    if first == "":
        n = min(number(last), size)
        return (size - n, n) if n else () if size else None
    at = number(first)
    to = number(last) if last else size
    if to < at and last:
        return None
    if at >= size:
        return ()
    return at, min(to + 1, size) - at


def digits(text):
    """Whether it is one digit or more, and nothing else."""
    for c in text:
        if c not in "0123456789":
            return False
    return text != ""


def number(text):
    """Their value; 2**30 - 1 for all that are larger."""
    text = text.lstrip("0")
    return min(int(text), 0x3FFFFFFF) if 0 < len(text) < 11 else 0x3FFFFFFF if text else 0


class Folder(Handler):
    """Serves the files below `path`. One object serves all connections; 300 octets of RAM.

    index   what a folder shows ("index.html"); None: nothing, 404
    more    header fields for each file, a dict: {"Cache-Control": "max-age=3600"}; they want
            room in Routes(fields=...): 128 octets are enough for what comes without them
    """

    methods = "GET"
    fields = ("If-None-Match", "If-Match", "Range", "If-Range", "Accept-Encoding")
    types = TYPES

    def __init__(self, path, index="index.html", more=None):
        path = path.rstrip("/")
        if not mode(path or "/") & _IS_DIR:
            raise ValueError("no folder: %s" % path)
        self.path = path
        self.index = index
        self.more = more or {}
        self.ends = bytearray(_FACTS + 2 * _END + 8)

    def answer(self, req):
        """The file, or what is to be said instead."""
        req.data = None  # another handler's
        req.find_arg(0)
        name = req.value()
        if not safe(name):
            return 404
        path = self.path + "/" + name if name else self.path or "/"
        kind = mode(path.rstrip("/") or "/")
        if kind & _IS_DIR:
            if not path.endswith("/"):
                if name:
                    return req.redirect(req.path() + "/", 301)
                path += "/"
            if self.index is None:
                return 404
            path += self.index
        elif path.endswith("/"):
            return 404
        return self.send(req, path)

    def send(self, req, path):
        """The answer is the file at `path`, or path.gz. Also for other handlers."""
        plain = size_of(path)
        small = size_of(path + ".gz")
        if plain < 0 and small < 0:
            return 404
        zipped = small >= 0
        if zipped:
            takes = takes_gzip(req.field("Accept-Encoding"))
            if plain >= 0 and takes < 2:
                zipped = False
            elif not takes:
                return 406
        try:
            file = File(path + ".gz" if zipped else path)
        except OSError:  # it has just gone
            return 404
        req.data = file
        tag = self.tag(file, path + ".gz" if zipped else path, zipped)
        status = self.judge(req, tag, file.left)
        if status > 206:
            self.ended(req)
            if status == 412:
                return status
        req.add("ETag", tag)
        if small >= 0:
            req.add("Vary", "Accept-Encoding")
        if status == 304:
            return status
        if zipped:
            req.add("Content-Encoding", "gzip")
        if status == 200:
            req.add("Accept-Ranges", "bytes")
        for field in self.more:
            req.add(field, self.more[field])
        if status == 416:
            return status
        req.answer.kind = kind_of(path, self.types).encode()
        return file, status

    def judge(self, req, tag, size):
        """The preconditions (RFC 9110 13.2.2), then the range: the status. The file at hand gives
        the range, if there is one.
        """
        wants = req.field("If-Match")
        if wants is not None and wants != "*" and not listed(tag, wants, True):
            return 412
        wants = req.field("If-None-Match")
        if wants is not None and (wants == "*" or listed(tag, wants, False)):
            return 304
        wants = req.field("Range")
        if wants is None or req.method != "GET" or req.field("If-Range", tag) != tag:
            return 200
        part = span(wants, size)
        if part is None:
            return 200
        if not part:
            req.add("Content-Range", "bytes */%d" % size)
            return 416
        req.data.at, req.data.left = part
        req.add("Content-Range", "bytes %d-%d/%d" % (part[0], sum(part) - 1, size))
        return 206

    def tag(self, file, path, zipped):
        """The ETag of an open file."""
        b = self.ends
        n = _FACTS
        for k in range(len(b)):
            b[k] = 0
        when = os.stat(path)[8]
        struct.pack_into("<IIH", b, 0, file.left, int(when) & 0xFFFFFFFF, zipped)
        n += file.fill(0, b, n, _END)
        if file.left > _END:
            n += file.fill(file.left - _END, b, n, _END)
        mac(_KEY, b, 0, n, len(b) - 8)
        text = '"'
        for k in range(len(b) - 8, len(b)):
            text += _HEX[b[k] >> 4] + _HEX[b[k] & 15]
        return text + '"'

    def ended(self, req):
        """The answer has arrived, or the connection is gone: the file is closed."""
        if req.data is not None:
            req.data.close()
            req.data = None


def listed(tag, wants, strongly):
    """Whether the tag is in a list of them (RFC 9110 8.8.3.2). No tag has a quote inside."""
    at = wants.find(tag)
    while at >= 0:
        if not strongly or wants[max(0, at - 2) : at] != "W/":
            return True
        at = wants.find(tag, at + 1)
    return False


def mode(path):
    """What is at the path; 0: nothing."""
    try:
        return os.stat(path)[0]
    except (OSError, ValueError):
        return 0


def size_of(path):
    """The length of a file; -1: there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return -1
    return found[6] if found[0] & 0xF000 in (0x8000, 0) else -1
