"""Files and folders: types, ETag, gzip, Range, and that nothing outside the folder is read."""

import gzip
import random

import pytest
from lab.listeners import Web
from uipy.web import files
from uipy.web.files import Folder, kind_of, safe, span, takes_gzip

PAGE = b"<!doctype html><title>t</title>" * 200
DATA = bytes(i * 7 % 251 for i in range(5000))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    root = tmp_path / "www"
    (root / "img").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "index.html").write_bytes(PAGE)
    (root / "data.bin").write_bytes(DATA)
    (root / "none.txt").write_bytes(b"")
    (root / "a b.css").write_bytes(b"a{}")
    (root / "img" / "x.png").write_bytes(b"png")
    (root / "both.js").write_bytes(b"let a=1;" * 50)
    (root / "both.js.gz").write_bytes(gzip.compress(b"let a=1;" * 50))
    (root / "only.html.gz").write_bytes(gzip.compress(PAGE))
    return root


@pytest.fixture
def web(folder):
    return Web("/www/{name:path}", Folder(str(folder)))


def test_a_file_comes_whole_with_its_length_and_type(web):
    answer = web.ask("/www/data.bin")
    assert answer.status == 200 and answer.body == DATA
    assert answer.fields["content-length"] == "5000"
    assert answer.fields["content-type"] == "application/octet-stream"
    assert answer.fields["accept-ranges"] == "bytes"
    assert "vary" not in answer.fields and "content-encoding" not in answer.fields


def test_a_folder_is_its_index_and_a_file_may_lie_deeper(web):
    assert web.ask("/www/").body == PAGE
    assert web.ask("/www/index.html").body == PAGE
    assert web.ask("/www/img/x.png").fields["content-type"] == "image/png"
    assert web.ask("/www/a%20b.css").body == b"a{}"
    assert web.ask("/www/data.bin?v=2").body == DATA


def test_a_folder_without_its_slash_is_sent_there(web):
    answer = web.ask("/www/img")
    assert answer.status == 301 and answer.fields["location"] == "/www/img/"
    assert web.ask("/www/img/").status == 404, "it has no index"
    assert web.ask("/www/data.bin/").status == 404


def test_an_empty_file_is_empty(web):
    answer = web.ask("/www/none.txt")
    assert answer.status == 200 and answer.body == b""
    assert web.ask("/www/none.txt", b"Range: bytes=0-").status == 416
    assert web.ask("/www/none.txt", b"Range: bytes=-5").status == 200


def test_head_has_the_fields_and_no_body(web):
    whole = web.ask("/www/data.bin")
    answer = web.ask("/www/data.bin", b"Range: bytes=0-9", method=b"HEAD")
    assert answer.status == 200 and answer.body == b"", "HEAD knows no ranges"
    assert answer.fields["content-length"] == "5000"
    assert answer.fields["etag"] == whole.fields["etag"]


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE"])
def test_nothing_can_be_written(web, method):
    answer = web.ask("/www/data.bin", b"Content-Length: 0", method=method)
    assert answer.status == 405 and "GET" in answer.fields["allow"]


def test_types_go_by_the_extension_in_any_case():
    assert kind_of("/a/b.HTML") == "text/html; charset=utf-8"
    assert kind_of("a.tar.gz") == "application/gzip"
    assert kind_of("a.b/noext") == kind_of("noext") == kind_of("x.") == files.UNKNOWN
    assert kind_of("a.xyz", {"xyz": "x/y"}) == "x/y"


# Nothing outside of the folder


ESCAPES = (
    "../secret", "..%2fsecret", "%2e%2e/secret", "%2E%2E%2Fsecret", "img/../../secret", "./x",
    "img/%2e%2e/%2e%2e/secret", "..\\secret", "..%5csecret", "%2e%2e%5csecret", "/etc/passwd",
    "//etc/passwd", "%2fetc/passwd", "data.bin%00", "%00", "data.bin%00.html", "img/..", "..", ".",
    "img//x.png", "....//secret", "%252e%252e/secret", "%c0%ae%c0%ae/secret", "..;/secret",
    "%uff0e/secret", "\xe2\x80\xa5/secret".encode("latin1").hex(),
)  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_leaves_the_folder(web, path):
    answer = web.ask("/www/" + path)
    assert answer.status in (400, 404) and b"secret" not in answer.body


