"""The kernel speaks to a board behind each WIZnet chip: ping, the page, and 256 KiB each way."""

import json
import random

import pytest
from wire.lan import exchange, need


@pytest.fixture(params=("w5500", "w5100s", "w6100"))
def chip(request):
    return request.param


@pytest.fixture(params=("cpython", "micropython"))
def board(request, lan, chip, artifact):
    return lan.start(python=request.param, chip=chip, pcap=artifact(".pcap"))


def test_ping_page_and_bulk_behind_the_chip(lan, board, tmp_path):
    import page

    for size in (0, 17, 18, 56, 1000, 1471, 1472):
        said = lan.run("ping", "-c", "1", "-W", "5", "-s", str(size), lan.board_ip)
        assert "1 received" in said.stdout, said.stdout
    need("curl")
    fetched = tmp_path / "page"
    lan.run("curl", "-sS", "-m", "20", "-o", str(fetched), "http://%s/" % lan.board_ip)
    assert fetched.read_bytes() == page.HTML
    data = random.Random(7).randbytes(256 << 10)
    with lan.connect(7) as s:
        assert exchange(s, data) == data
    said = lan.run("curl", "-sS", "-m", "20", "http://%s/status.json" % lan.board_ip).stdout
    counters = json.loads(said)["dev"]
    assert counters["rx"] > 180 and counters["tx"] > 180
    assert set(counters) <= {"rx", "tx", "link", "rx_full"}
