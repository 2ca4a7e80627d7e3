"""The status page's figures: valid JSON, valid Prometheus text, and the numbers that the stack
has.
"""

import json
from array import array

import main
import page
import pytest
import status
from apps.fake_stack import FakeStack, Iface
from apps.fakes import FakeConn
from apps.test_http import ask, get
from prometheus_client.parser import text_string_to_metric_families
from uipy.stat import NAMES
from uipy.tcp.row import STATE_NAMES

NAME = 'roof "5\\N" \n\x07 grün'


@pytest.fixture
def stack():
    return FakeStack()


@pytest.fixture
def web(stack):
    return main.site(stack, NAME)


def fetch(web, path):
    return ask(FakeConn(web()), get(path))


def status_of(web):
    return json.loads(fetch(web, b"/status.json").body)


def metrics_of(web):
    """{name: {labels: value}}, and the kinds, by Prometheus' own parser."""
    text = fetch(web, b"/metrics").body.decode()
    values, kinds = {}, {}
    for family in text_string_to_metric_families(text):
        kinds[family.name] = family.type
        for s in family.samples:
            key = tuple(sorted(s.labels.items()))
            assert key not in values.setdefault(s.name, {}), "a sample twice"
            values[s.name][key] = s.value
    return values, kinds


def test_status_json_says_what_the_stack_knows(web, stack):
    stack.now += 61_500
    found = status_of(web)
    assert found["board"] == 'roof "5\\N"   grün'.replace("   ", " \n ")
    assert found["uptime"] == 61 and found["rows"] == 4
    assert (found["half"], found["wait"]) == (2, 1)
    assert found["ifaces"] == [{"ip": "192.168.1.7", "mac": "02:00:ca:fe:12:34", "link": 1}]
    assert found["stat"] == {name: i * 1000 for i, name in enumerate(NAMES) if i}
    assert found["dev"] == {"rx": 7, "tx": 8, "rx_bad": 2**30 - 1}
    assert found["conns"] == [
        {"peer": "192.168.1.9", "rport": 51000, "port": 80, "state": "ESTABLISHED", "age": 73},
        {"peer": "10.0.0.1", "rport": 65535, "port": 7, "state": "CLOSE-WAIT", "age": 156},
        {"peer": "10.0.0.2", "rport": 1, "port": 7, "state": "CLOSE-WAIT", "age": 66},
    ]


def test_status_json_of_an_idle_board_is_valid_too(web, stack):
    stack.stat[:] = array("i", [0] * len(NAMES))
    stack.ifaces[0].up = False
    for conn in stack.tcp.conns:
        conn.state = 0
    found = status_of(web)
    assert (found["stat"], found["conns"]) == ({}, []) and found["ifaces"][0]["link"] == 0


def test_metrics_are_counters_and_gauges_with_the_same_numbers(web, stack):
    values, kinds = metrics_of(web)
    for i, name in enumerate(NAMES):
        assert values[f"uipy_{name}_total"] == {(): i * 1000}
        assert kinds[f"uipy_{name}"] == "counter"
    assert values["uipy_dev_rx_bad_total"] == {(): 2**30 - 1}
    assert values["uipy_link_up"] == {(("iface", "0"),): 1}
    assert values["uipy_connection_rows"] == {(): 4}
    assert values["uipy_close_wait_age_seconds"] == {(): 95}
    by_state = {labels[0][1]: n for labels, n in values["uipy_connections"].items()}
    assert set(by_state) == set(STATE_NAMES[1:])
    assert {k: n for k, n in by_state.items() if n} == {
        "SYN-RECEIVED": 2,
        "ESTABLISHED": 1,
        "CLOSE-WAIT": 2,
        "TIME-WAIT": 1,
    }
    (info,) = values["uipy_info"]
    assert dict(info)["board"].startswith('roof "5\\N" \n')
    assert kinds["uipy_uptime_seconds"] == "gauge"


