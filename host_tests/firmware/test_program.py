"""The user's program beside the services: firmware/main.py's `program` and `background`."""

import sys
from types import SimpleNamespace

import config
import main
import pytest
from firmware.test_place import Router
from lab.looped import Nap
from lab.net import Wire
from uipy import loop
from uipy.sock import nic


class Board:
    """What main() does with config.py, on a wire with a router: `main.device` is this wire."""

    def __init__(self, monkeypatch, tmp_path, text=None, **settings):
        self.wire = Wire()
        self.router = Router(self.wire)
        self.nap = Nap(self.wire)
        monkeypatch.setattr(main, "device", lambda cfg: (self.wire, None))
        monkeypatch.setattr(main, "serve", self._serve)
        monkeypatch.setattr(main, "Nap", lambda pin: None)
        monkeypatch.setattr(main, "share", self._share)
        monkeypatch.setattr(main, "bare", self._bare)
        monkeypatch.chdir(tmp_path)
        self.served = self.shared = False
        if text is not None:
            (tmp_path / "app.py").write_text(text)
        given = {"ip": "dhcp", "lease_file": None, "ntp": None, "events": 0, "services": "http"}
        for name, value in {**given, **settings}.items():
            monkeypatch.setattr(config, name, value)

    def _serve(self, stack, wait):
        self.served = True

    def _bare(self, dev, cfg, say):
        return BARE(dev, cfg, say, self.wire.clock.now)

    def _share(self, stack, place, cfg, int_pin):
        self.shared = True
        poll, clock = stack.poll, self.wire.clock
        stack.poll = lambda now=None: poll(clock.now if now is None else now)
        self.lan = SHARE(stack, place, cfg, int_pin, self.nap)


BARE, SHARE = main.bare, main.share


@pytest.fixture
def board(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "network", nic)  # lib/modules is not on this path
    monkeypatch.setitem(sys.modules, "heard", SimpleNamespace(list=[]))
    yield lambda *args, **settings: Board(monkeypatch, tmp_path, *args, **settings)
    loop.detach()


PROGRAM = """
import heard
import network
lan = network.LAN()
heard.list.append((lan.active(), lan.ipconfig("dhcp4"), network.hostname(), __name__))
lan.ifconfig("dhcp")
heard.list.append(lan.ifconfig())
left_behind = 1
"""


def test_a_program_runs_with_the_network_of_config(board, monkeypatch):
    made = board(PROGRAM)
    names = {"__name__": "__main__"}
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(**names))
    main.main()
    heard = sys.modules["heard"].list
    assert heard[0] == (True, True, "uipy", "__main__")
    assert heard[1][0] == "192.168.7.2" and heard[1][2] == "192.168.7.1"
    assert made.shared and not made.served
    assert sys.modules["__main__"].left_behind == 1  # the prompt sees it


def test_a_program_of_callbacks_finds_the_stack_and_ends(board):
    board(
        "from uipy import App\nfrom uipy.loop import current\n"
        "with current() as loop:\n    loop.stack.listen(4001, App, 2)\n"
    )
    main.main()
    assert [li.port for li in loop.current().stack.tcp.listeners] == [80, 4001]


def test_the_page_goes_on_when_the_program_has_ended(board, monkeypatch):
    made = board("pass\n", ip="192.168.1.7/24", gateway="192.168.1.1")
    main.main()
    stack = loop.current().stack
    assert [li.port for li in stack.tcp.listeners] == [80]
    assert loop.current() and made.lan.connected


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ValueError])
def test_what_the_program_raises_leads_to_the_prompt(board, raised):
    board("raise %s\n" % raised.__name__)
    with pytest.raises(raised):
        main.main()
    assert loop.current()  # and the page goes on


@pytest.mark.parametrize("settings", [{}, {"program": None}, {"program": "other.py"}])
def test_without_a_program_the_board_serves(board, settings):
    made = board(**settings)
    main.main()
    assert made.served and not made.shared


def test_background_gives_the_prompt_and_goes_on_serving(board):
    made = board(background=True)
    main.main()
    assert made.shared and not made.served


def test_names_are_asked_for_as_config_says(board):
    made = board(background=True, ip="192.168.1.7/24", dns="192.168.1.5, 192.168.1.6")
    main.main()
    assert nic.ipconfig("dns") == "192.168.1.5"
    assert len(loop.current().resolver.servers) == 8 and made.lan.plan[0] == "192.168.1.7/24"
    nic.ipconfig(dns="192.168.1.9")
    assert nic.ipconfig("dns") == "192.168.1.9" and len(loop.current().resolver.servers) == 4


def test_a_link_local_board_says_so_to_its_program(board):
    made = board(background=True, ip="auto")
    main.main()
    assert made.lan.plan == "auto" and nic.LAN().ipconfig("dhcp4") is False
