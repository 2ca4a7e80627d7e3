"""What the simulated board's network leases and tells (tools/wire/router.py), judged by decoders
that are not its own: tshark for DHCP, and the arithmetic of RFC 5905 for the time."""

import subprocess
import time

import dpkt
import pytest
from dpkt import dhcp
from wire.recorder import Recorder
from wire.router import Clock, Leases

MAC = b"\x02\0\0\0\0\x07"
US = b"\x02\0\0gat"


@pytest.fixture
def leases():
    return Leases(US, "192.168.7.2", "192.168.7.1", 24)


def message(kind, *options, **header):
    opts = ((dhcp.DHCP_OPT_MSGTYPE, bytes((kind,))), *options)
    m = bytes(dhcp.DHCP(xid=77, chaddr=MAC + bytes(10), opts=opts, **header))
    udp = dpkt.udp.UDP(sport=68, dport=67, ulen=8 + len(m), data=m)
    ip = dpkt.ip.IP(src=bytes(4), dst=b"\xff" * 4, p=17, ttl=64, data=udp)
    ip.len = len(ip)
    return bytes(dpkt.ethernet.Ethernet(src=MAC, dst=b"\xff" * 6, data=ip))


def kind(frame):
    reply = dhcp.DHCP(dpkt.ethernet.Ethernet(frame).data.data.data)
    return dict(reply.opts)[dhcp.DHCP_OPT_MSGTYPE][0]


def test_an_offer_as_another_decoder_reads_it(leases, tmp_path):
    recorder = Recorder(str(tmp_path / "x.pcap"))
    recorder.add(leases.answer(message(dhcp.DHCPDISCOVER)))
    recorder.close()
    said = subprocess.run(
        ["tshark", "-r", tmp_path / "x.pcap", "-V"], capture_output=True, text=True, check=True
    ).stdout
    for line in (
        "Your (client) IP address: 192.168.7.2",
        "DHCP: Offer (2)",
        "Subnet Mask: 255.255.255.0",
        "IP Address Lease Time: (3600s) 1 hour",
        "Router: 192.168.7.1",
        "Network Time Protocol Server: 192.168.7.1",
        "Domain Name: home.arpa",
    ):
        assert line in said, line
    assert "Bad" not in said and "Malformed" not in said


def test_what_it_leases_may_be_asked_for_and_nothing_else(leases):
    wanted = (dhcp.DHCP_OPT_REQ_IP, leases.address)
    other = (dhcp.DHCP_OPT_REQ_IP, b"\x0a\0\0\x07")
    assert kind(leases.answer(message(dhcp.DHCPREQUEST, wanted))) == dhcp.DHCPACK
    assert kind(leases.answer(message(dhcp.DHCPREQUEST, other))) == dhcp.DHCPNAK
    assert kind(leases.answer(message(dhcp.DHCPREQUEST, ciaddr=0xC0A80702))) == dhcp.DHCPACK
    elsewhere = (dhcp.DHCP_OPT_SERVER_ID, b"\x0a\0\0\x01")
    assert leases.answer(message(dhcp.DHCPREQUEST, wanted, elsewhere)) is None


@pytest.mark.parametrize("frame", [b"", bytes(60), message(dhcp.DHCPRELEASE), b"\xff" * 400])
def test_what_asks_for_no_address_goes_on_to_the_stack(leases, frame):
    assert leases.answer(frame) is None


def test_the_time_is_this_machines():
    buf = bytearray(b"\x23" + bytes(39) + b"\1\2\3\4\5\6\7\x08")
    assert Clock().received(None, buf, 0, 48) == 48
    assert buf[0] & 7 == 4 and buf[24:32] == b"\1\2\3\4\5\6\7\x08"
    seconds = int.from_bytes(buf[40:44], "big") - 2208988800
    assert abs(seconds + int.from_bytes(buf[44:48], "big") / 2**32 - time.time()) < 60
    assert Clock().received(None, bytearray(b"\x24" + bytes(47)), 0, 48) is None
    assert Clock().received(None, bytearray(47), 0, 47) is None
