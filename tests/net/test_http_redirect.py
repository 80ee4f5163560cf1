from __future__ import annotations

import pytest
from requests.auth import HTTPBasicAuth

from monitorpy.errors import NetError
from monitorpy.net import http, http_redirect
from monitorpy.net.http import HttpOptions


@pytest.fixture
def fetch(deadline):
    return lambda url, **how: http.fetch(url, deadline=deadline, phases={}, **how)


def to(location, status=302, *headers):
    """A redirect, with a body that nobody needs."""
    lines = [f"HTTP/1.1 {status} Found", f"Location: {location}", "Content-Length: 4", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\nmove"


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\nLocation: /\r\n\r\n"]
)
def test_what_leads_nowhere_is_the_answer(serve, fetch, answer):
    assert fetch(serve(answer).url).redirects == ()


def test_one_redirect_too_many(site, fetch):
    server = site({f"/{number}": to(f"/{number + 1}") for number in range(9)})
    with pytest.raises(NetError, match=r"more than 3 redirects, the last one from http://127.0.0.1:\d+/3 to /4") as caught:
        fetch(f"{server.url}/0", options=HttpOptions(max_redirects=3))
    assert caught.value.kind == "protocol"
    assert len(server.received) == 4


@pytest.mark.parametrize(
    "routes, way",
    [
        ({"/": to("/")}, r"http://\S+/ -> http://\S+/"),
        ({"/": to("")}, r"http://\S+/ -> http://\S+/"),
        ({"/": to("/b#x"), "/b": to("/c"), "/c": to("/b#y")}, r"http://\S+/b -> http://\S+/c -> http://\S+/b"),
    ],
)
def test_a_loop_ends_when_it_closes(site, fetch, routes, way):
    server = site(routes)
    with pytest.raises(NetError, match=f"redirect loop: {way}$") as caught:
        fetch(server.url)
    assert (caught.value.phase, caught.value.kind) == ("transfer", "protocol")
    assert len(server.received) == len(routes)


def test_to_the_same_page_with_another_method_is_no_loop(site, reply, fetch):
    server = site({"/": lambda head: to("/", 303) if head.startswith(b"POST") else reply()})
    assert fetch(server.url, method="POST", body=b"x").status_code == 200


def test_to_the_same_page_with_a_cookie_is_no_loop(site, reply, fetch):
    server = site({"/": lambda head: reply() if b"Cookie: seen=yes" in head else to("/", 302, "Set-Cookie: seen=yes")})
    assert fetch(server.url).status_code == 200


def test_policies(site, reply, fetch):
    here = site({"/": to("/b"), "/b": reply(), "/away": to("http://localhost:1/"), "/secure": to("https://127.0.0.1:1/")})
    assert fetch(here.url, options=HttpOptions(redirect_policy="same_host")).status_code == 200
    with pytest.raises(NetError, match=r"http://127\S+/away redirects to another host, http://localhost:1/$"):
        fetch(f"{here.url}/away", options=HttpOptions(redirect_policy="same_host"))
    with pytest.raises(NetError, match=r"/ redirects to http://127\S+/b, which is not https$"):
        fetch(here.url, options=HttpOptions(redirect_policy="https_only"))
    with pytest.raises(NetError, match="refused the connection"):  # it went there
        fetch(f"{here.url}/secure", options=HttpOptions(redirect_policy="https_only"))


@pytest.mark.parametrize(
    "location, text",
    [
        ("ftp://x/", "which is not http or https"),
        ("http://:80/", "invalid address"),
        ("http://h:x/", "invalid address"),
        ("http://[::1", "invalid"),
    ],
)
def test_a_redirect_to_what_is_no_website(site, fetch, location, text):
    with pytest.raises(NetError, match=text):
        fetch(site({"/": to(location)}).url)


@pytest.mark.parametrize(
    "location, target", [("/grün", "/gr%C3%BCn"), ("/a b", "/a%20b"), ("?x=1", "/start?x=1"), ("../up", "/up"), ("/a\r\n b", "/a%20b")]
)
def test_unusual_locations(site, reply, fetch, location, target):
    assert fetch(f"{site({'/start': to(location), target: reply()}).url}/start").status_code == 200


@pytest.mark.parametrize(
    "method, status, second",
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("PUT", 302, "PUT"),
        ("PUT", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
    ],
)
def test_the_method_after_a_redirect(site, fetch, method, status, second):
    server = site({"/": to("/b", status)})
    fetch(server.url, method=method, body=b"hello", headers={"Content-Type": "text/plain"})
    head, _, body = server.received[1].partition(b"\r\n\r\n")
    assert head.startswith(second.encode() + b" /b ")
    assert (body == b"hello") == (second == method)
    assert (b"Content-Type" in head) == (second == method)


def test_credentials_stay_where_they_belong(site, reply, fetch):
    other = site({"/": reply()})
    here = site({"/": to("/same"), "/same": to(other.url)})
    fetch(here.url, auth=HTTPBasicAuth("user", "secret"), headers={"X-Api-Key": "k", "Cookie": "a=b", "Host": "shop.test", "X-Plain": "p"})
    assert all(b"Authorization: Basic dXNlcjpzZWNyZXQ=" in request for request in here.received)
    assert b"Host: shop.test" in here.received[0]
    request = other.received[0]
    assert b"X-Plain: p" in request
    assert b"Host: 127.0.0.1:%d" % other.port in request
    for gone in (b"Authorization", b"X-Api-Key", b"Cookie"):
        assert gone not in request


@pytest.mark.parametrize(
    "old, new, same",
    [
        ("http://h/", "http://h:80/x", True),
        ("http://h/", "https://h/", True),
        ("https://h/", "http://h/", False),
        ("https://h/", "https://h:444/", False),
        ("https://h/", "https://i/", False),
        ("http://h:8080/", "https://h/", False),
    ],
)
def test_the_same_place(old, new, same):
    assert http_redirect._same_place(old, new) is same


def test_cookies_go_along(site, reply, fetch):
    server = site({"/": to("/b", 302, "Set-Cookie: seen=yes; Path=/", "Set-Cookie: own=theirs"), "/b": to("/c"), "/c": reply()})
    fetch(server.url, headers={"Cookie": "own=mine; kept=1"})
    cookies = [next(line for line in request.split(b"\r\n") if line.startswith(b"Cookie")) for request in server.received]
    assert cookies[0] == b"Cookie: own=mine; kept=1"
    assert sorted(cookies[1][8:].split(b"; ")) == [b"kept=1", b"own=theirs", b"seen=yes"]
    assert sorted(cookies[2][8:].split(b"; ")) == [b"kept=1", b"own=theirs", b"seen=yes"]


def test_a_cookie_for_another_path_stays(site, reply, fetch):
    server = site({"/": to("/b", 302, "Set-Cookie: a=b; Path=/elsewhere"), "/b": reply()})
    fetch(server.url)
    assert b"Cookie" not in server.received[1]
