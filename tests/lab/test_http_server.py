from __future__ import annotations

import base64
import contextlib
import http.client
import json
import time

import pytest

from monitorpy.lab.http_server import HEALTH, PAGE, HttpServer


@pytest.fixture(scope="module")
def server():
    with HttpServer(password="open sesame") as server:
        yield server


@pytest.fixture
def ask(server):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)) as connection:

        def ask(path, method="GET", body=None, **headers):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()

        yield ask


def test_the_page(ask):
    status, headers, body = ask("/")
    assert (status, body) == (200, PAGE)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Frame-Options"] == "DENY"


def test_head_has_no_body(ask):
    status, headers, body = ask("/", "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, "", str(len(PAGE)))


def test_health(ask):
    status, headers, body = ask("/health")
    assert (status, headers["Content-Type"], json.loads(body)) == (200, "application/json", HEALTH)


def test_headers_come_back(ask):
    data = json.loads(ask("/headers", "POST", b"ignored", **{"X-Token": "abc"})[2])
    assert data["method"] == "POST"
    assert data["headers"]["x-token"] == "abc"
    assert data["headers"]["content-length"] == "7"


def test_slow(ask, ms):
    started = time.monotonic()
    assert ask(f"/slow?seconds={50 * ms}")[0] == 200
    assert time.monotonic() - started >= 50 * ms * 0.9


@pytest.mark.parametrize("code, status", [("200", 200), ("418", 418), ("503", 503), ("100", 404), ("999", 404), ("teapot", 404), ("", 404)])
def test_status(ask, code, status):
    assert ask(f"/status/{code}")[0] == status


def test_unavailable(ask):
    status, headers, _ = ask("/unavailable")
    assert (status, headers["Retry-After"]) == (503, "120")


@pytest.mark.parametrize("path, to", [("/redirect", "/"), ("/redirect-loop", "/redirect-loop")])
def test_redirects(ask, path, to):
    status, headers, _ = ask(path)
    assert (status, headers["Location"]) == (302, to)


def test_unknown_path(ask):
    assert ask("/nothing/here")[0] == 404


@pytest.mark.parametrize("pair, status", [("demo:open sesame", 200), ("demo:wrong", 401)])
def test_private(ask, pair, status):
    assert ask("/private", Authorization="Basic " + base64.b64encode(pair.encode()).decode())[0] == status


def test_private_asks_for_credentials(ask):
    status, headers, _ = ask("/private")
    assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="lab"')


def test_flaky_answers_every_other_time(ask):
    assert [ask("/flaky/a")[0] for _ in range(4)] == [503, 200, 503, 200]
    assert ask("/flaky/b")[0] == 503


def test_with_tls(certificates, client_context):
    with (
        HttpServer(tls=certificates.good.context) as server,
        contextlib.closing(http.client.HTTPSConnection("localhost", server.port, timeout=5, context=client_context)) as connection,
    ):
        connection.request("GET", "/")
        assert connection.getresponse().read().decode() == PAGE