@pytest.mark.parametrize(
    "name", ["..", "a/../b", "a/..", "./a", "a//b", "/a", "a\\b", "a\0", "//"]
)
def test_the_folder_looks_at_the_path_itself(name):
    assert not safe(name)


@pytest.mark.parametrize("name", ["", "a", "a/", "a/b.c", "...", "a..b/.c", "ü"])
def test_other_names_are_served(name):
    assert safe(name)


def test_ten_thousand_paths_stay_below_the_folder(web, folder):
    dice = random.Random(5)
    parts = [
        "..",
        ".",
        "/",
        "\\",
        "%2e",
        "%2f",
        "%5c",
        "%00",
        "secret",
        "img",
        "data.bin",
        "%",
        "",
    ]
    for _ in range(10_000):
        name = "".join(dice.choice(parts) for _ in range(dice.randrange(1, 7)))
        if safe(name):
            path = (folder / name).resolve()
            assert path == folder or folder in path.parents, name
    for _ in range(500):
        name = "".join(dice.choice(parts) for _ in range(dice.randrange(1, 7)))
        answer = web.ask("/www/" + name)
        assert answer.status in (200, 301, 400, 404), name
        assert answer.body != b"secret"


# ETag


def test_who_has_it_gets_304_and_no_body(web):
    tag = web.ask("/www/data.bin").fields["etag"].encode()
    assert tag[:1] == b'"' and len(tag) == 18
    for wants in (tag, b"W/" + tag, b'"x", ' + tag, b"*", b'"a",W/%s,"b"' % tag):
        answer = web.ask("/www/data.bin", b"If-None-Match: " + wants)
        assert answer.status == 304 and answer.body == b""
        assert answer.fields["etag"].encode() == tag and "content-length" not in answer.fields
    for wants in (b'"x"', tag[1:-1], b"", b'"%s"' % tag[1:5]):
        assert web.ask("/www/data.bin", b"If-None-Match: " + wants).status == 200


def test_a_condition_goes_before_the_range(web):
    tag = web.ask("/www/data.bin").fields["etag"].encode()
    both = (b"If-None-Match: " + tag, b"Range: bytes=0-1")
    assert web.ask("/www/data.bin", *both).status == 304


def test_who_wants_another_than_there_is_gets_412(web):
    tag = web.ask("/www/data.bin").fields["etag"].encode()
    for wants, status in ((tag, 200), (b"*", 200), (b'"x",' + tag, 200), (b"W/" + tag, 412)):
        assert web.ask("/www/data.bin", b"If-Match: " + wants).status == status
    assert web.ask("/www/data.bin", b'If-Match: "x"').status == 412


def test_the_tag_changes_with_the_file(web, folder):
    import os

    seen = set()
    for data, when in ((DATA, 1), (DATA, 2), (DATA[:-1] + b"x", 2), (DATA + b"x", 2)):
        (folder / "data.bin").write_bytes(data)
        os.utime(folder / "data.bin", (when, when))
        seen.add(web.ask("/www/data.bin").fields["etag"])
    assert len(seen) == 4
    again = web.ask("/www/data.bin").fields["etag"]
    assert again in seen


# gzip


def test_what_is_stored_compressed_is_sent_so_to_who_takes_it(web):
    zipped = web.ask("/www/both.js", b"Accept-Encoding: br, gzip")
    assert zipped.fields["content-encoding"] == "gzip"
    assert gzip.decompress(zipped.body) == b"let a=1;" * 50
    plain = web.ask("/www/both.js", b"Accept-Encoding: br")
    assert plain.body == b"let a=1;" * 50 and "content-encoding" not in plain.fields
    for answer in (zipped, plain, web.ask("/www/both.js")):
        assert answer.fields["vary"] == "Accept-Encoding"
        assert answer.fields["content-type"] == "text/javascript; charset=utf-8"
    assert zipped.fields["etag"] != plain.fields["etag"]
    tag = zipped.fields["etag"].encode()
    same = web.ask("/www/both.js", b"Accept-Encoding: gzip", b"If-None-Match: " + tag)
    assert same.status == 304 and same.fields["vary"] == "Accept-Encoding"


