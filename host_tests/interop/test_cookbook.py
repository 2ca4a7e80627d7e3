"""The programs of the cookbook (docs/cookbook) as a reader runs them: as the program of a board,
with our driver and a model of the ENC28J60 below, against clients and servers of this machine.

Those that only set something up share one board, and run on it one after the other.
"""

import json
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from interop import libs
from interop.lab import alone, shell
from interop.test_time_log import chronyd, listening

ROOT = Path(__file__).resolve().parents[2]
COOKBOOK = ROOT / "firmware" / "examples" / "cookbook"
BOARD, LINUX = "192.168.7.2", "192.168.7.1"  # as in `make run`
OPTIONS = ("--ip", BOARD + "/24", "--gateway", LINUX, "--dns", LINUX)

# Says what the program does with its LED.
LED = """
import machine
class Pin(machine.Pin):
    def __call__(self, level=None):
        if level is not None and self._n == machine.Pin("LED")._n:
            print("LED", int(level))
        return super().__call__(level)
machine.Pin = Pin
"""
# A board that does what it is told on its console: a line of Python at a time.
CONSOLE = """
import os, select, sys
def run(name):
    with open(name) as f:
        exec(compile(f.read(), name, "exec"), {"__name__": "__main__"})
    print("ran", name)
os.chdir(sys.argv[1])
keys = select.poll()
keys.register(sys.stdin, select.POLLIN)
print("ready")
while True:
    keys.poll(-1)
    exec(sys.stdin.readline())
"""


class Board(libs.Board):
    """A board at 192.168.7.2; `tell` types a line."""

    def __init__(self, folder, text, *args, **more):
        shell("ip link set lo up")
        shell("ip tuntap add dev tap0 mode tap")
        shell("ip addr add %s/24 brd + dev tap0" % LINUX)
        shell("ip addr add %s/24 dev tap0" % libs.LINUX)  # where libs.py talks to its servers
        shell("ip link set tap0 up")
        super().__init__(folder, LED + text, *args, options=OPTIONS, **more)

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def run(self, name):
        """One program of the cookbook, to its end."""
        self.tell("run(%r)" % name)
        self.expect("ran " + name)


def get(port, path, **more):
    """Status and text of a page."""
    asked = urllib.request.Request("http://%s:%d%s" % (BOARD, port, path), **more)
    try:
        with urllib.request.urlopen(asked, timeout=libs.SOON) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read().decode()


def connected(port):
    return socket.create_connection((BOARD, port), timeout=libs.SOON)


def a_form_switches_the_led(board):
    board.run("led_form.py")
    assert "The LED is off" in get(8083, "/")[1]
    assert "The LED is on" in get(8083, "/led", data=b"to=on")[1]  # by way of the 303
    board.expect("LED 1")
    assert "The LED is off" in get(8083, "/led", data=b"to=off")[1]
    board.expect("LED 0")


def the_sensors_page_is_a_file_and_the_chart_moves(board):
    board.tell("import machine; machine.ADC.raw[4] = 14021")
    board.run("sensor.py")
    assert get(8081, "/")[1] == (COOKBOOK / "chart.html").read_text()
    with connected(8081) as s, s.makefile("rb") as events:
        s.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
        libs.until(lambda: events.readline() == b"data: 269\n", "27 degrees")
        board.tell("machine.ADC.raw[4] = 13000")  # warmer: the voltage falls
        libs.until(lambda: events.readline() == b"data: 568\n", "57 degrees")
    values = json.loads(get(8081, "/values")[1])
    assert len(values) == 120 and 269 in values and values[-1] == 568


def pins_are_resources(board):
    board.run("rest.py")
    said = get(8082, "/pins")
    assert said[0] == 200
    assert [pin["pin"] for pin in json.loads(said[1])] == [2, 3, 6]
    put = {"method": "PUT", "data": b'{"value": 1}'}
    assert json.loads(get(8082, "/pins/3", **put)[1]) == {"pin": 3, "value": 1}
    assert json.loads(get(8082, "/pins/3")[1]) == {"pin": 3, "value": 1}
    assert json.loads(get(8082, "/pins/2")[1]) == {"pin": 2, "value": 0}
    assert get(8082, "/pins/9")[0] == 404
    for wrong in (b"on", b'{"value": 2}', b"{}", b"[1]"):
        status, text = get(8082, "/pins/3", method="PUT", data=wrong)
        assert status == 400 and "wanted" in json.loads(text)["error"]
    assert get(8082, "/pins/3", method="DELETE")[0] == 405


def commands_are_lines(board):
    board.run("commands.py")
    with connected(2323) as s, s.makefile("rw", newline="\r\n") as lines:
        assert lines.readline() == "led on, led off, adc, free, bye\r\n"
        for said, heard in (
            ("led on", "the LED is on\r\n"),
            ("adc", "13000\r\n"),
            ("led up", "led on, led off, adc, free, bye\r\n"),
        ):
            lines.write(said + "\r\n")
            lines.flush()
            assert lines.readline() == heard
        lines.write("free\nbye\n")
        lines.flush()
        assert re.fullmatch(r"\d+ octets of heap\r\n", lines.readline())
        assert lines.readline() == ""


def what_goes_into_the_bridge_comes_back_from_the_line(board):
    data = bytes(k * k % 251 for k in range(20_000))  # ten times what the ring has room for
    board.run("bridge.py")
    with connected(2217) as s:
        sender = threading.Thread(target=s.sendall, args=(data,), daemon=True)
        sender.start()
        time.sleep(0.5)  # nobody reads: the line must stop
        got = b""
        while len(got) < len(data):
            got += s.recv(4096)
        sender.join()
        s.shutdown(socket.SHUT_WR)
        assert s.recv(1) == b""
    assert got == data


