"""getaddrinfo: what needs nobody, what name servers say, and what it raises."""

import pytest
from uipy.sock.names import getaddrinfo


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (b"192.0.2.1", "192.0.2.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("", "0.0.0.0"),
        (None, "0.0.0.0"),
        ("localhost", "127.0.0.1"),
    ],
)
def test_an_address_wants_no_network(host, address):
    assert getaddrinfo(host, 80) == [(2, 1, 0, "", (address, 80))]
    assert getaddrinfo(host, "80") == [(2, 1, 0, "", (address, 80))]


def test_a_name_without_a_network_says_what_to_do():
    with pytest.raises(OSError, match=r"network\.LAN") as caught:
        getaddrinfo("www.example.org", 80)
    assert caught.value.errno == 19
