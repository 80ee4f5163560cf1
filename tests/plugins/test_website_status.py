from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

import pytest

from monitorpy.core.registry import run_check
from monitorpy.errors import ConfigError
from monitorpy.plugins.website_status import WebsiteStatusPlugin

PAGES = {
    "/": (200, {"Content-Type": "text/html; charset=latin-1", "X-Served-By": "one"}, "grün <b>fresh</b>".encode("latin-1")),
    "/api": (200, {"Content-Type": "application/json"}, b'{"status": "ok", "queue": [{"n": 1}, {"n": 1}, {"n": 2}]}'),
    "/claims-json": (200, {"Content-Type": "application/json"}, b"<html>"),
    "/503": (503, {}, b"down"),
    "/moved": (301, {"Location": "/"}, b""),
    "/loop": (302, {"Location": "/loop"}, b""),
    "/cut": (200, {"Content-Length": "100"}, b"short"),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        status, headers, answer = PAGES.get(self.path) or (200, {}, str(self.headers["Authorization"]).encode())
        self.send_response(status)
        for name, value in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer if self.command != "HEAD" else b"")
        self.close_connection = True

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815 - http.server's names

    def log_message(self, *args):
        pass


@pytest.fixture
def start():
    """Starts the web server, over TLS if it is given a context."""
    servers = []

    def run(context=None):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.requests = []
        server.handle_error = lambda *_: None  # a client that goes away is what some tests do
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        servers.append((server, thread))
        return server

    yield run
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def server(start):
    return start()


@pytest.fixture
def check(server):
    """Runs the check for a page of the server."""
    return lambda page="/", **config: run_check("website_status", {"url": server.url + page, **config})


def test_a_good_page(check, server):
    result = check()
    assert (result.status, result.fault, result.failures) == ("success", None, ())
    assert result.message.startswith("200 OK in ")
    assert result.message.endswith(" ms")
    raw = result.raw_data
    assert list(raw) == [
        "url", "final_url", "status_code", "reason", "headers", "body", "size", "redirects", "http_version", "address", "certificate",
    ]  # fmt: skip
    assert (raw["url"], raw["final_url"]) == (f"{server.url}/", f"{server.url}/")
    assert (raw["status_code"], raw["reason"], raw["http_version"], raw["address"]) == (200, "OK", "1.1", "127.0.0.1")
    assert (raw["body"], raw["size"]) == ("grün <b>fresh</b>", 17)
    assert raw["headers"]["x-served-by"] == "one"
    assert (raw["redirects"], raw["certificate"]) == ([], None)
    assert list(result.phases) == ["dns", "connect", "tls", "first_byte", "transfer"]
    assert result.phases["tls"] is None
    assert result.response_time >= sum(filter(None, result.phases.values()))


def test_json_is_observed(check):
    assert check("/api").raw_data["json"]["status"] == "ok"
    assert "json" not in check("/claims-json").raw_data


def test_redirects_are_followed_and_told(check, server):
    result = check("/moved")
    assert result.is_success()
    assert result.raw_data["final_url"] == f"{server.url}/"
    assert result.raw_data["redirects"] == [{"url": f"{server.url}/moved", "status_code": 301}]
    assert [(hop["status_code"], hop["phases"]["tls"]) for hop in result.raw_data["hops"]] == [(301, None), (200, None)]


@pytest.mark.parametrize(
    "page, config, message",
    [
        ("/503", {}, "expected status 2xx, got 503 Service Unavailable"),
        ("/", {"expected_status": [404, "5xx"]}, "expected status 404 or 5xx, got 200 OK"),
        ("/moved", {"follow_redirects": False}, "expected status 2xx, got 301 Moved Permanently (a redirect to /)"),
        ("/", {"expected_content": "stale"}, 'the body does not contain "stale"'),
        ("/", {"expected_content": ["grün", "a", "b"]}, 'the body does not contain "a"'),
        ("/", {"unexpected_content": "fresh"}, 'the body contains "fresh"'),
        ("/", {"expected_regex": "^fresh"}, "the body does not match /^fresh/"),
        ("/", {"expected_headers": {"X-Served-By": "two"}}, 'header X-Served-By: expected "two", got "one"'),
        ("/", {"expected_headers": {"X-Served-By": {"matches": "^t"}}}, 'header X-Served-By: expected match of /^t/, got "one"'),
        ("/", {"expected_headers": {"X-Gone": "two"}}, 'header X-Gone: expected "two", it is missing'),
        ("/", {"expected_headers": {"X-Gone": {"matches": "."}}}, "header X-Gone: expected match of /./, it is missing"),
        ("/", {"expected_json": {"status": "ok"}}, "the body is not JSON (text/html; charset=latin-1)"),
        ("/503", {"expected_status": 503, "expected_json": {"status": "ok"}}, "the body is not JSON (no content type)"),
        ("/api", {"expected_json": {"status": "down"}}, 'json.status: expected "down", got "ok"'),
        ("/api", {"expected_json": {"queue[0].n": "1"}}, 'json.queue[0].n: expected "1", got 1'),
        ("/api", {"expected_json": {"$.queue[*].n": 1}}, "json.queue[*].n: expected 1, got 2"),
        ("/api", {"expected_json": {"nope": None}}, "json.nope: expected null, but there is no such value"),
        ("/", {"max_body_bytes": 15}, "the body is longer than 15 bytes"),
    ],
)
def test_what_is_not_as_expected(check, page, config, message):
    result = check(page, **config)
    assert (result.status, result.fault, result.kind) == ("error", "target", "expectation")
    assert result.message.removesuffix('; the body does not contain "b"') == message
    assert result.raw_data["status_code"]
    assert result.failures[0].severity == "error"