def test_metrics_say_their_version(web):
    answer = fetch(web, b"/metrics")
    assert answer.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_each_metric_has_its_help_and_its_type_before_its_samples(web, stack, monkeypatch):
    """As `promtool check metrics` wants it: HELP with a text, then TYPE, then the samples."""
    monkeypatch.setattr(status, "mem_free", lambda: 12345)
    monkeypatch.setattr(status, "mem_alloc", lambda: 678)
    text = fetch(main.site(stack, "another"), b"/metrics").body.decode()
    assert text.endswith("\n") and "\n\n" not in text
    seen, name = [], ""
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "#":
            word, name, rest = rest.split(" ", 2)
            seen.append((word, name))
            assert rest.endswith(".") or word == "TYPE"
            assert word == "HELP" or seen[-2] == ("HELP", name), name
            assert word == "HELP" or (rest == "counter") == name.endswith("_total"), name
        else:
            assert word.partition("{")[0] == name and seen[-1] == ("TYPE", name)
    assert len(seen) == len(set(seen)) == 2 * (8 + len(NAMES) + 3)


def test_the_heap_is_shown_where_python_tells(web, stack, monkeypatch):
    assert "uipy_heap_free_bytes" not in metrics_of(web)[0]
    monkeypatch.setattr(status, "mem_free", lambda: 12345)
    monkeypatch.setattr(status, "mem_alloc", lambda: 678)
    web = main.site(stack, "another")
    values = metrics_of(web)[0]
    assert values["uipy_heap_free_bytes"] == {(): 12345}
    assert values["uipy_heap_used_bytes"] == {(): 678}
    assert (status_of(web)["free"], status_of(web)["used"]) == (12345, 678)


def test_every_interface_is_listed(stack):
    stack.ifaces.append(Iface(1, stack.ifaces[0].dev, b"\x0a\x00\x00\x01", False))
    web = main.site(stack, "two")
    assert [i["ip"] for i in status_of(web)["ifaces"]] == ["192.168.1.7", "10.0.0.1"]
    assert metrics_of(web)[0]["uipy_link_up"] == {(("iface", "0"),): 1, (("iface", "1"),): 0}


def test_a_device_without_counters_and_a_stack_without_tcp(stack):
    stack.ifaces[0].dev = type("Tun", (), {"l2": 0})()
    stack.tcp = None
    web = main.site(stack, "bare")
    assert status_of(web)["dev"] == {} and status_of(web)["ifaces"][0]["mac"] == ""
    assert metrics_of(web)[0]["uipy_connection_rows"] == {(): 0}


def test_an_answer_is_one_moment_though_the_stack_goes_on(web, stack):
    conn = FakeConn(web())
    conn.feed(get(b"/status.json"))
    conn.pump(100, turns=3)
    stack.stat[:] = array("i", [66051] * len(NAMES))
    stack.now += 1_000_000
    stack.ifaces[0].ip[:] = b"\x01\x02\x03\x04"
    stack.tcp.conns[0].state = 0
    head, _, body = conn.pump(100).sent.partition(b"\r\n\r\n")
    assert json.loads(body)["stat"]["frames_out"] == 1000
    assert b"Content-Length: %d\r" % len(body) in head


@pytest.mark.parametrize("start", [0, 2**30 - 5000, 2**29])
def test_uptime_goes_on_over_the_wrap_of_the_clock(start):
    stack = FakeStack(start)
    web = main.site(stack, "old")
    for step in [999, 1, 500, 500] + [86_400_000] * 40:
        stack.now = (stack.now + step) & 0x3FFFFFFF
        stack.layers[0].output(stack.now)
    assert status_of(web)["uptime"] == 2 + 86_400 * 40


def test_the_page_is_small_and_self_contained():
    text = page.HTML.decode()
    assert len(page.HTML) < 7500
    assert "http:" not in text and "https:" not in text and "//" not in text
    for name in ("board", "link", "uptime", "free", "ip", "mac", "rx", "tx", "errors"):
        assert f'id="{name}"' in text
    assert 'id="chart" data-points="0"' in text and '<table id="conns">' in text
    assert "prefers-color-scheme:dark" in text