def boards_find_each_other(board):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", 5005))
        s.settimeout(libs.SOON)
        board.tell("run('discovery.py')")
        question, who = s.recvfrom(100)
        assert question == b"who is there?" and who[0] == BOARD
        s.sendto(b"cellar", who)
        board.expect("%s is cellar" % LINUX)
        board.expect("ran discovery.py")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.sendto(b"who else?", ("192.168.7.255", 5005))
        s.sendto(b"who is there?", ("192.168.7.255", 5005))
        heard = [s.recvfrom(100)]
        while heard[-1][1][0] != BOARD:  # our own question
            heard.append(s.recvfrom(100))
        assert heard[-1] == (b"uipy", (BOARD, 5005))


def the_question_carries_the_fin_and_time_wait_is_the_boards(board):
    with socket.create_server((LINUX, 43)) as server:
        server.settimeout(libs.SOON)
        board.tell("run('question.py')")
        s, _ = server.accept()
        with s, s.makefile("rb") as file:
            s.settimeout(libs.SOON)
            assert file.read() == b"uipy.example\r\n"  # up to its FIN
            s.sendall(b"a stack\r\n" * 100)
        board.expect("ran question.py")
    assert board.said.count("a stack") == 100
    with open("/proc/net/tcp") as f:
        assert not [line for line in f if ":002B " in line.split()[1] and line.split()[3] == "06"]


def the_clock_is_set(board):
    with chronyd(board.folder, "local stratum 5"):
        libs.until(lambda: listening(123), "chronyd listens")
        board.run("clock.py")
    line = board.expect("it is ")
    told = time.strptime(line, "it is %Y-%m-%d %H:%M:%S UTC")
    assert abs(time.mktime(told) - time.mktime(time.gmtime())) < 60

    def rtc():
        board.tell("print('rtc', machine.RTC().datetime()[:4])")
        return "rtc (%d, %d, %d, %d)" % (*told[:3], told[6] + 1) in board.said

    libs.until(rtc, "the RTC is set")  # when a second begins


def what_you_write_instead_runs(board):
    """Each line on the right of docs/coming-from.md, in the order of the page."""
    page = (ROOT / "docs" / "coming-from.md").read_text()
    (begin,) = re.findall(r"```python\n(.*?)```", page, re.S)
    cells = re.findall(r"^\| .* \| (.*) \|$", page, re.M)
    lines = [code for cell in cells for code in re.findall(r"`([^`]+)`", cell)]
    # What is no statement is the name of something.
    lines = [code for code in lines if re.search(r"[(=]", code) and code != "tcp = 8"]
    assert len(lines) > 25
    with socket.create_server((LINUX, 4001)) as server:
        board.tell("exec(%r)" % begin)
        for k, code in enumerate(lines):
            if "stack." in code:  # the page says so
                code = "with loop:\n  " + code
            board.tell("exec(%r); print('line', %d)" % (code, k))
            board.expect("line %d" % k)
        server.settimeout(libs.SOON)
        server.accept()
    connected(4000).close()
    assert get(8090, "/") == (200, "<h1>hello</h1>")


SHARED = (
    a_form_switches_the_led,
    the_sensors_page_is_a_file_and_the_chart_moves,
    pins_are_resources,
    commands_are_lines,
    what_goes_into_the_bridge_comes_back_from_the_line,
    boards_find_each_other,
    the_question_carries_the_fin_and_time_wait_is_the_boards,
    the_clock_is_set,
    what_you_write_instead_runs,
)


@alone
def test_the_programs_that_share_a_board_do_what_their_pages_say(tmp_path):
    libs.found("chronyd")
    with Board(tmp_path, CONSOLE, COOKBOOK) as board:
        board.expect("ready")
        for claim in SHARED:
            claim(board)


def recipe(name):
    return (COOKBOOK / name).read_text()


@libs.needs_checkout
@alone
def test_mqtt_tells_and_is_told_and_goes_on_with_a_broker_that_was_away(tmp_path):
    libs.found("mosquitto", "mosquitto_sub")
    (lib,) = libs.checkout("micropython/umqtt.simple//umqtt/simple.py")
    with Board(tmp_path, recipe("mqtt.py"), path=[lib]) as board:
        with libs.mosquitto(tmp_path):
            board.expect("connected")
            with libs.Subscriber(tmp_path) as sub:
                sub.expect("kitchen/here 1")
                libs.publish("kitchen/led", "on")
                sub.expect("kitchen/led/state on")
                board.expect("LED 1")
        board.expect("no broker")
        with libs.mosquitto(tmp_path), libs.Subscriber(tmp_path, "kitchen/adc") as sub:
            libs.until(lambda: any("kitchen/adc 1" in line for line in sub.said), "a value")
        assert [line for line in board.said if "connected to" in line][1:]


@libs.needs_checkout
@alone
def test_modbus_is_read_and_written_by_pymodbus(tmp_path):
    (lib,) = libs.checkout("//umodbus/tcp.py")
    ModbusTcpClient = pytest.importorskip("pymodbus.client").ModbusTcpClient
    with Board(tmp_path, recipe("modbus.py"), path=[lib]) as board:
        board.expect("Modbus on port 502")
        with ModbusTcpClient(BOARD, timeout=libs.SOON) as client:
            assert client.read_coils(0).bits[0] is False
            client.write_coil(0, True)
            board.expect("LED 1")
            assert client.read_coils(0).bits[0] is True
            assert 13900 < client.read_input_registers(0).registers[0] < 14022
            assert client.read_holding_registers(10, count=2).registers == [100, 900]
            client.write_register(10, 150)
            assert client.read_holding_registers(10).registers[0] == 150
            assert client.read_input_registers(7).isError()