@pytest.mark.parametrize(
    "page, config",
    [
        ("/503", {"expected_status": "500-599"}),
        ("/moved", {"follow_redirects": False, "expected_status": 301}),
        ("/", {"expected_content": "fresh", "unexpected_content": ["stale"], "expected_regex": "gr.n", "max_body_bytes": 17}),
        ("/", {"expected_headers": {"x-SERVED-by": "one", "Content-Type": {"matches": "html"}}}),
        ("/api", {"expected_json": {"status": "ok", "queue[0]": {"n": 1}, "$.queue[?@.n == 1].n": 1}}),
        ("/", {"max_response_time": 60}),
    ],
)
def test_what_is_as_expected(check, page, config):
    assert check(page, **config).is_success()


def test_all_failures_are_told(check):
    result = check("/503", expected_content=["a", "b"], expected_headers={"X": "y"}, max_response_time=1e-9)
    assert [failure.path for failure in result.failures] == ["status_code", "headers.x", "body", "body", "response_time"]
    assert result.message.count("; ") == 4
    assert "response time 0." in result.message


def test_a_slow_answer_may_be_a_warning(check):
    result = check(max_response_time={"warning": 1e-9, "error": 60})
    assert (result.status, result.fault) == ("warning", None)


@pytest.mark.parametrize(
    "config, method, headers, body",
    [
        ({"method": "put", "body": "grün"}, "PUT", {}, "grün".encode()),
        ({"body": ""}, "POST", {}, b""),
        ({"json": {"a": ["ü"]}}, "POST", {"Content-Type": "application/json"}, '{"a": ["ü"]}'.encode()),
        ({"json": None}, "POST", {"Content-Type": "application/json"}, b"null"),
        ({"json": 1, "headers": {"content-type": "x/y"}}, "POST", {"content-type": "x/y"}, b"1"),
        ({"headers": {"X-A": "b"}}, "GET", {"X-A": "b"}, b""),
        ({"bearer": "t0ken", "allow_plaintext_auth": True}, "GET", {"Authorization": "Bearer t0ken"}, b""),
        (
            {"auth_username": "jürgen", "auth_password": "p", "allow_plaintext_auth": True},
            "GET",
            {"Authorization": "Basic asO8cmdlbjpw"},
            b"",
        ),
    ],
)
def test_the_request(check, server, config, method, headers, body):  # noqa: PLR0917 - fixtures
    assert check(**config).is_success()
    (sent,) = server.requests
    assert (sent[0], sent[3]) == (method, body)
    assert sent[2].items() >= headers.items()


def test_digest_never_sends_the_password(check, server):
    assert check(auth_username="user", auth_password="secret", digest=True).is_success()
    assert "secret" not in str(server.requests)


@pytest.mark.parametrize(
    "config, text",
    [
        ({"url": "example.org"}, "must be a URL such as https://example.org/, not 'example.org'"),
        ({"url": "ftp://example.org"}, "must be a URL such as"),
        ({"url": "http://"}, "must be a URL such as"),
        ({"url": "http://h:0/"}, "must be a URL such as"),
        ({"url": "http://h:port/"}, "is not a URL: Port could not be cast"),
        ({"url": "http://h/a b"}, "without spaces and control characters"),
        ({"url": "http://h/\n"}, "without spaces and control characters"),
        ({"url": "http://user:secret@h/"}, "must not carry credentials: use auth_username and auth_password"),
        ({"method": "GE T"}, "must be an HTTP method such as GET or POST, not 'GE T'"),
        ({"method": "connect"}, "must be an HTTP method"),
        ({"headers": {"a b": "c"}}, "'a b' is not a header name"),
        ({"headers": {"a": "b\r\nc: d"}}, "must not have line ends"),
        ({"headers": {"a": " b"}}, "nor spaces around it"),
        ({"headers": {"a": "€"}}, "characters that a header cannot carry"),
        ({"proxy": "https://proxy:3128"}, "must be a URL such as http://127.0.0.1:3128"),
        ({"proxy": "http://user:secret@proxy:3128"}, "must not carry credentials"),
        ({"body": "x", "json": 1}, "body and json exclude each other"),
        ({"auth_username": "user"}, "auth_username and auth_password need each other"),
        ({"auth_password": "secret"}, "auth_username and auth_password need each other"),
        ({"digest": True}, "digest needs auth_username and auth_password"),
        ({"bearer": "t", "headers": {"AUTHORIZATION": "x"}}, "exclude one another"),
        ({"bearer": "t\n"}, "bearer must be a token of printable ASCII characters"),
        ({"client_key": "k"}, "client_key: is the key of a client_cert"),
        ({"proxy": "http://p", "resolve_to": "127.0.0.1"}, "resolve_to and proxy exclude each other"),
        ({"method": "head", "unexpected_content": "x"}, "unexpected_content needs a body, and the answer to HEAD has none"),
        ({"expected_content": []}, "expected_content"),
        ({"expected_headers": {}}, "expected_headers"),
        ({"expected_json": {}}, "expected_json"),
        ({"expected_json": {"a[": 1}}, "expected_json"),
        ({"expected_regex": "("}, "is not a regular expression"),
        ({"json_schema": {}}, "json_schema: is not a JSON Schema: it asserts nothing"),
    ],
)
def test_configs_that_are_refused(config, text):
    result = run_check("website_status", {"url": "https://example.invalid/", **config})
    assert (result.status, result.fault) == ("error", "config")
    assert text in result.message
    assert "secret" not in result.message


