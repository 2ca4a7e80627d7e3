"""How many calls stand between the way of a segment and the application: each is 150 to 200 octets
of C stack on a board, of which a Pico has 8 kB (docs/loop.md)."""

import sys

import pytest
from lab.tcp import Lab, Peer
from uipy import App
from uipy.stat import N_TCP_COOKIE_IN

MOST = 6  # meet, guarded, established, _rest, text, take


class Deep(App):
    def __init__(self):
        self.calls = []

    def received(self, conn, buf, start, n):
        frame, names = sys._getframe(1), []
        while frame and frame.f_code.co_name != "arrivals":
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        assert frame, names
        self.calls.append(names)


def heard(**stack):
    lab = Lab(**stack)
    app = Deep()
    lab.stack.listen(8, lambda: app, 1)
    return app, lab, Peer(lab, to=8)


def test_text_in_its_place_comes_to_the_application_without_a_call_between():
    app, _, peer = heard()
    peer.open()
    peer.send("PA", b"hello")
    assert app.calls == [[]]


@pytest.mark.parametrize("flags", ["FPA", "PAU"])
def test_text_with_a_fin_or_urgent_is_not_far_from_it(flags):
    app, _, peer = heard()
    peer.open()
    peer.send(flags, b"hello")
    assert len(app.calls) == 1 and len(app.calls[0]) <= MOST, app.calls


@pytest.mark.parametrize("cookies", [False, True])
def test_text_on_the_last_segment_of_the_handshake_is_as_near(cookies):
    app, lab, peer = heard(half_open=1, tcp_options={"cookies": cookies})
    if cookies:
        Peer(lab, port=40001, to=8).send("S")  # takes the only place
    peer.send("S")
    before = lab.stack.stat[N_TCP_COOKIE_IN]
    peer.send("PA", b"hello")
    assert (lab.stack.stat[N_TCP_COOKIE_IN] != before) == cookies
    assert len(app.calls) == 1 and len(app.calls[0]) <= MOST, app.calls
