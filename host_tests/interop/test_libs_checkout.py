"""Libraries of micropython-lib and programs of MicroPython's own examples, as they are:
`make libs-test LIBS=folder:folder` with checkouts of the two."""

import re
import textwrap
import time

import pytest
from interop import libs
from interop.lab import LINUX, alone
from interop.test_libs import REQUESTS, SAID, backend, curl, of
from interop.test_time_log import chronyd, listening

pytestmark = libs.needs_checkout
SIMPLE = "micropython/umqtt.simple//umqtt/simple.py"
ROBUST = "micropython/umqtt.robust//umqtt/robust.py"
EXAMPLES = "examples/network//"


def umqtt(folder):
    """umqtt with both of its parts, as mip puts them into one folder."""
    simple, robust = libs.checkout(SIMPLE, ROBUST)
    (folder / "lib" / "umqtt").mkdir(parents=True)
    for where in (simple / "umqtt" / "simple.py", robust / "umqtt" / "robust.py"):
        (folder / "lib" / "umqtt" / where.name).write_bytes(where.read_bytes())
    return folder / "lib"


MQTT = """
import sys, time
from umqtt.simple import MQTTClient
got = 0
def heard(topic, msg):
    global got
    got += 1
    print("heard", topic, msg if len(msg) < 50 else len(msg))
c = MQTTClient("board", sys.argv[1], keepalive=30)
c.set_last_will(b"will", b"gone", qos=1)
c.set_callback(heard)
print("session", c.connect())
c.subscribe(b"in/#", qos=1)
c.publish(b"up", b"hello")
c.publish(b"up", b"sure", qos=1)
c.publish(b"long", b"x" * 3000, qos=1)
c.publish(b"kept", b"21.5", retain=True, qos=1)
c.ping()
print("ready")
while got < 2:
    c.wait_msg()
while got < 4:
    c.check_msg()
    time.sleep_ms(20)
t = time.ticks_ms()
for i in range(50):
    c.publish(b"many", b"%d" % i)
print("50 in", time.ticks_diff(time.ticks_ms(), t))
c.publish(b"many", b"end", qos=1)
"""


@alone
def test_umqtt_simple_publishes_subscribes_and_leaves_a_will(tmp_path):
    libs.found("mosquitto", "mosquitto_sub")
    lib = umqtt(tmp_path)
    libs.network()
    tail = "c.sock.close()\nprint('dead')\n"
    with libs.mosquitto(tmp_path), libs.Subscriber(tmp_path) as sub:
        with libs.Board(tmp_path, MQTT + tail, LINUX, path=[lib]) as board:
            board.expect("ready")
            for line in ("up hello", "up sure", "long " + "x" * 3000, "kept 21.5"):
                sub.expect(line)
            for i in range(3):
                libs.publish("in/%d" % i, "y" * 10 * i, "-q", str(min(i, 1)))
            libs.publish("in/last", "z" * 2000, "-q", "1")
            said = board.end()
        sub.expect("many end")
        sub.expect("will gone")
        assert [line for line in sub.said if line[:4] == "many"][:50] == [
            "many %d" % i for i in range(50)
        ]
    assert said[0] == "session 0" and said[-1] == "dead"
    heard = [line for line in said if line.startswith("heard")]
    small = ["heard b'in/%d' b'%s'" % (i, "y" * 10 * i) for i in range(3)]
    assert heard == [*small, "heard b'in/last' 2000"]


ROBUSTLY = """
import sys, time
from umqtt.robust import MQTTClient
class Client(MQTTClient):
    DELAY = 1
    def log(self, again, e):
        print("again" if again else "lost", e)
    def connect(self, clean=True):
        r = super().connect(clean)
        super().subscribe(b"in", qos=1)
        print("connected")
        return r
c = Client("board", sys.argv[1], keepalive=10)
def heard(topic, msg):
    global last
    last = msg
    print("heard", msg)
last = None
c.set_callback(heard)
c.connect()
n = 0
while last != b"stop":
    c.check_msg()
    c.publish(b"up", b"%d" % n)
    n += 1
    time.sleep_ms(100)
c.disconnect()
"""


