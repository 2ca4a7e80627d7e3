"""The kernel speaks to each kind of board: ARP, ping, the page, small services."""

import json
import time

import pytest
from wire.lan import drain, need

SIZES = (0, 1, 2, 17, 18, 19, 55, 56, 57, 511, 999, 1000, 1470, 1471, 1472)


def test_ping_of_every_size_comes_back(lan, board):
    for size in SIZES * 2:
        said = lan.run("ping", "-c", "1", "-W", "5", "-s", str(size), lan.board_ip)
        assert "1 received" in said.stdout, said.stdout
        assert "wrong" not in said.stdout and "DUP" not in said.stdout, said.stdout


def test_arp_tells_our_address_and_nobody_elses(lan, board):
    lan.run("ping", "-c", "1", "-W", "2", lan.board_ip)
    neighbours = lan.run("ip", "neigh", "show", "dev", lan.ifname).stdout
    assert "%s lladdr 02:00:00:75:69:70" % lan.board_ip in neighbours
    said = lan.run("ping", "-c", "1", "-W", "4", "10.77.0.3", check=False)
    assert "Unreachable" in said.stdout
    neighbours = lan.run("ip", "neigh").stdout.split()
    assert neighbours[neighbours.index("10.77.0.3") + 3] == "FAILED"


def test_curl_gets_the_page_the_status_and_the_metrics(lan, board, tmp_path):
    import page

    need("curl")
    url = "http://%s" % lan.board_ip
    fetched = tmp_path / "page"
    lan.run("curl", "-sS", "-m", "20", "-o", str(fetched), url + "/")
    assert fetched.read_bytes() == page.HTML
    status = json.loads(lan.run("curl", "-sS", "-m", "20", url + "/status.json").stdout)
    assert status["ifaces"][0]["ip"] == lan.board_ip
    peers = [(c["peer"], c["state"]) for c in status["conns"]]
    assert (lan.kernel, "ESTABLISHED") in peers
    metrics = lan.run("curl", "-sS", "-m", "20", url + "/metrics").stdout
    assert "# TYPE" in metrics and "tcp_in" in metrics
    both = lan.run("curl", "-sS", "-m", "20", "-w", "%{num_connects} ", url + "/x", url + "/y")
    assert both.stdout.endswith("0 "), "the second request used a connection of its own"


def test_daytime_says_the_time_and_closes(lan, board):
    line = drain(lan.connect(13)).decode()
    assert time.strptime(line, "%Y-%m-%d %H:%M:%S\r\n")


def test_discard_answers_nothing(lan, board):
    with lan.connect(9) as s:
        s.sendall(bytes(20000))
        s.shutdown(1)
        assert drain(s) == b""


def test_a_port_that_is_closed_refuses(lan, board):
    with pytest.raises(ConnectionRefusedError):
        lan.connect(8)