def test_what_is_stored_compressed_only(web):
    for fields in ((), (b"Accept-Encoding: gzip",), (b"Accept-Encoding: *;q=0.1",)):
        answer = web.ask("/www/only.html", *fields)
        assert answer.fields["content-encoding"] == "gzip"
        assert gzip.decompress(answer.body) == PAGE
        assert answer.fields["content-type"].startswith("text/html")
    assert web.ask("/www/only.html", b"Accept-Encoding: identity").status == 406
    assert web.ask("/www/only.html.gz").fields["content-type"] == "application/gzip"


@pytest.mark.parametrize(
    "accepts, takes",
    [
        (None, 1), ("", 0), ("gzip", 2), ("GZIP", 2), ("x-gzip", 2), ("gzip;q=0", 0), ("*", 2),
        ("gzip; q=0.000", 0), ("gzip;q=0.001", 2), ("*;q=0", 0), ("*;q=0, gzip", 2),
        ("*, gzip;q=0", 0), ("deflate, br", 0), ("br,gzip ; q=1.0", 2), ("gzipped", 0), (",,,", 0),
        ("gzip;q=", 0), (";q=1", 0),
    ],
)  # fmt: skip
def test_accept_encoding(accepts, takes):
    assert takes_gzip(accepts) == takes


# Ranges


@pytest.mark.parametrize(
    "wanted, part",
    [
        ("bytes=0-9", (0, 10)), ("bytes=10-", (10, 90)), ("bytes=-10", (90, 10)),
        ("bytes=99-99", (99, 1)), ("bytes=0-1000", (0, 100)), ("bytes=-1000", (0, 100)),
        ("Bytes = 5-6", (5, 2)), ("bytes=00-01", (0, 2)), ("bytes=0-99999999999999", (0, 100)),
        ("bytes=100-", ()), ("bytes=100-200", ()), ("bytes=-0", ()), ("bytes=99999999999-", ()),
        ("bytes=5-4", None), ("bytes=0-1,3-4", None), ("bytes=", None), ("bytes=-", None),
        ("octets=0-1", None), ("bytes=a-b", None), ("bytes=1", None), ("bytes=+1-2", None),
        ("bytes=1--2", None), ("bytes", None), ("", None), ("=0-1", None), ("bytes=0x1-2", None),
        ("bytes=0-1-2", None), ("bytes=\u0661-\u0662", None), ("bytes=1_0-20", None),
    ],
)  # fmt: skip
def test_what_a_range_means(wanted, part):
    assert span(wanted, 100) == part


def test_a_range_gets_206_with_where_it_lies(web):
    for wanted, first, n in ((b"0-0", 0, 1), (b"1000-2999", 1000, 2000), (b"-7", 4993, 7)):
        answer = web.ask("/www/data.bin", b"Range: bytes=" + wanted)
        assert answer.status == 206 and answer.body == DATA[first : first + n]
        said = "bytes %d-%d/5000" % (first, first + n - 1)
        assert answer.fields["content-range"] == said
        assert answer.fields["content-length"] == str(n) and "etag" in answer.fields
    assert web.ask("/www/data.bin", b"Range: bytes=0-1,5-6").status == 200


def test_a_range_behind_the_end_gets_416_with_the_length(web):
    answer = web.ask("/www/data.bin", b"Range: bytes=5000-")
    assert answer.status == 416 and answer.fields["content-range"] == "bytes */5000"
    assert answer.fields["content-type"].startswith("text/plain")


def test_if_range_wants_the_very_same_file(web):
    tag = web.ask("/www/data.bin").fields["etag"].encode()
    part = b"Range: bytes=5-6"
    for same in (tag,):
        assert web.ask("/www/data.bin", part, b"If-Range: " + same).body == DATA[5:7]
    for other in (b'"x"', b"W/" + tag, b"Sat, 29 Oct 1994 19:43:31 GMT", b""):
        answer = web.ask("/www/data.bin", part, b"If-Range: " + other)
        assert answer.status == 200 and answer.body == DATA


