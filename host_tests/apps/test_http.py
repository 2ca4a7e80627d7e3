"""The web server: what a request gets, however it arrives, and what it costs the others."""

import http.client
import io

import pytest
from apps.fakes import FakeConn
from uipy.apps.http_queue import HELD
from uipy.apps.site import FilePage, Page, Site, Text, View
from uipy.errors import NotConnected

HTML = b"<!doctype html><title>t</title>" * 100
GET = b"GET / HTTP/1.1\r\nHost: board\r\n\r\n"


class Count(View):
    """A long page that is different for every request."""

    need = 4

    def __init__(self):
        View.__init__(self)
        self.n = 0

    def note(self, snap):
        self.n += 1
        snap[0] = self.n

    def write(self, out, snap):
        for i in range(600):
            out.num(snap[0] * i)
            out.put(b" ")


def count_text(n):
    return b"".join(b"%d " % (n * i) for i in range(600))


@pytest.fixture
def site(tmp_path):
    (tmp_path / "f.bin").write_bytes(bytes(range(256)) * 9)
    site = Site()
    site.add("/", Page(HTML))
    site.add("/hello", Text(lambda out: out.put(b"hello ")))
    site.add("/count", Count())
    site.add("/file", FilePage(str(tmp_path / "f.bin")))
    site.add("/long", Text(lambda out: out.put(b"x" * 300)))
    return site


@pytest.fixture
def conn(site):
    return FakeConn(site())


class Answer:
    """One answer taken off the front of `data`, by the library's own parser; `rest` is what
    follows.
    """

    def __init__(self, data, method="GET"):
        sock = type("Sock", (), {"makefile": lambda self, mode: stream})()
        stream = Kept(data)
        response = http.client.HTTPResponse(sock, method=method)
        response.begin()
        self.status = response.status
        self.fields = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()
        self.rest = stream.getvalue()[stream.tell() :]


class Kept(io.BytesIO):
    """Stays readable when HTTPResponse has closed it."""

    def close(self):
        pass


def ask(conn, request, method="GET"):
    """Send a request, take the whole answer."""
    assert conn.feed(request) == b""
    answer = Answer(conn.pump().take_sent(), method)
    assert answer.rest == b""
    return answer


def get(path, *fields, method=b"GET", version=b"1.1", host=b"Host: board"):
    lines = [method + b" " + path + b" HTTP/" + version, host, *fields]
    return b"\r\n".join(line for line in lines if line) + b"\r\n\r\n"


# What is served


def test_a_page_comes_whole_with_its_length_and_type(conn):
    answer = ask(conn, GET)
    assert answer.status == 200 and answer.body == HTML
    assert answer.fields["content-length"] == str(len(HTML))
    assert answer.fields["content-type"].startswith("text/html")
    assert "date" not in answer.fields


def test_a_file_comes_whole(conn):
    assert ask(conn, get(b"/file")).body == bytes(range(256)) * 9


def test_a_function_writes_a_small_page(conn):
    answer = ask(conn, get(b"/hello"))
    assert answer.body == b"hello "
    assert answer.fields["cache-control"] == "no-store"


def test_a_view_is_a_snapshot_of_its_moment(conn):
    assert ask(conn, get(b"/count")).body == count_text(1)
    assert ask(conn, get(b"/count")).body == count_text(2)


def test_head_is_get_without_the_content(conn):
    for path in (b"/", b"/count", b"/file"):
        whole = ask(conn, get(path))
        head = ask(conn, get(path, method=b"HEAD"), "HEAD")
        assert head.status == 200 and head.body == b""
        assert head.fields == whole.fields or path == b"/count"
        assert not conn.finishing


@pytest.mark.parametrize(
    "target", [b"/hello?led=1", b"/hello?", b"http://board/hello", b"http://b:80/hello?x=/y"]
)
def test_a_query_is_ignored_and_absolute_form_understood(conn, target):
    assert ask(conn, get(target)).body == b"hello "


