"""Server-Sent Events: what clients hear, who is slow, and who comes back."""

import random

import pytest
from apps.test_http import get
from lab.listeners import Web, told
from uipy.apps.site import View
from uipy.web.events import Events
from uipy.writer import Writer


class Client:
    """Holds the page; `hear` returns what came since."""

    def __init__(self, web, *fields):
        self.conn = web.client()
        self.conn.feed(get(b"/events", b"Accept: text/event-stream", *fields))
        self.data = self.conn.pump().take_sent()
        self.head, _, self.data = self.data.partition(b"\r\n\r\n")

    def hear(self):
        self.data += self.conn.pump().take_sent()
        found, rest = told(self.data)
        self.data = rest.encode()
        return found

    def freeze(self):
        """From now on nothing arrives that the board sends; what it sends is on its way."""
        self.conn.frozen = True
        self.conn.unacked = 5


def board(**more):
    events = Events(**more)
    return events, Web("/events", events)


def test_the_head_says_what_it_is_and_when_to_come_back():
    events, web = board(retry_ms=1500)
    client = Client(web)
    head = client.head.lower()
    assert head.startswith(b"http/1.1 200 ") and b"content-type: text/event-stream" in head
    assert b"cache-control: no-store" in head and b"content-length" not in head
    assert b"connection: close" in head
    assert client.data == b"retry: 1500\n\n" and client.hear() == []
    assert events.held == 1


def test_every_client_hears_what_is_said_from_then_on():
    events, web = board()
    first = Client(web)
    events.send("one")
    second = Client(web)
    events.send("two", event="door", id=17)
    assert first.hear() == [("message", "one", ""), ("door", "two", "17")]
    assert second.hear() == [("door", "two", "17")]
    events.send(b"three")
    assert first.hear() == second.hear() == [("message", "three", "")]
    assert dict(events.counters())["events_sent"] == 3


@pytest.mark.parametrize(
    "data", ["", "a", "a\nb", "a\n", "\n", "\n\n", "a\n\nb", " a", ": x", "event: y", "é\n€"]
)
def test_data_of_any_lines_arrives_as_it_is(data):
    events, web = board()
    client = Client(web)
    events.send(data)
    assert client.hear() == [("message", data, "")]


@pytest.mark.parametrize("data", ["a\rb", "a\r\nb", "\r", "a\r", "\r\n\r\nevent: x"])
def test_other_line_ends_are_line_feeds_to_the_client(data):
    events, web = board()
    client = Client(web)
    events.send(data)
    assert client.hear() == [("message", data.replace("\r\n", "\n").replace("\r", "\n"), "")]


def test_names_and_ids_cannot_make_lines_of_their_own():
    events, _ = board(size=64)
    for bad in ("a\nb", "a\r", b"\0"):
        with pytest.raises(ValueError, match="one line"):
            events.send("x", event=bad)
        with pytest.raises(ValueError, match="one line"):
            events.send("x", id=bad)
    with pytest.raises(ValueError, match=r"raise Events\(size"):
        events.send("x" * 60)
    events.send("x" * 56)
    assert events.left == 64


def test_it_goes_round_the_ring_many_times_in_pieces_of_any_size():
    events, web = board(size=200)
    clients = [Client(web) for _ in range(3)]
    dice = random.Random(1)
    for i in range(500):
        said = ("x" * dice.randrange(90)) + "\n" * dice.randrange(3) + str(i)
        events.send(said, id=i)
        for client in clients:
            client.data += client.conn.pump(dice.randrange(1, 50)).take_sent()
        for client in clients:
            assert client.hear() == [("message", said, str(i))]
    assert dict(events.counters())["events_lost"] == 0


# Who is slow


def test_a_client_to_which_nothing_is_on_its_way_loses_the_oldest_and_goes_on():
    events, web = board(size=100)
    quick, slow = Client(web), Client(web)
    slow.conn.frozen = True  # its window is closed: nothing goes
    for i in range(10):
        events.send("x" * 20 + str(i))
        assert quick.hear() == [("message", "x" * 20 + str(i), "")]
    slow.conn.frozen = False
    assert [d[-1] for _, d, _ in slow.hear()] == ["7", "8", "9"]
    counted = dict(events.counters())
    assert counted["events_lost"] == 7 and counted["events_reset"] == 0


def test_a_client_whose_event_is_on_its_way_is_reset_and_nobody_waits_for_it():
    events, web = board(size=100)
    quick, slow = Client(web), Client(web)
    slow.freeze()
    for i in range(3):
        events.send("x" * 20 + str(i))
        quick.hear()
    assert slow.conn.end == ""
    events.send("more")
    events.send("and more" * 3)
    assert slow.conn.end == "aborted" and len(quick.hear()) == 2
    assert dict(events.counters())["events_reset"] == 1 and events.held == 1
    Client(web)
    assert events.held == 2


def test_half_of_an_event_has_arrived_and_it_must_go():
    events, web = board(size=100)
    slow = Client(web)
    events.send("x" * 50)
    slow.conn.pump(10, 2)
    slow.conn.frozen = True
    events.send("y" * 50)
    assert slow.conn.end == "aborted", "the other half can never follow"


def test_memory_stays_what_it_was():
    events, web = board(size=128, clients=2)
    slow = Client(web)
    slow.conn.frozen = True
    for i in range(1000):
        events.send("news %d" % i)
    assert len(events.mem) == 128 and events.left <= 128


# Coming back