def test_a_range_of_a_compressed_file_is_of_what_is_sent(web, folder):
    stored = (folder / "both.js.gz").read_bytes()
    answer = web.ask("/www/both.js", b"Accept-Encoding: gzip", b"Range: bytes=2-9")
    assert answer.status == 206 and answer.body == stored[2:10]
    assert answer.fields["content-encoding"] == "gzip"


def test_every_field_fits_at_its_longest(folder):
    with open(folder / "big.bin.gz", "wb") as file:
        file.truncate(999_999_999)
    web = Web("/{name:path}", Folder(str(folder)))
    wanted = b"Range: bytes=123456789-123456790"
    answer = web.ask("/big.bin", b"Accept-Encoding: gzip", wanted)
    assert answer.fields["content-range"] == "bytes 123456789-123456790/999999999"


def test_ten_thousand_fields_random_and_mutated():
    dice = random.Random(9110)
    seeds = [
        "bytes=0-9",
        "bytes=-5",
        "bytes=7-",
        "gzip;q=0.5, *;q=0",
        'W/"abc", "def"',
        "\0\xff,;=",
    ]
    for _ in range(10_000):
        text = list(dice.choice(seeds))
        for _ in range(dice.randrange(4)):
            text[dice.randrange(len(text))] = chr(dice.randrange(256))
        text = "".join(text)
        part = span(text, 100)
        if part:
            assert 0 <= part[0] < 100 and 0 < part[1] <= 100 - part[0]
        assert takes_gzip(text) in (0, 1, 2)
        assert files.listed('"abc"', text, False) in (True, False)


# The file itself


def test_it_is_closed_when_the_answer_has_arrived_and_when_the_client_goes(web, folder):
    import gc
    import os

    def held():
        gc.collect()
        return [
            fd for fd in os.listdir("/proc/self/fd")
            if os.path.realpath("/proc/self/fd/" + fd).startswith(str(folder))
        ]  # fmt: skip

    for _ in range(3):
        web.ask("/www/data.bin")
    conn = web.client()
    conn.feed(b"GET /www/data.bin HTTP/1.1\r\nHost: h\r\n\r\n")
    assert len(held()) == 1
    conn.pump(1000, 3)
    conn.reset()
    assert not held()


def test_what_other_handlers_left_behind_is_no_file(folder):
    from uipy.web.events import Events
    from uipy.web.websocket import WebApp, WebSockets

    def leaves(req):
        req.data = "something"
        return "ok"

    web = Web("/www/{name:path}", Folder(str(folder)))
    web.routes.route("/leaves", leaves)
    web.routes.route("/events", Events(0))
    web.routes.route("/ws", WebSockets(WebApp, 1))
    conn = web.client()
    for path, status in ((b"www/data.bin", 200), (b"www/x", 404), (b"events", 503), (b"ws", 426)):
        conn.feed(b"GET /leaves HTTP/1.1\r\nHost: h\r\n\r\n")
        assert conn.pump().take_sent().startswith(b"HTTP/1.1 200")
        conn.feed(b"GET /%s HTTP/1.1\r\nHost: h\r\n\r\n" % path)
        assert conn.pump().take_sent().startswith(b"HTTP/1.1 %d" % status), path
        if conn.finishing:
            conn.reset()
            conn = web.client()
    assert not web.errors


def test_requests_behind_one_another(web):
    conn = web.client()
    get = b"GET /www/%s HTTP/1.1\r\nHost: h\r\n\r\n"
    conn.feed(get % b"data.bin" + get % b"nothing" + get % b"img/x.png")
    from apps.test_http import Answer

    first = Answer(conn.pump().take_sent())
    second = Answer(first.rest)
    third = Answer(second.rest)
    assert (first.body, second.status, third.body) == (DATA, 404, b"png") and not third.rest


def test_fields_of_the_owner_and_what_is_no_folder(folder):
    web = Web("/{name:path}", Folder(str(folder) + "/", more={"Cache-Control": "max-age=60"}))
    assert web.ask("/data.bin").fields["cache-control"] == "max-age=60"
    assert web.ask("/").body == PAGE
    with pytest.raises(ValueError, match="no folder"):
        Folder(str(folder / "nothing"))
    bare = Web("/{name:path}", Folder(str(folder), index=None))
    assert bare.ask("/").status == 404