def test_absolute_form_without_a_path_is_the_root(conn):
    assert ask(conn, get(b"http://board")).body == HTML


# Statuses


def test_404_for_an_unknown_path_and_the_client_stays(conn):
    for path in (b"/nothing", b"/hell", b"/hello/", b"/HELLO"):
        answer = ask(conn, get(path))
        assert answer.status == 404 and answer.body == b"404 Not Found\n"
    assert not conn.finishing


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"])
def test_405_names_what_is_allowed(conn, method):
    answer = ask(conn, get(b"/", b"Content-Length: 0", method=method))
    assert answer.status == 405 and answer.fields["allow"] == "GET, HEAD"
    assert not conn.finishing


def test_options_star_is_405(conn):
    assert ask(conn, get(b"*", method=b"OPTIONS")).status == 405


@pytest.mark.parametrize("method", [b"BREW", b"get", b"GETS"])
def test_501_for_a_method_nobody_knows(conn, method):
    assert ask(conn, get(b"/", method=method)).status == 501


BAD = {
    "no version": b"GET /\r\n\r\n",
    "two blanks": b"GET  / HTTP/1.1\r\nHost: b\r\n\r\n",
    "blank first": b" GET / HTTP/1.1\r\nHost: b\r\n\r\n",
    "a fourth word": b"GET / HTTP/1.1 x\r\nHost: b\r\n\r\n",
    "method not a token": b"G(T / HTTP/1.1\r\nHost: b\r\n\r\n",
    "not http": b"GET / HTTX/1.1\r\nHost: b\r\n\r\n",
    "version without a dot": b"GET / HTTP/1,1\r\nHost: b\r\n\r\n",
    "version not a digit": b"GET / HTTP/1.x\r\nHost: b\r\n\r\n",
    "control character in the target": b"GET /\x01 HTTP/1.1\r\nHost: b\r\n\r\n",
    "target without a slash": b"GET hello HTTP/1.1\r\nHost: b\r\n\r\n",
    "asterisk for GET": b"GET * HTTP/1.1\r\nHost: b\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
    "garbage without end": b"\xaa" * 300,
    "no host": b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "host with a blank": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "host with a slash": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "bare CR": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    "NUL": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
    "blank before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "obs-fold": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "length not a number": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
    "length empty": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\n",
}


@pytest.mark.parametrize("request_", BAD.values(), ids=BAD.keys())
def test_400_and_the_end_for_what_is_malformed(conn, request_):
    answer = ask(conn, request_)
    assert answer.status == 400 and answer.body == b"400 Bad Request\n"
    assert answer.fields["connection"] == "close"
    assert conn.fin


def test_414_for_a_target_that_does_not_fit_even_without_an_end(conn):
    answer = ask(conn, b"GET /" + b"a" * 2000)
    assert answer.status == 414 and conn.fin


def test_the_longest_target_that_fits_is_served(conn):
    room = 256 - len(b"GET /hello? HTTP/1.1\r\n")
    assert ask(conn, get(b"/hello?" + b"q" * room)).status == 200
    assert ask(conn, get(b"/hello?" + b"q" * (room + 1))).status == 414


def test_431_for_too_many_fields_even_without_an_end(conn):
    conn.feed(b"GET / HTTP/1.1\r\nHost: a\r\n")
    for _ in range(100):
        if conn.feed(b"X-Long: " + b"y" * 90 + b"\r\n"):
            break
    answer = Answer(conn.pump().take_sent())
    assert answer.status == 431 and conn.fin


def test_431_for_a_field_that_matters_and_does_not_fit(conn):
    assert ask(conn, get(b"/", host=b"Host: " + b"h" * 300)).status == 431


def test_431_for_a_name_that_does_not_fit(conn):
    assert ask(conn, get(b"/", b"x" * 300 + b": y")).status == 431


def test_long_fields_that_nobody_needs_are_passed_over(conn):
    cookie = b"Cookie: " + b"c" * 3000
    answer = ask(conn, get(b"/hello", cookie, b"User-Agent: " + b"M" * 400))
    assert answer.body == b"hello "