@pytest.mark.parametrize(
    "config",
    [
        {"bearer": "token"},
        {"auth_username": "user", "auth_password": "secret"},
        {"headers": {"authorization": "Basic x"}},
        {"headers": {"Cookie": "session=x"}},
    ],
)
def test_credentials_do_not_travel_in_clear_text(check, server, config):
    result = check(**config)
    assert (result.status, result.fault) == ("error", "config")
    assert "clear text" in result.message
    assert server.requests == []


def test_an_echoed_basic_header_is_masked(check):
    result = check("/echo", auth_username="alice", auth_password="open sesame", allow_plaintext_auth=True)
    assert result.raw_data["body"] == "Basic ***"


def test_the_field_json_makes_no_noise(recwarn):
    class Derived(WebsiteStatusPlugin):
        pass

    assert "json" in Derived.get_optional_config()
    assert Derived.get_required_config() == ["url"]
    assert not recwarn


def test_https(start, lab_certificates):
    server = start(lab_certificates.good.context)
    result = run_check("website_status", {"url": server.url, "ca_file": str(lab_certificates.ca_file)})
    assert result.is_success(), result.message
    assert result.raw_data["certificate"]["days_remaining"] > 0
    assert result.phases["tls"] > 0


def test_https_with_a_certificate_that_is_not_valid(start, lab_certificates):
    server = start(lab_certificates.expired.context)
    result = run_check("website_status", {"url": server.url, "ca_file": str(lab_certificates.ca_file)})
    assert (result.status, result.fault, result.kind) == ("error", "target", "tls")
    assert "expired " in result.message
    assert server.requests == []
    assert run_check("website_status", {"url": server.url, "verify_ssl": False}).is_success()


@pytest.mark.parametrize(
    "page, text, kind", [("/cut", "95 bytes before the end of the body", "protocol"), ("/loop", "redirect loop: ", "protocol")]
)
def test_what_is_no_answer(check, page, text, kind):
    result = check(page)
    assert (result.status, result.fault, result.kind) == ("error", "target", kind)
    assert text in result.message


def test_a_silent_server_ends_at_the_timeout(tcp_server, ms):
    server = tcp_server(lambda sock: sock.recv(65536) and server.closing.wait(20))
    started = monotonic()
    result = run_check("website_status", {"url": f"http://127.0.0.1:{server.port}", "timeout": 100 * ms})
    assert (result.status, result.kind) == ("error", "timeout")
    assert result.phases["connect"] is not None
    assert result.phases["transfer"] is None
    assert monotonic() - started < 100 * ms + 1


def test_an_address_in_place_of_the_host(server):
    url = f"http://shop.invalid:{server.server_port}/"
    assert run_check("website_status", {"url": url, "resolve_to": "127.0.0.1"}).is_success()
    plugin = WebsiteStatusPlugin({"url": url})
    plugin.address = "127.0.0.1"
    assert plugin.run_check().raw_data["address"] == "127.0.0.1"
    assert [request[2]["Host"] for request in server.requests] == [f"shop.invalid:{server.server_port}"] * 2


@pytest.mark.parametrize("config", [{"proxy": "http://127.0.0.1:1"}, {"resolve_to": "127.0.0.1"}])
def test_all_addresses_and_another_way_to_the_host(config):
    plugin = WebsiteStatusPlugin({"url": "http://example.invalid/", **config})
    plugin.address = "127.0.0.1"
    with pytest.raises(ConfigError, match=f"cannot be combined with {next(iter(config))}"):
        plugin._execute_check()


def test_through_a_proxy(server):
    PAGES["http://shop.invalid/"] = PAGES["/"]
    result = run_check("website_status", {"url": "http://shop.invalid/", "proxy": server.url})
    assert result.is_success(), result.message


def test_the_observation_is_plain_json(check):
    json.dumps(check("/moved").raw_data)
