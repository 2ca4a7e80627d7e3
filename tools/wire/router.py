"""What a home's router has besides the way out: it leases one address (DHCP), and tells the time
(NTP).

`Leases` works on frames, not on a stack: who has no address yet sends from 0.0.0.0, which our
stack takes from nobody (RFC 1122 3.2.1.3). It gives one board one address, over and over.
"""

import time

import dpkt
from dpkt import dhcp
from uipy import UdpApp
from uipy.net.iface import ip_of

SECONDS = 3600  # of a lease
_SERVER, _CLIENT = 67, 68
_NTP_EPOCH = 2208988800  # seconds from 1900 to 1970


class Leases:
    """A DHCP server (RFC 2131) for one client: `address` and `server` are texts, the second is
    router, DNS and NTP server too."""

    def __init__(self, mac, address, server, bits=24, domain="home.arpa"):
        self.mac = mac
        self.address = ip_of(address)
        self.server = ip_of(server)
        mask = (0xFFFFFFFF << (32 - bits)) & 0xFFFFFFFF
        self._told = (
            (dhcp.DHCP_OPT_SERVER_ID, self.server),
            (dhcp.DHCP_OPT_LEASE_SEC, SECONDS.to_bytes(4, "big")),
            (dhcp.DHCP_OPT_NETMASK, mask.to_bytes(4, "big")),
            (dhcp.DHCP_OPT_ROUTER, self.server),
            (dhcp.DHCP_OPT_NISTIMESERV, self.server),  # 42 is that of NTP (RFC 2132 8.3)
            (dhcp.DHCP_OPT_DOMAIN, domain.encode()),
        )

    def answer(self, frame):
        """The frame that answers a DISCOVER or a REQUEST; None for any other frame."""
        try:
            eth = dpkt.ethernet.Ethernet(frame)
            if eth.type != dpkt.ethernet.ETH_TYPE_IP or eth.data.data.dport != _SERVER:
                return None
            asked = dhcp.DHCP(eth.data.data.data)
        except (dpkt.UnpackError, AttributeError, IndexError, ValueError):
            return None
        options = dict(asked.opts)
        kind = options.get(dhcp.DHCP_OPT_MSGTYPE, b"\0")[0]
        if asked.op != dhcp.DHCP_OP_REQUEST or kind not in (dhcp.DHCPDISCOVER, dhcp.DHCPREQUEST):
            return None
        reply = dhcp.DHCPOFFER
        if kind == dhcp.DHCPREQUEST:
            if options.get(dhcp.DHCP_OPT_SERVER_ID, self.server) != self.server:
                return None  # it has taken another server's offer
            wanted = options.get(dhcp.DHCP_OPT_REQ_IP) or asked.ciaddr.to_bytes(4, "big")
            reply = dhcp.DHCPACK if wanted == self.address else dhcp.DHCPNAK
        return self._frame(self._message(asked, options, reply))

    def _message(self, asked, options, reply):
        message = dhcp.DHCP(
            op=dhcp.DHCP_OP_REPLY,
            xid=asked.xid,
            flags=asked.flags,
            chaddr=asked.chaddr,
            ciaddr=asked.ciaddr,
        )
        told = self._told
        if reply == dhcp.DHCPNAK:
            told = told[:1]
        else:
            message.yiaddr = int.from_bytes(self.address, "big")
        mine = dhcp.DHCP_OPT_CLIENT_ID  # RFC 6842: it comes back
        same = ((mine, options[mine]),) if mine in options else ()
        message.opts = ((dhcp.DHCP_OPT_MSGTYPE, bytes((reply,))), *told, *same)
        return bytes(message)

    def _frame(self, message):
        udp = dpkt.udp.UDP(sport=_SERVER, dport=_CLIENT, ulen=8 + len(message), data=message)
        ip = dpkt.ip.IP(src=self.server, dst=b"\xff" * 4, p=17, ttl=64, data=udp)
        ip.len = len(ip)
        return bytes(dpkt.ethernet.Ethernet(src=self.mac, dst=b"\xff" * 6, data=ip))


class Clock(UdpApp):
    """An NTP server (RFC 5905) with this machine's clock: `stack.bind(123, Clock())`."""

    def received(self, port, buf, start, n):
        if n < 48 or buf[start] & 7 != 3:  # a client asks
            return None
        sent = bytes(buf[start + 40 : start + 48])
        now = _stamp()
        answer = b"\x24\x02\x06\xec" + bytes(4) + b"\0\0\0\x10" + b"\x7f\0\0\1"
        answer += now + sent + now + _stamp()
        buf[start : start + 48] = answer
        return 48


def _stamp():
    """Now, as 64 bits of NTP."""
    seconds, rest = divmod(time.time_ns(), 10**9)
    return ((seconds + _NTP_EPOCH) % 2**32).to_bytes(4, "big") + (rest * 2**32 // 10**9).to_bytes(
        4, "big"
    )