def test_505_for_another_major_version(conn):
    assert ask(conn, get(b"/", version=b"2.0")).status == 505
    assert conn.fin


def test_a_later_minor_version_is_served(conn):
    assert ask(conn, get(b"/hello", version=b"1.9")).body == b"hello "


def test_500_for_a_page_larger_than_its_snapshot(conn):
    assert ask(conn, get(b"/long")).status == 500
    assert conn.fin


def test_who_finds_no_snapshot_free_waits_for_one(site):
    slow = [FakeConn(site()) for _ in range(2)]
    for conn in slow:
        conn.feed(get(b"/count"))
    third, fourth = FakeConn(site()), FakeConn(site())
    assert third.feed(get(b"/count")) == fourth.feed(get(b"/count")) == b""
    assert third.pump().sent == fourth.pump().sent == b""
    assert ask(FakeConn(site()), get(b"/")).status == 200  # what needs no snapshot is served
    slow[0].pump()
    assert Answer(third.pump().take_sent()).body == count_text(3)
    slow[1].reset()
    assert Answer(fourth.pump().take_sent()).body == count_text(4)
    for _ in range(5):
        assert ask(third, get(b"/count")).status == 200


def test_who_waits_is_served_in_turn(site):
    conns = [FakeConn(site()) for _ in range(6)]
    for conn in conns:
        conn.feed(get(b"/count") * 3)
    served = []
    holders = conns[:2]
    while holders:
        holder = holders.pop(0)
        served += [conns.index(holder)] * len(pumped(holder))
        holders += [c for c in conns if c.src and c not in holders]
    assert served == [*range(6)] * 3


def test_who_has_stalled_longest_gives_way(site):
    first, second = (FakeConn(site()) for _ in range(2))
    first.feed(get(b"/count"))
    first.app.poll(first)
    second.feed(get(b"/count"))
    for conn in (first, second) * 2:
        conn.app.poll(conn)
    third = FakeConn(site())
    third.feed(get(b"/count"))
    assert Answer(third.pump().take_sent()).body == count_text(3)
    assert first.end == "aborted" and second.end == ""
    assert Answer(second.pump().take_sent()).body == count_text(2)


def test_who_reads_very_slowly_gives_way_too_but_only_to_another(site):
    slow = [FakeConn(site()) for _ in range(2)]
    for conn in slow:
        conn.feed(get(b"/count"))
    for _ in range(50):
        for conn in slow:
            conn.app.poll(conn)
            conn.pump(1, turns=1)
    assert not slow[0].end and not slow[1].end
    third = FakeConn(site())
    assert ask(third, get(b"/count")).body == count_text(3)
    assert [conn.end for conn in slow] == ["aborted", ""]


def test_a_wait_has_a_bound(site):
    slow = [FakeConn(site()) for _ in range(2)]
    for conn in slow:
        conn.feed(get(b"/count"))
    third = FakeConn(site())
    third.feed(get(b"/count") + GET)
    for _ in range(40):
        for conn in slow:
            conn.app.seconds = conn.app.request[HELD] = 0  # as if it got on well
        third.app.poll(third)
    answer = Answer(third.pump().take_sent())
    assert answer.status == 503 and answer.fields["retry-after"] == "1"
    assert Answer(answer.rest).body == HTML


def test_who_is_ended_already_gives_its_snapshot_once(site):
    """Its RST waits for ARP: `abort` raises, and `closed` comes later."""
    gone = [FakeConn(site()) for _ in range(2)]
    for conn in gone:
        conn.feed(get(b"/count"))
        conn.abort = lambda: (_ for _ in ()).throw(NotConnected)
        conn.app.seconds = 9
    third, fourth = FakeConn(site()), FakeConn(site())
    third.feed(get(b"/count"))
    fourth.feed(get(b"/count"))
    for conn in gone:
        conn.reset()
    assert Answer(third.pump().take_sent()).body == count_text(3)
    assert Answer(fourth.pump().take_sent()).body == count_text(4)
    assert not any(site.taken)


