"""Some files run in both settings: TCP as it is, and with all that it can be asked for."""

import pytest
from boards import board
from interop import lab

TWICE = ("test_query", "test_uip_apps", "test_urgent_linux")
ALL = "sack,timestamps,window_scale,ecn=1,cookies,reassembly=4,urgent"


def pytest_generate_tests(metafunc):
    if metafunc.module.__name__.rpartition(".")[2] in TWICE:
        metafunc.fixturenames.append("setting")
        metafunc.parametrize("setting", ["", ALL], ids=["plain", "all"], indirect=True)


@pytest.fixture
def setting(request, monkeypatch):
    monkeypatch.setattr(lab, "OPTIONS", board.options(request.param))
