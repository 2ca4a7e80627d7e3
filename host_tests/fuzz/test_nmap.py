"""nmap scans a board: ports, and the odd segments of its OS detection. The board serves on.

What nmap makes of our initial sequence numbers (RFC 6528) is printed, and kept in build/artifacts.
"""

import os
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from judge import tcpcheck
from wire import lan as lans
from wire import recorder

ARTIFACTS = Path(os.environ.get("UIPY_ARTIFACTS", lans.ROOT / "build" / "artifacts"))
OPEN = {7, 9, 13, 19, 80}
GOOD = 200  # nmap: from 0, trivial, to about 260, "Good luck!"


@pytest.fixture
def lan():
    """A namespace with a Linux kernel's end of an Ethernet."""
    try:
        if not lans.root():
            raise lans.Missing("nmap -sS -O wants root")
        lans.need("nmap")
        lans.need("curl")
        net = lans.Lan()
    except lans.Missing as lack:
        pytest.skip(str(lack))
    yield net
    net.close()


def page(lan):
    return lan.run("curl", "-sS", "-m", "20", "http://%s/" % lan.board_ip).stdout


def echo(sock, text):
    sock.sendall(text)
    got = b""
    while len(got) < len(text):
        got += sock.recv(100)
    return got == text


@pytest.mark.slow
@pytest.mark.parametrize("python", ("cpython", "micropython"))
def test_nmap_leaves_the_board_serving(lan, python, tmp_path):
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    wire = ARTIFACTS / ("nmap-%s.pcap" % python)
    board = lan.start(python=python, pcap=wire)
    before = page(lan)
    report = tmp_path / "nmap.xml"
    with lan.connect(7) as live:
        assert echo(live, b"before")
        # A SYN scan of 1000 ports, then OS detection: SYN+ECE, NULL, SYN+FIN+URG+PSH, FIN+URG+PSH,
        # odd options.
        said = lan.run(
            "nmap", "-sS", "-O", "-v", "-n", "-T4", "--max-retries", "2", "-oX", str(report),
            lan.board_ip, timeout=240,
        )  # fmt: skip
        assert echo(live, b"a connection that was there before is there after"), said.stdout
    assert page(lan) == before
    host = ET.parse(report).getroot().find("host")
    found = {
        int(p.get("portid")) for p in host.iter("port") if p.find("state").get("state") == "open"
    }
    assert found == OPEN
    isn = host.find("tcpsequence")
    text = "ISN as nmap sees it (%s): index %s, %s; values %s" % (
        python,
        isn.get("index"),
        isn.get("difficulty"),
        isn.get("values"),
    )
    print(text)
    (ARTIFACTS / ("nmap-%s.txt" % python)).write_text(text + "\n")
    shutil.copy(report, ARTIFACTS / ("nmap-%s.xml" % python))
    assert int(isn.get("index")) >= GOOD, text
    board.stop()
    check = tcpcheck.judge(recorder.read(wire), bytes(map(int, lan.board_ip.split("."))))
    assert check.count > 1000  # every segment that the board sent was legal