def test_who_says_what_he_heard_last_goes_on_behind_it():
    events, web = board()
    for i in range(5):
        events.send("n%d" % i, id=i)
    client = Client(web, b"Last-Event-ID: 2")
    assert client.hear() == [("message", "n3", "3"), ("message", "n4", "4")]
    assert Client(web, b"Last-Event-ID: 4").hear() == []


def test_of_one_id_twice_the_later_counts_and_another_that_begins_so_does_not():
    events, web = board()
    for id, data in (("a", "1"), ("ab", "2"), ("a", "3"), ("b", "id: c"), ("c", "5")):
        events.send(data, id=id)
    assert [d for _, d, _ in Client(web, b"Last-Event-ID: a").hear()] == ["id: c", "5"]
    assert [d for _, d, _ in Client(web, b"Last-Event-ID: b").hear()] == ["5"]


@pytest.mark.parametrize("last", [b"nothing", b"x" * 64, b"x" * 65, b"\xff", b"1 "])
def test_who_heard_what_the_ring_has_no_more_gets_all_there_is(last):
    events, web = board(size=100)
    for i in range(20):
        events.send("n%02d" % i, id="i%02d" % i)
    got = Client(web, b"Last-Event-ID: " + last).hear()
    assert [d for _, d, _ in got] == ["n15", "n16", "n17", "n18", "n19"]
    assert dict(events.counters())["events_lost"] == 1


# Places


def test_who_finds_all_places_taken_gets_503_and_a_place_becomes_free():
    events, web = board(clients=2)
    first = Client(web)
    Client(web)
    assert Client(web).head.startswith(b"HTTP/1.1 503 ")
    assert dict(events.counters())["events_refused"] == 1
    first.conn.reset()
    assert Client(web).head.startswith(b"HTTP/1.1 200 ") and events.held == 2


def test_a_client_that_has_closed_its_side_hears_on_and_is_asked_whether_it_is_there():
    events, web = board()
    client = Client(web)
    client.conn.half_close()
    assert client.conn.pump().take_sent() == b":\n\n" and not client.conn.finishing
    events.send("still")
    assert client.hear() == [("message", "still", "")]


def test_head_and_post_take_no_place():
    events, web = board(clients=1)
    answer = web.ask("/events", method=b"HEAD")
    assert answer.status == 200 and answer.fields["content-type"] == "text/event-stream"
    assert web.ask("/events", b"Content-Length: 0", method=b"POST").status == 405
    assert events.held == 0 and Client(web).hear() == []


def tick(events, client, seconds):
    for _ in range(seconds):
        if not client.conn.end:
            client.conn.app.poll(client.conn)


def test_silence_is_broken_by_a_comment_once_for_all():
    events, web = board()
    first, second = Client(web), Client(web)
    for _ in range(14):
        tick(events, first, 1)
        tick(events, second, 1)
    assert first.conn.pump().take_sent() == b""
    tick(events, first, 1)
    tick(events, second, 1)
    assert first.conn.pump().take_sent() == second.conn.pump().take_sent() == b":\n\n"
    assert second.hear() == []


def test_a_client_that_acknowledges_nothing_is_ended():
    events, web = board()
    client = Client(web)
    client.freeze()
    tick(events, client, 140)
    assert client.conn.end == "aborted" and events.held == 0


def test_news_are_made_while_somebody_listens_and_at_once_when_he_comes():
    made = []

    def news(events):
        made.append(1)
        events.send("n%d" % len(made))

    events, web = board(news=news)
    client = Client(web)
    assert [d for _, d, _ in client.hear()] == ["n1"]
    tick(events, client, 3)
    assert [d for _, d, _ in client.hear()] == ["n2", "n3", "n4"]
    client.conn.reset()
    assert len(made) == 4 and events.held == 0


class Line(View):
    """Writes its snapshot."""

    def write(self, out, snap):
        out.put(snap)


def test_a_view_is_written_straight_into_the_ring():
    events, web = board(size=100)
    client = Client(web)
    for i in range(50):
        events.show(Line(), b'{"n":%d}' % i + b"\n" * (i % 2), event="status")
        assert client.hear() == [("status", '{"n":%d}' % i, "")]
    events.show(Line(), b"")
    assert client.hear() == [("message", "", "")]
    for bad in (b"a\nb", b"a\rb\n", b"a\n\n"):
        with pytest.raises(ValueError, match="one line"):
            events.show(Line(), bad)
    events.send("still right")
    assert client.hear() == [("message", "still right", "")]
    assert isinstance(events.out, Writer)


def test_ten_thousand_ids_and_texts():
    events, web = board(size=300)
    dice = random.Random(9)
    pieces = ["id: 7", "\n", "data: x", ":", "event", "a", "é", "7"]
    said = []
    for i in range(10_000):
        data = "".join(dice.choice(pieces) for _ in range(dice.randrange(6)))
        id = dice.choice([i, i, "i%d" % i])
        events.send(data, id=id)
        said.append((str(id), data))
        if i % 20 == 19:
            back = dice.randrange(0, 12)
            last = said[-1 - back][0].encode()
            client = Client(web, b"Last-Event-ID: " + last)
            got = [(i, d) for _, d, i in client.hear()]
            assert got == said[len(said) - len(got) :]
            kept = b"id: " + last + b"\n" in bytes(events.mem) * 2
            assert len(got) == back if kept and len(got) <= back else len(got) < back + 1
            client.conn.reset()
