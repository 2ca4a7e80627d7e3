"""The programs of docs/web.md run as they stand there, one after the other, and serve what they
say."""

import json
import re
from pathlib import Path

from lab.routed import Conn, ask, request

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "web.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


def body(text):
    return b"Content-Length: %d\r\n\r\n" % len(text) + text


def test_every_program_runs_and_serves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text("<p>files")
    names = {}
    assert len(PROGRAMS) == 6
    for program in PROGRAMS:
        exec(compile(program, "web.md", "exec"), names)

    def get(path, **more):
        return ask(Conn(names["site"]()), request(path, **more))

    def put(path, text, method=b"PUT"):
        head = method + b" " + path + b" HTTP/1.1\r\nHost: b\r\n"
        return ask(Conn(names["site"]()), head + body(text))

    assert get(b"/").body == b"<h1>kitchen</h1>" and get(b"/state").body == b"on\n"
    assert put(b"/lamp/2", b"on").status == 204 and names["lamps"][2]
    assert json.loads(get(b"/lamp/2").body) == {"lamp": 2, "on": True}
    assert get(b"/lamp/9").status == 404
    moved = put(b"/name", b"name=cellar", b"POST")
    assert moved.status == 303 and moved.fields["location"] == "/?now=cellar"
    assert put(b"/sum", b"abc").body == b"%d\n" % sum(b"abc")
    assert get(b"/admin/x").status == 401
    assert get(b"/files/").body == b"<p>files"
    assert get(b"/events").fields["content-type"].startswith("text/event-stream")