def test_a_snapshot_is_given_back_once_whatever_becomes_of_its_connection(site):
    conns = [FakeConn(site()) for _ in range(3)]
    assert ask(conns[0], get(b"/count")).status == 200
    conns[1].feed(get(b"/count"))
    conns[2].feed(get(b"/count"))
    conns[0].reset()  # its snapshot is another's now
    waits = FakeConn(site())
    waits.feed(get(b"/count"))
    assert waits.pump().sent == b""
    waits.reset()  # and is not served when one comes free
    conns[1].reset()
    conns[2].reset()
    late = [FakeConn(site()) for _ in range(2)]
    for conn in late:
        conn.feed(get(b"/count"))
    for conn in late:
        assert Answer(conn.pump().take_sent()).status == 200
    assert not any(site.taken)


# Pieces


@pytest.mark.parametrize("request_", [GET, get(b"/nothing"), BAD["no host"]])
def test_a_request_may_be_cut_anywhere(site, request_):
    whole = ask(FakeConn(site()), request_)
    for cut in range(1, len(request_)):
        conn = FakeConn(site())
        assert conn.feed(request_[:cut], at=cut % 4) == b""
        answer = ask(conn, request_[cut:])
        assert (answer.status, answer.fields, answer.body) == (
            whole.status,
            whole.fields,
            whole.body,
        )


def test_a_request_may_come_octet_by_octet(conn):
    for octet in get(b"/hello", b"X: y")[:-1]:
        assert conn.feed(bytes([octet])) == b"" and conn.pump().sent == b""
    assert ask(conn, b"\n").body == b"hello "


def test_a_lone_line_feed_ends_a_line(conn):
    assert ask(conn, b"GET /hello HTTP/1.1\nHost:b\n\n").body == b"hello "


def test_empty_lines_before_a_request_are_ignored(conn):
    assert ask(conn, b"\r\n\r\n" + get(b"/hello")).body == b"hello "


@pytest.mark.parametrize("mss", [1, 2, 3, 64, 536, 1460])
def test_the_answer_is_right_in_segments_of_any_size(conn, mss):
    conn.feed(get(b"/count"))
    assert Answer(conn.pump(mss).take_sent()).body == count_text(1)


# One after the other


def test_http_1_1_keeps_the_connection(conn):
    for _ in range(3):
        answer = ask(conn, GET)
        assert answer.status == 200 and answer.fields["connection"] == "keep-alive"
    assert not conn.finishing


@pytest.mark.parametrize(
    ("version", "field", "stays"),
    [
        (b"1.1", b"Connection: close", False),
        (b"1.1", b"connection: TE, Close", False),
        (b"1.1", b"Connection: keep-alive", True),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive", True),
        (b"1.0", b"Connection: TE", False),
    ],
)
def test_who_closes_is_agreed(conn, version, field, stays):
    answer = ask(conn, get(b"/", field, version=version))
    assert answer.status == 200 and answer.body == HTML
    assert answer.fields["connection"] == ("keep-alive" if stays else "close")
    assert conn.fin is not stays


def test_blanks_around_a_value_are_no_part_of_it(conn):
    assert ask(conn, get(b"/", host=b"Host:\t board \t ")).status == 200
    assert ask(conn, get(b"/", b"Content-Length:  0 ")).status == 200
    assert not conn.finishing


def test_http_1_0_needs_no_host(conn):
    assert ask(conn, b"GET /hello HTTP/1.0\r\n\r\n").body == b"hello "


def pumped(conn):
    """All the answers that come when nothing more is sent."""
    found = []
    rest = conn.pump().take_sent()
    while rest:
        found.append(Answer(rest))
        rest = found[-1].rest
    return found


def test_requests_sent_ahead_are_read_and_answered_in_order(conn):
    ahead = get(b"/hello") + get(b"/nothing") + get(b"/") + get(b"/count")
    assert conn.feed(ahead) == b"" and conn.sent == b""
    found = pumped(conn)
    assert [a.status for a in found] == [200, 404, 200, 200]
    assert found[2].body == HTML and found[3].body == count_text(1)
    assert found[0].body == b"hello " and not conn.finishing


