"""The resolver against BIND: UDP, TCP with an early FIN, aliases, services, and what is not
there."""

import shutil
import socket
import subprocess
import time

import pytest
from interop.lab import BOARD, LINUX, Board, alone, shell
from uipy.host import Resolver

MANY = ["10.1.%d.%d" % (k // 10, k % 10) for k in range(60)]

CONF = """
options {
    directory "%(dir)s";
    pid-file none;
    session-keyfile none;
    listen-on { %(ip)s; };
    listen-on-v6 { none; };
    recursion no;
    dnssec-validation no;
};
controls { };
zone "example.org" { type primary; file "example.org.zone"; };
zone "77.168.192.in-addr.arpa" { type primary; file "reverse.zone"; };
"""
SOA = "$TTL 600\n@ IN SOA ns.example.org. root.example.org. 1 3600 600 86400 120\n"
SOA += "@ IN NS ns.example.org.\n"
ZONE = """
ns A 192.168.77.1
www A 192.0.2.1
www A 192.0.2.2
www AAAA 2001:db8::1
a CNAME b
b CNAME c.example.org.
c 90 CNAME www
far CNAME nowhere
_http._tcp SRV 10 20 8080 www
text TXT "path=/" "a long one"
short A 192.0.2.3
loop CNAME pool
pool CNAME loop
"""


class Names:
    """BIND in this namespace, and a board that asks it."""

    def __init__(self, place, servers=(LINUX,), **options):
        named = shutil.which("named")
        if not named:
            pytest.skip("needs named, of the package bind9")
        self.board = Board(tcp=4, time_wait=8, **options)
        zone = SOA + ZONE + "".join("many A %s\n" % ip for ip in MANY)
        (place / "example.org.zone").write_text(zone)
        (place / "reverse.zone").write_text(SOA + "2 PTR board.example.org.\n")
        (place / "named.conf").write_text(CONF % {"dir": place, "ip": LINUX})
        self.log = place / "log"
        self.process = subprocess.Popen(
            [named, "-g", "-n", "1", "-c", str(place / "named.conf")],
            stdout=subprocess.DEVNULL,
            stderr=self.log.open("w"),
        )
        self._until_it_serves()
        self.lines = []
        self.resolver = Resolver(
            self.board.stack, list(servers), "example.org", say=self.lines.append, room=1000
        )

    def _until_it_serves(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection((LINUX, 53), 1).close()
            except OSError:
                time.sleep(0.05)
                continue
            if "running" in self.log.read_text():
                return
        raise AssertionError(self.log.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(30)

    def ask(self, name, kind="A"):
        """(error, records, time to live, from the cache)"""
        told = []
        self.resolver.resolve(
            name,
            kind,
            lambda a: told.append((a.error, a.records(), a.ttl, a.cached)),
        )
        self.board.run(lambda: told, seconds=30)
        return told[0]

    def count(self, name):
        return dict(self.resolver.counters())["dns_" + name]


@alone
def test_records_of_every_kind(tmp_path):
    with Names(tmp_path) as names:
        error, records, ttl, cached = names.ask("www.example.org")
        assert (error, sorted(records), ttl, cached) == (None, ["192.0.2.1", "192.0.2.2"], 600, 0)
        assert names.ask("WWW.Example.ORG")[3]
        assert names.ask("www.example.org", "AAAA")[1] == ["2001:db8::1"]
        service = [(10, 20, 8080, "www.example.org")]
        assert names.ask("_http._tcp.example.org", "SRV")[1] == service
        assert names.ask("text.example.org", "TXT")[1] == [[b"path=/", b"a long one"]]
        assert names.ask(BOARD, "PTR")[1] == ["board.example.org"]
        assert names.ask("short")[1] == ["192.0.2.3"]
        assert names.count("asked") == names.count("answered") == 6
        assert names.count("case") == names.count("stray") == names.count("bad") == 0


@alone
def test_aliases(tmp_path):
    with Names(tmp_path) as names:
        error, records, ttl, _ = names.ask("a.example.org")
        assert (error, sorted(records), ttl) == (None, ["192.0.2.1", "192.0.2.2"], 90)
        assert names.ask("a.example.org", "CNAME")[1] == ["b.example.org"]
        assert names.ask("loop.example.org")[0] == "server failure"  # BIND sees the ring
        assert names.ask("far.example.org")[0] == "not found"


@alone
def test_what_is_not_there_is_known_for_a_while(tmp_path):
    with Names(tmp_path) as names:
        assert names.ask("nobody.example.org") == ("not found", [], 120, False)
        assert names.ask("nobody.example.org")[::3] == ("not found", True)
        assert names.ask("text.example.org") == ("no such data", [], 120, False)
        assert names.ask("www.example.com")[0] == "refused"  # no zone of its own
        assert names.lines[0] == "dns: nobody.example.org: not found"


@alone
def test_a_truncated_answer_comes_by_tcp_with_an_early_fin(tmp_path):
    with Names(tmp_path) as names:
        board = names.board
        error, records, ttl, _ = names.ask("many.example.org")
        assert (error, sorted(records), ttl) == (None, sorted(MANY), 600)
        assert names.count("asked") == names.count("tcp") == 1
        board.run(board.stack.tcp.wait.used, seconds=30)
        out = [seg for way, seg in board.segments("out")]
        assert [s.flags for s in out[:2]] == ["S", "FPA"]
        assert b"\7" in out[1].data and not any(s.data for s in out[2:])
        came = [seg for way, seg in board.segments("in")]
        assert [s.flags[:1] for s in came if "F" in s.flags] == ["F"]
        assert not any("R" in s.flags for s in out + came)
        # TIME-WAIT is ours, and the server has nothing left
        assert board.stack.tcp.wait.used() == 1
        assert shell("ss -Htan state time-wait sport = 53") == ""
        assert shell("ss -Htan state established sport = 53") == ""


@alone
def test_fifty_answers_by_tcp_leave_nothing_on_the_server(tmp_path):
    with Names(tmp_path) as names:
        for _ in range(50):
            names.resolver.flush()
            assert len(names.ask("many.example.org")[1]) == len(MANY)
        assert names.count("tcp") == 50
        assert shell("ss -Htan state time-wait sport = 53") == ""


@alone
def test_a_server_that_is_not_there_is_passed_over(tmp_path):
    with Names(tmp_path, servers=["192.168.77.9", LINUX]) as names:
        assert sorted(names.ask("www.example.org")[1]) == ["192.0.2.1", "192.0.2.2"]
        asked = names.count("asked")
        assert names.ask("short.example.org")[1] == ["192.0.2.3"]
        assert names.count("asked") == asked + 1


@alone
def test_a_server_that_has_ended_is_said(tmp_path):
    with Names(tmp_path) as names:
        names.process.terminate()
        names.process.wait(30)
        error = names.ask("www.example.org")[0]
        assert error == "refused"  # ICMP says so at once
        assert names.lines == ["dns: www.example.org: refused (asked: %s)" % LINUX]
