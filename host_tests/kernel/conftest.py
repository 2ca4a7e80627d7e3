"""Boards for the Linux kernel to talk to. Captures and pictures are left in build/artifacts."""

import os
import re
from pathlib import Path

import pytest
from wire import lan as lans

ARTIFACTS = Path(os.environ.get("UIPY_ARTIFACTS", lans.ROOT / "build" / "artifacts"))

BOARDS = {
    "cpython": {"python": "cpython", "chip": "none"},
    "cpython-enc28j60": {"python": "cpython", "chip": "enc28j60"},
    "micropython": {"python": "micropython", "chip": "none"},
    "micropython-enc28j60": {"python": "micropython", "chip": "enc28j60"},
}

# One of them again, with all that TCP can be asked for: a test of every kind has both settings.
ALL = "sack,timestamps,window_scale,ecn=1,cookies,reassembly=4,urgent"
BOARDS["micropython-all"] = {**BOARDS["micropython"], "options": ALL}


@pytest.fixture
def artifact(request):
    """Makes the path of a file that outlives the test, named after it."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", request.node.name).strip("-")
    return lambda suffix: ARTIFACTS / (name + suffix)


@pytest.fixture
def lan():
    """A namespace with a Linux kernel's end of an Ethernet."""
    try:
        net = lans.Lan()
    except lans.Missing as lack:
        pytest.skip(str(lack))
    yield net
    net.close()


@pytest.fixture(params=BOARDS)
def kind(request):
    """Each kind of board in turn."""
    return request.param


@pytest.fixture
def start(lan, artifact):
    """Starts a board of a kind, by its name, with everything on it; its wire is recorded."""

    def start(name, **options):
        services = "echo,discard,chargen,daytime,http,sink"
        return lan.start(**BOARDS[name], pcap=artifact(".pcap"), services=services, **options)

    return start


@pytest.fixture
def board(start, kind):
    """A board of each kind."""
    return start(kind)
