"""Basic authentication (RFC 7617): for the whole site, a folder, a page, a route."""

import base64

import pytest
from lab.routed import Conn, answers, ask, request, routes
from uipy.web.auth import Basic, differs
from uipy.web.routes import Handler


def basic(text):
    return b"Authorization: Basic " + base64.b64encode(text.encode())


KEY = basic("admin:secret")


@pytest.fixture
def web():
    site, web = routes()
    web.route("/led/{n}", lambda req: "led " + req.arg("n"), "GET PUT")
    web.route("/files/{n:path}", lambda req: "file " + req.arg("n"))
    web.site = site
    return web


def get(web, target, *fields, method=b"GET", body=None):
    return ask(Conn(web.site()), request(target, *fields, method=method, body=body))


def test_a_whole_site_is_guarded(web):
    web.guard("/", Basic("admin", "secret", "the board"))
    for target in (b"/", b"/hello", b"/led/1", b"/nothing", b"/files/x"):
        answer = get(web, target)
        assert answer.status == 401 and answer.body == b"Unauthorized"
        assert answer.fields["www-authenticate"] == 'Basic realm="the board", charset="UTF-8"'
        assert get(web, target, KEY).status == (404 if target == b"/nothing" else 200)
    assert get(web, b"/", KEY).body == b"<p>root</p>"
    assert get(web, b"/hello", KEY).body == b"hello "
    assert get(web, b"/led/1", KEY, method=b"PUT", body=b"x").body == b"led 1"
    assert dict(web.counters())["web_unauthorized"] == 5


def test_a_client_that_was_refused_stays_and_tries_again(web):
    web.guard("/", Basic("admin", "secret"))
    conn = Conn(web.site())
    conn.feed(request(b"/") + request(b"/", KEY) + request(b"/hello", KEY))
    assert [a.status for a in answers(conn)] == [401, 200, 200] and not conn.finishing


@pytest.mark.parametrize(
    "field",
    [
        b"X: y",
        basic("admin:secre"),
        basic("admin:secret2"),
        basic("admin"),
        basic(":"),
        basic(""),
        basic("secret:admin"),
        b"Authorization: Bearer " + base64.b64encode(b"admin:secret"),
        b"Authorization: Basic",
        b"Authorization:",
        b"Authorization: Basi",
        b"Authorization: Basic" + base64.b64encode(b"admin:secret"),
        b"Authorization: " + base64.b64encode(b"admin:secret"),
        KEY + b"\r\n" + KEY,
    ],
)
def test_another_word_does_not_do(web, field):
    web.guard("/", Basic("admin", "secret"))
    assert get(web, b"/", field).status == 401


def test_the_scheme_is_of_any_case_and_the_rest_is_not(web):
    web.guard("/", Basic("admin", "secret"))
    word = base64.b64encode(b"admin:secret")
    assert get(web, b"/", b"authorization:  bASIC   " + word).status == 200
    assert get(web, b"/", b"Authorization: Basic " + word.swapcase()).status == 401


def test_names_and_passwords_are_utf_8_and_a_password_may_have_a_colon(web):
    web.guard("/", Basic("jürgen", "a:b€"))
    assert get(web, b"/", basic("jürgen:a:b€")).status == 200


def test_a_folder_is_guarded_however_it_is_written(web):
    web.guard("/files/secret", Basic("admin", "secret"))
    for rest in ("", "/", "/x", "%2Fx", "/x?y", "?y"):
        for name in ("secret", "SECRET", "s%65cret", "%53ecret", "sec%72et"):
            target = ("/files/" + name + rest).encode()
            assert get(web, target).status == 401, target
            assert get(web, target, KEY).status == 200, target
    for rest in ("secrets", "secre", "x/secret", "public"):
        assert get(web, b"/files/" + rest.encode()).status == 200, rest
    for rest in ("./secret/x", "/secret/x", "a/../secret/x", "%2e/secret"):
        assert get(web, b"/files/" + rest.encode()).status == 404, rest
    assert get(web, b"/").status == 200


def test_the_longest_path_that_is_guarded_counts(web):
    web.guard("/files/a/b", Basic("b", "b"))
    web.guard("/", Basic("admin", "secret"))
    web.guard("/files/a", Basic("a", "a"))
    for target, name in ((b"/files/a/b/c", "b:b"), (b"/files/a/x", "a:a"), (b"/led/1", None)):
        assert get(web, target, KEY).status == (401 if name else 200)
        assert get(web, target, basic(name or "admin:secret")).status == 200


def test_a_route_has_a_guard_of_its_own():
    class Admin(Handler):
        guard = Basic("root", "x")

        def answer(self, req):
            return "in"

    site, web = routes()
    web.route("/admin", Admin())
    web.site = site
    assert get(web, b"/admin").status == 401
    assert get(web, b"/admin", basic("root:x")).body == b"in"


def test_no_handler_is_asked_and_no_body_is_read_without_the_key(web):
    web.guard("/", Basic("admin", "secret"))
    conn = Conn(web.site())
    head = request(b"/led/1", b"Content-Length: 9", b"Expect: 100-continue", method=b"PUT")
    assert ask(conn, head).status == 401 and conn.fin
    assert get(web, b"/led/1", KEY, method=b"POST").status == 405
    assert get(web, b"/led/1", method=b"POST").status == 401
    assert get(web, b"/", KEY, method=b"PUT").status == 405


def test_a_guarded_page_keeps_its_place_in_the_queue(web):
    web.guard("/hello", Basic("admin", "secret"))
    conn = Conn(web.site())
    conn.feed(request(b"/") + request(b"/hello", KEY) + request(b"/", b"Connection: close"))
    assert [a.body for a in answers(conn)] == [b"<p>root</p>", b"hello ", b"<p>root</p>"]
    assert conn.fin
    head = get(web, b"/hello", KEY, method=b"GET")
    assert head.fields["content-length"] == "6"


def test_the_longest_realm_is_sent(web):
    web.guard("/", Basic("admin", "secret", "r" * 64))
    answer = get(web, b"/")
    assert answer.fields["www-authenticate"] == 'Basic realm="%s", charset="UTF-8"' % ("r" * 64)


def test_every_octet_is_compared():
    wanted = b"QWxhZGRpbjpvcGVu"
    assert differs(b"##" + wanted, 2, len(wanted), wanted, len(wanted)) == 0
    for k in range(len(wanted)):
        other = bytearray(wanted)
        other[k] ^= 1
        assert differs(other, 0, len(other), wanted, len(wanted)) != 0
    for other in (b"", wanted[:-1], wanted + b"Q", wanted * 2):
        assert differs(other, 0, len(other), wanted, len(wanted)) != 0


def test_what_cannot_be_a_name_or_a_realm_is_refused_at_once():
    with pytest.raises(ValueError, match="colon"):
        Basic("a:b", "c")
    for realm in ("r" * 65, 'a"b', "a\\b", "a\r\nb"):
        with pytest.raises(ValueError, match="realm"):
            Basic("a", "b", realm)