@alone
def test_umqtt_robust_goes_on_when_the_broker_is_started_again(tmp_path):
    libs.found("mosquitto", "mosquitto_sub")
    lib = umqtt(tmp_path)
    libs.network()
    with libs.Board(tmp_path, ROBUSTLY, LINUX, path=[lib]) as board:
        with libs.mosquitto(tmp_path):
            if board.process.poll() is not None:
                pytest.fail("it must wait for a broker: %s" % board.said)
            board.expect("connected")
            libs.publish("in", "one", "-q", "1")
            board.expect("heard b'one'")
        board.expect("again")
        with libs.mosquitto(tmp_path):
            libs.until(lambda: board.said.count("connected") == 2, "it connects again")
            with libs.Subscriber(tmp_path, "up") as sub:
                libs.until(lambda: len(sub.said) > 9, "it publishes again")
            libs.publish("in", "stop", "-q", "1")
            board.end()


NTP = """
import sys, time, ntptime
ntptime.host = sys.argv[1]
ntptime.timeout = 5
print("now", ntptime.time())
ntptime.host = sys.argv[2]
ntptime.timeout = 1
try:
    ntptime.time()
except OSError as exc:
    print("none", exc.errno)
"""


@alone
def test_ntptime_has_the_time_of_chronyd(tmp_path):
    libs.found("chronyd")
    (lib,) = libs.checkout("micropython/net/ntptime//ntptime.py")
    libs.network()
    with chronyd(tmp_path, "local stratum 5"):
        libs.until(lambda: listening(123), "chronyd listens")
        with libs.Board(tmp_path, NTP, LINUX, "192.168.77.99", path=[lib]) as board:
            now = int(board.expect("now").split()[1])
            assert abs(now - time.time()) < 60
            assert board.end()[-1] == "none 110"


AIOHTTP = """
import sys, asyncio, aiohttp
site = sys.argv[1]
async def main():
    async with aiohttp.ClientSession(site) as session:
        async with session.get("/hello.txt") as r:
            print(r.status, (await r.text()).strip())
        async with session.get("/json") as r:
            print((await r.json())["b"])
        async with session.get("/old") as r:
            print(r.status)
        async with session.post("/app/echo", json={"t": 21.5}) as r:
            print(r.status)
        async def big():
            async with aiohttp.ClientSession(site) as session:
                async with session.get("/big.bin") as r:
                    return len(await r.read())
        print(await asyncio.gather(*[big() for i in range(3)]))
asyncio.run(main())
"""


@pytest.mark.parametrize("scheme", ["http", "https"])
@alone
def test_aiohttp_is_a_client_of_nginx(tmp_path, scheme):
    libs.found("nginx")
    (lib,) = libs.checkout("python-ecosys/aiohttp//aiohttp/__init__.py")
    libs.network()
    program = libs.Board(tmp_path, AIOHTTP, scheme + "://" + LINUX, path=[lib])
    with libs.nginx(tmp_path, tls=scheme == "https"), backend(), program as board:
        said = board.end()
    assert said == ["200 hello, board", "x", "200", "200", "[102400, 102400, 102400]"]


URLOPEN = """
import sys
from urllib.urequest import urlopen
f = urlopen(sys.argv[1] + "/hello.txt")
print(f.read())
f.close()
"""


@pytest.mark.parametrize("scheme", ["http", "https"])
@alone
def test_urllib_urequest_opens_a_page(tmp_path, scheme):
    (lib,) = libs.checkout("micropython/urllib.urequest//urllib/urequest.py")
    libs.network()
    program = libs.Board(tmp_path, URLOPEN, scheme + "://" + LINUX, path=[lib])
    with libs.nginx(tmp_path, tls=scheme == "https"), program as board:
        assert board.end() == [r"b'hello, board\n'"]


