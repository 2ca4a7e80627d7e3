"""What a board is told in config.py: understood, or refused in one sentence."""

import time

import config
import machine
import main
import pytest
from boards import ends
from lab.net import Wire
from uipy.apps import Page, Site


class Settings:
    ip = "192.168.1.7/24"


def build(**settings):
    changed = type("Changed", (Settings,), settings)
    return main.build(Wire(), changed)


@pytest.mark.parametrize("services", ["http, echo", " http ,echo,", "HTTP,Echo"])
def test_services_may_have_blanks_and_capitals(services):
    stack = build(services=services)
    assert sorted(li.port for li in stack.tcp.listeners) == [7, 80]


def test_a_service_that_there_is_not_is_refused():
    with pytest.raises(
        ValueError, match=r"^services: there is no service 'ftp'; there are http, "
    ):
        build(services="http,ftp")


@pytest.mark.parametrize(
    ("chip", "kind"),
    [("W5500", "W5500"), ("enc28j60", "ENC28J60"), ("Enc28J60 ", "ENC28J60"), ("w6100", "W6100")],
)
def test_a_chip_may_be_written_as_its_data_sheet_does(chip, kind, monkeypatch):
    model, wiring = ends.model(kind.lower())
    machine.wire(wiring)
    model.clock = lambda: time.monotonic_ns() + 10**9  # its supply is stable
    monkeypatch.setattr(config, "chip", chip)
    monkeypatch.setattr(config, "mac", b"\x02\0\0\0\0\x01")
    dev, _ = main.device(config)
    machine.wire(None)
    assert type(dev).__name__ == kind


@pytest.mark.parametrize("gateway", ["192.168.2.1", "10.0.0.1"])
def test_a_gateway_that_is_no_neighbour_is_refused(gateway):
    with pytest.raises(ValueError, match="^gateway = '%s' is no neighbour of ip = " % gateway):
        build(gateway=gateway)


def test_a_gateway_beside_an_address_that_comes_later_is_taken():
    assert build(ip=None, gateway="192.168.1.1").route(b"\x08\x08\x08\x08", 0) == 0


def test_a_page_is_an_object():
    with pytest.raises(ValueError, match=r"^an object is wanted, not its class: Page\(\)$"):
        Site().add("/", Page)
