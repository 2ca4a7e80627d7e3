"""The page's script, in Node with the few things of a browser that it touches."""

import json
import re
import shutil
import subprocess

import page
import pytest

STUB = r"""
const fs = require("fs");
const [script, answers] = JSON.parse(fs.readFileSync(0, "utf8"));
const elements = {};
function element() {
  const e = {dataset: {}, children: [], textContent: "", setAttribute() {}, insertRow: element,
             appendChild: c => c, querySelectorAll: () => [element(), element(), element()]};
  Object.defineProperty(e, "tBodies", {get: () => [element()]});
  return e;
}
globalThis.document = {getElementById: i => elements[i] ??= element(), createElement: element};
let now = 0;
Object.defineProperty(globalThis, "performance", {value: {now: () => now}});
globalThis.setTimeout = () => 0;
const never = {then: () => never, catch: () => never, finally: () => never};
globalThis.fetch = () => never;
const show = new Function(script + ";return show")();
const said = answers.map(([at, status]) => {
  now = 1000 * at;
  show(status);
  const text = i => elements[i] ? elements[i].textContent : "";
  return [text("rxs"), text("txs"), elements.chart ? elements.chart.dataset.points ?? 0 : 0];
});
console.log(JSON.stringify(said));
"""


def shown(*answers):
    """[packets in, packets out, points of the chart] after each (s, uptime, in, out)."""
    node = shutil.which("node")
    if not node:
        pytest.skip("no node here (apt install nodejs)")
    script = re.search(rb"<script>(.*)</script>", page.HTML, re.S)[1].decode()
    status = []
    for at, up, i, o in answers:
        stat = {"frames_in": i, "frames_out": o}
        iface = {"ip": "i", "mac": "m", "link": 1}
        more = {"board": "b", "python": "p", "rows": 1, "wait": 0, "conns": [], "dev": {}}
        status.append((at, {**more, "uptime": up, "stat": stat, "ifaces": [iface]}))
    asked = json.dumps([script, status])
    done = subprocess.run([node, "-e", STUB], input=asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_chart_shows_packets_per_second():
    said = shown((0, 10, 100, 50), (2, 12, 120, 60), (3, 13, 121, 60))
    assert said[1:] == [["10 per second", "5 per second", 1], ["1 per second", "0 per second", 2]]


def test_a_counter_that_wraps_goes_on():
    said = shown((0, 10, 2**30 - 5, 7), (1, 11, 5, 8))
    assert said[1] == ["10 per second", "1 per second", 1]


@pytest.mark.parametrize("uptime", [1, 30], ids=["younger", "older than before"])
@pytest.mark.parametrize("before", [400, 2**30 - 9], ids=["few", "many"])
def test_a_restart_of_the_board_is_no_wrap(uptime, before):
    said = shown((0, 10, before, before), (20, uptime, 60, 70), (21, uptime + 1, 63, 72))
    if before == 400 or uptime < 10:
        assert said[1][2] == 0, "nothing can be said of the time between"
        assert said[2] == ["3 per second", "2 per second", 1]
    else:  # 69 packets in 20 s: it may be a wrap
        assert said[2] == ["3 per second", "2 per second", 2]
