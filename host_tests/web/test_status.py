"""The status page is told by events what /status.json says, and asks where it is not."""

import json
import re
import shutil
import subprocess

import main
import page
import pytest
from apps.fake_stack import FakeStack
from apps.test_http import Answer, get
from apps.test_on_stack import Pair, Settings
from lab.listeners import told
from status import Feed, Json, Status
from uipy.writer import Writer


def events_of(client):
    _, _, stream = client.got.partition(b"\r\n\r\n")
    found, _ = told(stream)
    return [json.loads(data) for _, data, _ in found]


def test_an_event_says_what_status_json_says_at_once_and_each_second():
    pair = Pair()
    client = pair.connect(80, get(b"/events"))
    pair.run(100)
    (first,) = events_of(client)
    asks = pair.connect(80, get(b"/status.json"))
    pair.run(100)
    asked = json.loads(Answer(asks.got).body)
    assert set(asked) == set(first) and asked["rows"] == first["rows"] == 4
    (own,) = first["conns"]
    assert own["rport"] == client.conn.lport and own["state"] == "ESTABLISHED"
    pair.run(4000)
    frames = [e["stat"]["frames_in"] for e in events_of(client)]
    assert len(frames) == 5 and frames == sorted(set(frames)), "the chart moves"


def test_two_are_told_and_the_third_asks():
    pair = Pair()
    clients = [pair.connect(80, get(b"/events")) for _ in range(3)]
    pair.run(2100)
    assert [len(events_of(c)) for c in clients[:2]] == [4, 3], "one more when another comes"
    assert clients[2].got.startswith(b"HTTP/1.1 503 ")


def test_a_half_closed_client_is_told_on_and_one_that_is_gone_frees_its_place():
    pair = Pair()
    half = pair.connect(80, get(b"/events"), half=True)
    gone = pair.connect(80, get(b"/events"))
    pair.run(1500)
    told_once = len(events_of(half))
    gone.conn.close()
    pair.run(3000)
    assert len(events_of(half)) >= told_once + 3 and gone.end == "unread"
    third = pair.connect(80, get(b"/events"))
    pair.run(100)
    assert len(events_of(third)) == 1


class Silent(Settings):
    events = 0


@pytest.mark.parametrize("lacks", ["the setting", "the part"])
def test_a_board_that_tells_nothing_has_the_page_and_404(lacks, monkeypatch):
    if lacks == "the part":

        def tell(*args):
            raise ImportError("no module named 'uipy.web'")

        monkeypatch.setattr(main, "tell", tell)
    pair = Pair(Silent if lacks == "the setting" else Settings)
    client = pair.connect(80, get(b"/events") + get(b"/status.json") + get(b"/"))
    pair.run(3000)
    first = Answer(client.got)
    second = Answer(first.rest)
    assert (first.status, second.status, Answer(second.rest).status) == (404, 200, 200)


def test_no_event_is_longer_than_the_ring_was_made_for():
    stack = FakeStack()
    feed = Feed(Json(Status(stack, "a board")))
    most = feed.most()
    for k in range(len(stack.stat)):
        stack.stat[k] = 2**30 - 1
    stack.ifaces[0].dev.stat[:] = [2**30 - 1] * 3
    for row in feed.json.status.conns:
        row.state, row.raddr = 3, b"\xff" * 4
        row.rport = row.lport = 65535
        row.state_at = (stack.now - 2**28) & 0x3FFFFFFF
    feed.json.note(feed.snap)
    out = Writer()
    out.aim(bytearray(0), 0, 0, 0)
    feed.json.write(out, feed.snap)
    assert out.count + 8 <= most < out.count + 200


STUB = r"""
const fs = require("fs");
const [script, story] = JSON.parse(fs.readFileSync(0, "utf8"));
const elements = {}, timers = {}, log = [];
function element() {
  const e = {dataset: {}, children: [], textContent: "", setAttribute() {}, insertRow: element,
             appendChild: c => c, querySelectorAll: () => [element(), element(), element()]};
  Object.defineProperty(e, "tBodies", {get: () => [element()]});
  return e;
}
globalThis.document = {getElementById: i => elements[i] ??= element(), createElement: element};
let n = 0, source;
globalThis.setTimeout = (f, ms) => (timers[++n] = [f, ms], n);
globalThis.clearTimeout = i => delete timers[i];
const never = {then: () => never, catch: () => never};
globalThis.fetch = url => url == "/network.json" ? never :
  (log.push(url), {then: f => ({catch: () => ({finally: g => g()})})});
globalThis.EventSource = class {
  constructor(url) { log.push("listen " + url); source = this; this.readyState = 0; }
  close() { log.push("close"); this.readyState = 2; }
};
new Function(script)();
for (const what of story) {
  if (what == "told") source.onmessage({data: JSON.stringify({board: "b", python: "p", rows: 1,
    wait: 0, conns: [], dev: {}, uptime: 1, stat: {}, ifaces: [{ip: "i", mac: "m", link: 1}]})});
  else if (what == "refused") { source.readyState = 2; source.onerror(); }
  else if (what == "lost") { source.readyState = 0; source.onerror(); }
  else for (const i of Object.keys(timers)) {
    const [f, ms] = timers[i]; delete timers[i]; log.push("after " + ms); f();
  }
}
console.log(JSON.stringify([log, elements.link ? elements.link.textContent : "",
  Object.values(timers).map(t => t[1])]));
"""


def page_does(*story):
    """([what the page asked for], what stands at the link, the timers that run)."""
    node = shutil.which("node")
    if not node:
        pytest.skip("no node here (apt install nodejs)")
    script = re.search(rb"<script>(.*)</script>", page.HTML, re.S)[1].decode()
    asked = json.dumps([script, story])
    done = subprocess.run([node, "-e", STUB], input=asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_page_listens_and_does_not_ask():
    log, link, timers = page_does("told", "told")
    assert log == ["listen /events"] and link == "link up" and timers == [5000]


def test_the_page_asks_when_it_is_refused():
    log, _, timers = page_does("refused", "wait", "wait")
    assert log == ["listen /events", "/status.json"] + ["after 1000", "/status.json"] * 2
    assert timers == [1000]


def test_a_connection_that_was_lost_is_left_to_the_browser():
    log, link, timers = page_does("told", "lost", "told")
    assert log == ["listen /events"] and link == "link up" and timers == [5000]


def test_a_board_that_falls_silent_is_shown_and_tried_again():
    log, link, timers = page_does("told", "wait", "wait", "told")
    assert log == ["listen /events"] + ["after 5000", "close", "listen /events"] * 2
    assert link == "link up" and timers == [5000]
    assert page_does("told", "wait")[1] == "no answer"