@pytest.mark.parametrize("cut", [1, 30, 41, 60, 82, 100])
def test_requests_sent_ahead_may_be_cut_anywhere(conn, cut):
    ahead = get(b"/hello") + get(b"/nothing", method=b"HEAD") + get(b"/")
    for part in (ahead[:cut], ahead[cut:-1], ahead[-1:]):
        assert conn.feed(part) == b""
    sent = conn.pump().take_sent()
    first = Answer(sent)
    second = Answer(first.rest, "HEAD")
    assert (first.body, second.status, Answer(second.rest).body) == (b"hello ", 404, HTML)


def test_the_window_follows_the_room_in_the_queue(conn):
    conn.feed(get(b"/"))
    assert conn.room == 5840
    for k in range(1, 90):
        conn.feed(GET)
        assert conn.room == 32 * (96 - k)
    resumed = conn.resumed
    conn.pump()
    assert conn.room == 5840 and conn.resumed == resumed + 89, "and the client is told of it"


def test_behind_a_full_queue_the_connection_is_closed(conn):
    assert conn.feed(get(b"/nothing") * 120) == b""
    assert conn.feed(GET) == b""
    found = pumped(conn)
    assert [a.status for a in found] == [404] * 97 and conn.fin and not conn.deaf
    assert [a.fields["connection"] for a in found] == ["keep-alive"] * 96 + ["close"]


@pytest.mark.parametrize("last", [BAD["no host"], get(b"/", b"Connection: close")])
def test_what_follows_the_last_request_is_thrown_away(conn, last):
    assert conn.feed(GET + last + GET * 3) == b""
    assert conn.feed(GET) == b""
    found = pumped(conn)
    assert len(found) == 2 and found[1].fields["connection"] == "close"
    assert conn.fin and not conn.deaf


def test_a_client_that_shuts_its_side_gets_all_that_it_asked_for(conn):
    conn.feed(GET + get(b"/hello") + get(b"/count") + GET[:12])
    conn.half_close()
    found = pumped(conn)
    assert [a.body for a in found] == [HTML, b"hello ", count_text(1)] and conn.fin
    assert found[-1].fields["connection"] == "close"


def test_what_is_read_ahead_keeps_nobody_alive_who_acknowledges_nothing(conn):
    conn.feed(GET)
    for _ in range(121):
        conn.feed(GET[:10])
        conn.app.poll(conn)
    assert conn.end == "aborted"


def test_a_head_is_written_again_for_each_connection(site):
    one, two = FakeConn(site()), FakeConn(site())
    one.feed(GET)
    two.feed(get(b"/hello", method=b"HEAD"))
    one.pump(20, turns=2)
    two.pump(20, turns=1)
    assert Answer(one.pump(20).take_sent()).body == HTML
    assert Answer(two.pump(20).take_sent(), "HEAD").fields["content-length"] == "6"


@pytest.mark.parametrize(
    "request_",
    [
        get(b"/", b"Content-Length: 5"),
        get(b"/", b"Transfer-Encoding: chunked"),
        get(b"/", b"Content-Length: 5", method=b"POST"),
    ],
)
def test_content_that_is_not_read_ends_the_connection_without_a_reset(conn, request_):
    answer = ask(conn, request_ + b"hello" + GET)
    assert answer.status in (200, 405) and answer.fields["connection"] == "close"
    assert conn.fin and not conn.deaf
    assert conn.feed(b"more" * 100) == b""  # taken and thrown away
    conn.half_close()
    assert conn.sent == b""


# Slow and half-closed clients


def test_a_client_that_shuts_its_side_gets_the_whole_answer(conn):
    conn.feed(get(b"/count"))
    conn.half_close()
    assert Answer(conn.pump(100).take_sent()).body == count_text(1)
    assert conn.fin