@alone
def test_requests_of_the_checkout_does_as_the_frozen_one(tmp_path):
    (lib,) = libs.checkout("python-ecosys/requests//requests/__init__.py")
    libs.network()
    text = REQUESTS.replace("import sys, requests", "import sys\nsys.path.insert(0, sys.argv[2])")
    text = text.replace("site =", "import requests\nsite =", 1)
    program = libs.Board(tmp_path, text, "http://" + LINUX, lib, path=[lib])
    with libs.nginx(tmp_path), backend(), program as board:
        assert of(board.end()) == SAID


@pytest.mark.parametrize("name", ["http_server", "http_server_simplistic", "https_server"])
@alone
def test_the_servers_of_micropythons_examples_run_as_they_stand(tmp_path, name):
    libs.found("curl")
    (lib,) = libs.checkout(EXAMPLES + name + ".py")
    libs.network()
    scheme, port = ("https", 8443) if "https" in name else ("http", 8080)
    with libs.Board(tmp_path, (lib / (name + ".py")).read_text()) as board:
        board.expect("connect your browser")
        for i in range(12):
            # Its certificate is its own, and its key shorter than curl wants to see.
            page = curl(":%d/" % port, "-k", "--ciphers", "DEFAULT@SECLEVEL=0", scheme=scheme)
            assert "#%d" % i in page, page


_DNSMASQ = "--keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root"


def dnsmasq(folder, name):
    """Every board's DNS server here, which knows one name."""
    pid = "--pid-file=%s/dnsmasq.pid" % folder
    command = [libs.program("dnsmasq"), *_DNSMASQ.split(), pid, "--address=/%s/%s" % (name, LINUX)]
    return libs.running(*command, log=folder / "dnsmasq.log")


@pytest.mark.parametrize("name", ["http_client", "https_client", "https_client_nonblocking"])
@alone
def test_the_clients_of_micropythons_examples_run_as_they_stand(tmp_path, name):
    libs.found("dnsmasq", "nginx", "openssl")
    (lib,) = libs.checkout(EXAMPLES + name + ".py")
    libs.network()
    text = (lib / (name + ".py")).read_text()
    host = re.search(r'b"https?://([^/"]+)/', text)[1]
    with libs.nginx(tmp_path, tls=True), dnsmasq(tmp_path, host):
        (tmp_path / "www" / "ks").mkdir()
        for page in ("index.html", "ks/test.html"):
            (tmp_path / "www" / page).write_text("the page")
        libs.until(lambda: listening(53), "dnsmasq listens")
        with libs.Board(tmp_path, text) as board:
            assert "HTTP/1.1 200 OK" in "\n".join(board.end())


def blocks(rst):
    """The programs of a page of MicroPython's documentation that are to be copied."""
    found = re.findall(r"::\n\n((?:    .*\n|\n)+)", rst)
    return [textwrap.dedent(block) for block in found if ">>>" not in block]


@alone
def test_the_programs_of_micropythons_tutorial_run_as_they_stand(tmp_path):
    libs.found("dnsmasq", "nginx", "curl")
    (lib,) = libs.checkout("docs/esp8266/tutorial//network_tcp.rst")
    libs.network()
    get, server = blocks((lib / "network_tcp.rst").read_text())
    get += "http_get('http://micropython.org/ks/test.html')\n"
    with libs.nginx(tmp_path), dnsmasq(tmp_path, "micropython.org"):
        (tmp_path / "www" / "ks").mkdir()
        (tmp_path / "www" / "ks" / "test.html").write_text("the page\n" * 1000)
        libs.until(lambda: listening(53), "dnsmasq listens")
        with libs.Board(tmp_path, get) as board:
            assert board.end().count("the page") == 1000
    with libs.Board(tmp_path, libs.MACHINE + server) as board:
        board.expect("listening on")
        for _ in range(12):
            assert curl("/").count("<tr><td>") == 8