def test_half_a_request_and_a_fin_is_the_end(conn):
    conn.feed(GET[:20])
    conn.half_close()
    assert conn.pump().sent == b"" and conn.fin
    for _ in range(15):
        conn.app.poll(conn)
    assert conn.end == "aborted"


def test_a_slow_client_does_not_hold_up_another(site):
    slow, quick = FakeConn(site()), FakeConn(site())
    slow.feed(get(b"/count"))
    slow.pump(100, turns=1)
    assert ask(quick, get(b"/count")).body == count_text(2)
    assert ask(quick, GET).body == HTML
    assert Answer(slow.pump(100).take_sent()).body == count_text(1)


def test_408_for_a_request_that_never_ends(conn):
    for _ in range(11):
        conn.feed(b"GET / "[:1])
        conn.app.poll(conn)
    answer = Answer(conn.pump().take_sent())
    assert answer.status == 408 and conn.fin


def test_a_request_has_its_time_from_its_first_octet(conn):
    for _ in range(25):
        conn.app.poll(conn)
    for part in (GET[:9], GET[9:30]):
        conn.feed(part)
        for _ in range(5):
            conn.app.poll(conn)
    assert ask(conn, GET[30:]).status == 200
    assert not conn.finishing


def test_a_client_that_does_not_close_after_the_last_answer_is_reset(conn):
    ask(conn, get(b"/", b"Connection: close"))
    for _ in range(10):
        conn.app.poll(conn)
    assert conn.end == ""
    conn.app.poll(conn)
    assert conn.end == "aborted"


def test_an_idle_connection_is_closed(conn):
    ask(conn, GET)
    for _ in range(30):
        conn.app.poll(conn)
    assert not conn.finishing
    conn.app.poll(conn)
    assert conn.pump().fin
    for _ in range(10):
        conn.app.poll(conn)
    assert conn.end == ""
    conn.app.poll(conn)
    assert conn.end == "aborted"


# While others wait for a place


def test_who_was_answered_makes_room_for_those_who_wait(conn):
    conn.crowded = True
    answer = ask(conn, GET)
    assert answer.status == 200 and answer.fields["connection"] == "close"
    assert conn.pump().fin


def test_what_was_asked_ahead_is_answered_all_the_same(conn):
    conn.crowded = True
    conn.feed(GET + GET)
    found = pumped(conn)
    assert [a.fields["connection"] for a in found] == ["keep-alive", "close"]


def test_who_has_nothing_to_ask_is_let_go_within_a_second(conn):
    ask(conn, GET)
    conn.crowded = True
    conn.app.poll(conn)
    assert conn.pump().fin and conn.end == ""


def test_who_has_just_come_has_five_seconds_for_the_first_request(conn):
    conn.crowded = True
    for _ in range(5):
        conn.app.poll(conn)
    assert not conn.finishing
    conn.app.poll(conn)
    assert conn.pump().fin


def test_a_client_that_reads_slowly_stays_and_one_that_stopped_does_not(conn):
    conn.feed(GET)
    for _ in range(40):
        for _ in range(115):
            conn.app.poll(conn)
        conn.pump(50, turns=1)
    assert conn.end == ""
    for _ in range(121):
        conn.app.poll(conn)
    assert conn.end == "aborted"


def test_the_next_client_finds_a_fresh_server(site):
    app = site()
    first = FakeConn(app)
    first.feed(b"GET /hel")
    first.reset()
    second = FakeConn(app)
    assert ask(second, get(b"/hello")).body == b"hello "
    second.feed(get(b"/count"))
    second.reset()
    assert ask(FakeConn(app), GET).body == HTML


# Construction


def test_a_path_must_begin_with_a_slash():
    with pytest.raises(ValueError, match="begins with /"):
        Site().add("x", Page(b""))


def test_a_head_that_would_not_fit_is_refused_at_once():
    with pytest.raises(ValueError, match="does not fit"):
        Site().add("/", Page(b"", more=b"X: " + b"y" * 200 + b"\r\n"))
