from __future__ import annotations

import base64
import gzip
import json
import ssl
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

import pytest

from monitorpy.checkfile import load
from monitorpy.core.execution import execute
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

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815 - http.server's names

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
        ("/", {"unexpected_headers": ["X-SERVED-BY"]}, 'header X-SERVED-BY: expected none, got "one"'),
        ("/", {"json_schema": {"type": "object"}}, "the body is not JSON (text/html; charset=latin-1)"),
        ("/api", {"json_schema": {"properties": {"status": {"enum": ["up"]}}}}, 'json.status: expected one of ["up"], got "ok"'),
        ("/api", {"json_schema": {"required": ["version"]}}, "json.version: it is required, and missing"),
        ("/moved", {"expected_redirects": 0}, "expected 0 redirects, got 1"),
        ("/", {"expected_url": "https://example.org/"}, 'final URL: expected "https://example.org/", got "http://127.0.0.1:PORT/"'),
        ("/moved", {"expected_url": {"matches": "/moved$"}}, 'final URL: expected match of //moved$/, got "http://127.0.0.1:PORT/"'),
        ("/", {"max_phase_time": {"tls": 1}}, "the phase tls has a limit, but was not reached (the answer came over http)"),
        ("/", {"critical_days": 3}, "there is no certificate for critical_days: the last answer came over http"),
        ("/", {"warning_days": 30, "critical_days": 3}, "there is no certificate for warning_days and critical_days: the last answer"),
    ],
)
def test_what_is_not_as_expected(check, server, page, config, message):
    result = check(page, **config)
    assert (result.status, result.fault, result.kind) == ("error", "target", "expectation")
    assert result.message.removesuffix('; the body does not contain "b"').startswith(message.replace("PORT", str(server.server_port)))
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
        ("/", {"max_response_time": 60, "max_phase_time": {"dns": 60, "connect": {"warning": 60}, "first_byte": 60, "transfer": 60}}),
        ("/", {"unexpected_headers": ["X-Powered-By"], "expected_redirects": 0, "redirect_policy": "https_only"}),
        (
            "/api",
            {"json_schema": {"type": "object", "properties": {"queue": {"items": {"required": ["n"]}}}}, "expected_json": {"status": "ok"}},
        ),
        ("/moved", {"expected_redirects": 1, "expected_url": {"matches": r"^http://[\d.:]+/$"}, "redirect_policy": "same_host"}),
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
        ({"method": "PATCH", "json": [1]}, "PATCH", {"Content-Type": "application/json"}, b"[1]"),
        ({"method": "DELETE"}, "DELETE", {}, b""),
        ({"method": "HEAD"}, "HEAD", {}, b""),
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
        ({"proxy": "http://secret@proxy:3128"}, "must have both a user name and a password before the @"),
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
        ({"unexpected_headers": []}, "unexpected_headers"),
        ({"unexpected_headers": ["a b"]}, "'a b' is not a header name"),
        ({"expected_headers": {"a:": "b"}}, "'a:' is not a header name"),
        ({"expected_headers": {"X-A": "b"}, "unexpected_headers": ["x-a"]}, "the header x-a cannot be expected and unexpected"),
        ({"json_schema": {"type": "strng"}}, "json_schema: is not a JSON Schema: type: 'strng' is not one of"),
        ({"json_schema": "nowhere.json"}, "json_schema: nowhere.json cannot be read: No such file"),
        ({"method": "HEAD", "json_schema": {"type": "object"}}, "json_schema needs a body"),
        ({"expected_url": ""}, "expected_url: must not be empty"),
        ({"expected_url": "/moved"}, "expected_url: must be a URL such as https://example.org/ or a mapping"),
        ({"expected_url": {"match": "x"}}, "unknown key 'match'; did you mean 'matches'?"),
        ({"expected_redirects": -1}, "expected_redirects: must be at least 0"),
        ({"expected_redirects": 3, "max_redirects": 2}, "expected_redirects must not be more than max_redirects (2)"),
        ({"follow_redirects": False, "redirect_policy": "same_host"}, "redirect_policy without follow_redirects would not be looked at"),
        ({"follow_redirects": False, "expected_redirects": 0}, "expected_redirects without follow_redirects would not be looked at"),
        ({"redirect_policy": "sticky"}, "redirect_policy: must be 'any', 'same_host' or 'https_only', not 'sticky'"),
        ({"max_phase_time": {}}, "max_phase_time: must have one of dns, connect"),
        ({"max_phase_time": {"dsn": 1}}, "unknown key 'dsn'; did you mean 'dns'?"),
        ({"json": float("nan")}, "the body cannot be sent: Out of range float"),
        ({"body": "\ud800"}, "the body cannot be sent: 'utf-8' codec can't encode"),
        ({"proxy_username": "user"}, "proxy_username and proxy_password need each other"),
        ({"oauth2": {"token_url": "https://t/"}}, "oauth2: missing required key 'client_id'"),
        ({"headers": {"Proxy-Authorization": "x"}}, "a Proxy-Authorization header would reach the target"),
        ({"json_schema": {}}, "json_schema: is not a JSON Schema: it asserts nothing"),
    ],
)
def test_configs_that_are_refused(config, text):
    result = run_check("website_status", {"url": "https://example.invalid/", **config})
    assert (result.status, result.fault) == ("error", "config")
    assert text in result.message
    assert "secret" not in result.message.replace("client_secret", "")


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


def test_an_echoed_token_that_is_written_out_as_a_header_is_masked(check):
    result = check("/echo", headers={"Authorization": "Bearer abcd-1234"}, allow_plaintext_auth=True, expected_content="nope")
    assert result.is_error()
    assert result.raw_data["body"] == "Bearer ***"
    assert "abcd-1234" not in str(result.to_dict())


def test_the_default_status_is_told_as_it_is_written():
    assert WebsiteStatusPlugin.Config.model_json_schema()["properties"]["expected_status"]["default"] == "2xx"


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


# HTTP as it is spoken


@pytest.fixture
def speaking(helper):
    """The scripts of servers_http.py."""
    return helper("servers_http")


@pytest.fixture
def verdict(tcp_server, speaking):
    """The check of a server that gives one answer, or runs one script."""

    def run(answer, tls=None, **config):
        server = tcp_server(answer if callable(answer) else speaking.answering(answer), tls)
        return run_check("website_status", {"url": f"http{'s' if tls else ''}://127.0.0.1:{server.port}/", **config})

    return run


def packed(data):
    return gzip.compress(data, mtime=0)


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize(
    "answer, config",
    [
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nup", {"expected_content": "up", "unexpected_headers": ["Link"]}),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", {"expected_status": 204}),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", {"expected_status": 304}),
        (b"HTTP/1.0 200 OK\r\n\r\nup", {"expected_regex": "^up$"}),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nup and more", {"expected_regex": "^up$"}),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nup\r\n0\r\nX: y\r\n\r\n", {"expected_regex": "^up$"}),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n" + chunk(packed(b"up")[:5]) + chunk(packed(b"up")[5:]) + chunk(b""),
            {"expected_regex": "^up$"},
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + raw_deflate(b"up"), {"expected_regex": "^up$"}),
        (b"HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\n\r\n", {"expected_headers": {"X-A": "one two"}}),
        (b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n", {"expected_headers": {"set-cookie": {"matches": "^b="}}}),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=no-such\r\n\r\n\xc3\xbc", {"expected_content": "ü"}),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=punycode\r\n\r\n\xff", {"expected_content": "\\xff"}),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<meta charset=latin1>\xfc", {"expected_content": "ü"}),
        (b"HTTP/1.1 200 OK\r\n\r\n" + "ü".encode("utf-16"), {"expected_regex": "^ü$"}),
        (b'HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=latin1\r\n\r\n["\xfc"]', {"expected_json": {"$[0]": "ü"}}),
        (b"HTTP/1.1 599 Own Invention\r\n\r\n", {"expected_status": "5xx"}),
    ],
)  # fmt: skip
def test_answers_as_servers_give_them(verdict, answer, config):
    result = verdict(answer, **config)
    assert result.is_success(), result.message


def test_a_server_that_closes_its_side_first(verdict, scripts):
    assert verdict(scripts.closing_after(b"HTTP/1.1 200 OK\r\n\r\nup"), expected_content="up").is_success()


@pytest.mark.parametrize(
    "answer, text, kind",
    [
        (b"", "closed the connection without an answer", "reset"),
        (b"<html>up</html>", "did not answer in HTTP: its first line is '<html>up</html>'", "protocol"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "did not answer in HTTP: HTTP/2.0", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup", "closed the connection 7 bytes before the end of the body", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nup", "cannot decode content encoding 'br'", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nup", "sent a body that is not valid gzip", "protocol"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nup", "its transfer encoding is 'gzip'", "protocol"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nup\r\n",
            "the body is cut short, or its chunks are malformed",
            "protocol",
        ),
        (b"HTTP/1.1 200 OK\r\nX-A", "in the middle of the headers", "protocol"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://:x/\r\n\r\n", "redirects to an invalid address, http://:x/", "protocol"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50, "got more than 20 interim answers (1xx)", "protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, "got more than 65536 bytes when reading header line", "protocol"),
    ],
)
def test_answers_that_are_none(verdict, answer, text, kind):
    result = verdict(answer, expected_status=["2xx", "4xx", "5xx"])
    assert (result.status, result.fault, result.kind) == ("error", "target", kind)
    assert text in result.message


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: y\r\n", b"HTTP/1.1 200 OK\r\n\r\nup"])
def test_resets(verdict, speaking, start):
    result = verdict(speaking.resetting_after(start), expected_content="up")
    assert (result.status, result.kind) == ("error", "reset")
    assert "reset the connection" in result.message


@pytest.mark.parametrize(
    "start, piece",
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"x"),
    ],
)
def test_what_trickles_ends_at_the_timeout(verdict, speaking, ms, start, piece):
    started = monotonic()
    result = verdict(speaking.without_end(start, piece, 20 * ms), timeout=200 * ms)
    assert (result.status, result.kind) == ("error", "timeout")
    assert monotonic() - started < 200 * ms + 1


@pytest.mark.parametrize(
    "start, piece, text",
    [
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100, "got more than 100 headers"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 10_000, "got more than 65536 bytes when reading header line"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, "got more than 20 interim answers"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 100, "got more than 100 headers"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000, "the body is longer than 50000 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed(b"up"), b"x" * 10_000, "the body is longer than 50000 bytes"),
    ],
)
def test_what_does_not_end_is_cut_off(verdict, speaking, start, piece, text):
    result = verdict(speaking.without_end(start, piece), timeout=30, max_body_bytes=50_000)
    assert (result.status, result.fault) == ("error", "target")
    assert text in result.message


def test_a_bomb(verdict):
    bomb = packed(bytes(50_000_000))
    result = verdict(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bomb, max_body_bytes=100_000)
    assert result.message == "the body is longer than 100000 bytes"
    assert result.raw_data["size"] == 100_000


@pytest.mark.parametrize(
    "path, target",
    [("/a?b=c#part", "/a?b=c"), (f"/{'long' * 5_000}", f"/{'long' * 5_000}"), ("/ü", "/%C3%BC"), ("?q", "/?q")],
    ids=["fragment", "long", "not ASCII", "no path"],
)
def test_what_is_asked_for(tcp_server, speaking, path, target):
    seen = []
    server = tcp_server(speaking.answering(b"HTTP/1.1 200 OK\r\n\r\n", seen))
    assert run_check("website_status", {"url": f"http://müller.example:{server.port}{path}", "resolve_to": "127.0.0.1"}).is_success()
    assert seen[0].startswith(f"GET {target} HTTP/1.1\r\nHost: xn--mller-kva.example:{server.port}\r\n".encode())


# credentials


def test_a_wrong_digest_password_is_tried_once(tcp_server, speaking):
    seen = []
    page = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n\r\n'
    server = tcp_server(speaking.answering(page, seen))
    login = {"auth_username": "user", "auth_password": "hunter2", "digest": True}
    result = run_check("website_status", {"url": f"http://127.0.0.1:{server.port}/", **login})
    assert result.message == "expected status 2xx, got 401 Unauthorized"
    assert len(seen) == 2


def test_nothing_of_the_environment_counts(start, server, lab_certificates, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password hunter2")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(lab_certificates.ca_file))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(lab_certificates.ca_file))
    assert run_check("website_status", {"url": server.url}).is_success()
    assert "Authorization" not in server.requests[0][2]
    result = run_check("website_status", {"url": start(lab_certificates.good.context).url})
    assert "unknown issuer" in result.message


TOKEN = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"access_token": "issued-for-us", "token_type": "Bearer"}'


def oauth2(port, **more):
    return {"token_url": f"http://127.0.0.1:{port}/token", "client_id": "me", "client_secret": "hunter2 hunter2", **more}


def test_a_token_is_fetched_and_never_shown(tcp_server, speaking):
    asked, seen = [], []
    tokens = tcp_server(speaking.answering(TOKEN, asked))
    page = tcp_server(speaking.answering(lambda request: b"HTTP/1.1 200 OK\r\n\r\n" + request, seen))
    config = {"url": f"http://127.0.0.1:{page.port}/", "allow_plaintext_auth": True}
    result = run_check("website_status", {**config, "oauth2": oauth2(tokens.port, scope="read", auth_style="basic")})
    assert result.is_success(), result.message
    assert b"Authorization: Bearer issued-for-us" in seen[0]
    assert result.raw_data["token_request"].keys() == {"url", "status_code", "response_time"}
    assert "Authorization: Bearer ***" in result.raw_data["body"]
    echoed = run_check("website_status", {"url": f"http://127.0.0.1:{page.port}/", **config, "oauth2": oauth2(page.port)})
    assert echoed.is_error()
    shown = f"{result} {echoed}"
    for secret in ("issued-for-us", "hunter2", base64.b64encode(b"me:hunter2+hunter2").decode()):
        assert secret not in shown


def test_no_token_is_the_failure_of_the_token_request(tcp_server, speaking, closed_port_of_plugins):
    answer = b'HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n\r\n{"error": "invalid_client", "error_description": "who?"}'
    tokens = tcp_server(speaking.answering(answer))
    config = {"url": f"http://127.0.0.1:{closed_port_of_plugins}/", "allow_plaintext_auth": True, "oauth2": oauth2(tokens.port)}
    result = run_check("website_status", config)
    assert (result.status, result.fault, result.kind) == ("error", "target", "protocol")
    assert result.message == (
        f'the token request to http://127.0.0.1:{tokens.port}/token failed: 401 Unauthorized: "invalid_client" ("who?")'
    )
    assert set(result.phases.values()) <= {None}


@pytest.fixture
def closed_port_of_plugins():
    import socket

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_the_token_server_is_not_at_the_pinned_address(tcp_server, speaking):
    tokens, page = tcp_server(speaking.answering(TOKEN)), tcp_server(speaking.answering(b"HTTP/1.1 200 OK\r\n\r\n"))
    config = {"url": f"http://shop.invalid:{page.port}/", "resolve_to": "127.0.0.1", "allow_plaintext_auth": True}
    assert run_check("website_status", {**config, "oauth2": oauth2(tokens.port)}).is_success()
    elsewhere = oauth2(tokens.port, token_url=f"http://tokens.invalid:{tokens.port}/")
    assert "cannot resolve tokens.invalid" in run_check("website_status", {**config, "oauth2": elsewhere}).message
    same_host = oauth2(tokens.port, token_url=f"http://shop.invalid:{tokens.port}/")
    assert run_check("website_status", {**config, "oauth2": same_host}).is_success()


# proxies


def test_a_forwarding_proxy_with_credentials_that_no_report_shows(tcp_server, speaking):
    way = tcp_server(speaking.answering(lambda request: b"HTTP/1.1 200 OK\r\n\r\n" + request))
    login = {"proxy_username": "user", "proxy_password": "hunter2"}
    result = run_check("website_status", {"url": "http://shop.invalid/x", "proxy": f"http://127.0.0.1:{way.port}", **login})
    assert result.is_success(), result.message
    assert result.raw_data["body"].startswith("GET http://shop.invalid/x HTTP/1.1")
    assert "Proxy-Authorization: Basic ***" in result.raw_data["body"]
    result = run_check("website_status", {"url": "http://shop.invalid/x", "proxy": f"http://user:hunter2@127.0.0.1:{way.port}"})
    assert "Proxy-Authorization: Basic ***" in result.raw_data["body"]


def test_a_socks_proxy(tcp_server, speaking, start, lab_certificates):
    page = start(lab_certificates.good.context)
    way = tcp_server(speaking.socks(page.server_port, (b"user", b"hunter2")))
    config = {"url": "https://localhost:444/", "ca_file": str(lab_certificates.ca_file), "proxy": f"socks5h://127.0.0.1:{way.port}"}
    login = {"proxy_username": "user", "proxy_password": "hunter2"}
    result = run_check("website_status", {**config, **login})
    assert result.is_success(), result.message
    assert result.raw_data["certificate"]["days_remaining"] > 0
    assert "hunter2" not in str(page.requests)
    result = run_check("website_status", {**config, **login, "proxy_password": "hunter3"})
    assert (result.status, result.fault, result.kind) == ("error", "target", "connect")
    assert "refused to talk: it did not accept the user name and password (SOCKS status 1)" in result.message
    assert result.raw_data["phase"] == "connect"


# TLS


@pytest.mark.parametrize(
    "kind, text",
    [
        ("expired", "expired 3.0 days ago"),
        ("self_signed", "self-signed certificate"),
        ("wrong_host", "wrong host: "),
        ("incomplete", "an intermediate certificate is missing"),
    ],
)
def test_certificates_that_are_not_valid(start, lab_certificates, kind, text):
    server = start(getattr(lab_certificates, kind).context)
    result = run_check("website_status", {"url": server.url, "ca_file": str(lab_certificates.ca_file), "critical_days": 1})
    assert (result.status, result.fault, result.kind) == ("error", "target", "tls")
    assert text in result.message
    assert server.requests == []


def test_days_of_the_certificate_do_not_replace_the_page(start, lab_certificates):
    server = start(lab_certificates.expiring.context)
    config = {"url": f"{server.url}/503", "ca_file": str(lab_certificates.ca_file)}
    result = run_check("website_status", {**config, "critical_days": 30})
    assert [failure.path for failure in result.failures] == ["status_code", "certificate.days_remaining"]
    soft = run_check("website_status", {**config, "warning_days": 30, "critical_days": 3, "expected_status": 503})
    assert (soft.status, soft.failures[0].severity) == ("warning", "warning")


@pytest.mark.parametrize("given", [False, True])
def test_a_client_certificate_that_is_not_there_or_not_right(start, lab_certificates, given):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(lab_certificates.good.chain_file, lab_certificates.good.key_file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(lab_certificates.ca_file)
    own = lab_certificates.self_signed
    config = {"client_cert": str(own.chain_file), "client_key": str(own.key_file)} if given else {}
    result = run_check("website_status", {"url": start(context).url, "ca_file": str(lab_certificates.ca_file), **config})
    assert (result.status, result.fault) == ("error", "target")
    assert any(text in result.message for text in ("client certificate", "reset the connection", "closed the connection"))  # it may be lost


# what is a pass, or no failure, elsewhere: research/peers.md, 4


def judged(url, *expect, **config):
    """A check from a file, with expectations."""
    text = json.dumps([{"id": "x", "plugin": "website_status", "config": {"url": url, **config}, "expect": list(expect)}])
    return execute(load("checks.json", text=text).checks[0])


def test_blackbox_a_header_that_must_not_match_is_missing(check):
    assert check(unexpected_headers=["X-Powered-By"]).is_success()
    missing = check(expected_headers={"X-Powered-By": {"matches": "^(?!PHP)"}})
    assert missing.message == "header X-Powered-By: expected match of /^(?!PHP)/, it is missing"


def test_blackbox_eleven_redirects_are_an_error_and_not_judged(tcp_server, speaking):
    pages = {f"/{n}": b"HTTP/1.1 302 Found\r\nLocation: /%d\r\n\r\n" % (n + 1) for n in range(20)}
    server = tcp_server(speaking.answering(speaking.routes(pages)))
    result = run_check("website_status", {"url": f"http://127.0.0.1:{server.port}/0", "expected_status": "3xx"})
    assert result.message.startswith("more than 10 redirects")


@pytest.mark.parametrize("page", ["/", "/503"])
def test_gatus_a_number_in_a_body_that_is_html(server, page):
    result = judged(server.url + page, {"path": "json.queue.depth", "lt": 5}, expected_status=["2xx", "5xx"])
    assert result.is_error()
    assert "json.queue.depth" in result.message
    schema = {"properties": {"queue": {"properties": {"depth": {"maximum": 4}}}}}
    assert (
        "the body is not JSON"
        in judged(server.url + page, {"path": "size", "gt": 0}, expected_status=["2xx", "5xx"], json_schema=schema).message
    )


def test_gatus_no_answer_has_no_status(closed_port_of_plugins):
    result = judged(f"http://127.0.0.1:{closed_port_of_plugins}/", {"path": "status_code", "lt": 500}, {"path": "response_time", "lt": 500})
    assert (result.status, result.kind) == ("error", "connect")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 0 Nothing\r\n\r\n", b"HTTP/1.1 000\r\n\r\n"])
def test_gatus_status_0(verdict, answer):
    assert "did not answer in HTTP: its first line is" in verdict(answer).message
    assert "a status has three digits, 0 has not" in verdict(answer, expected_status=0).message


def test_check_http_200_as_part_of_the_status_line(verdict):
    assert verdict(b"HTTP/1.1 500 not 200\r\n\r\n", expected_status=200).message == "expected status 200, got 500 not 200"


def test_check_http_a_page_that_is_too_long_is_no_mere_warning(check):
    assert check(max_body_bytes=1).status == "error"


def test_cloudprober_a_500_without_expectations_is_no_success(verdict):
    assert verdict(b"HTTP/1.1 500 Internal Server Error\r\n\r\n").is_error()


def test_tavern_all_failures_are_told_not_only_the_first(check):
    result = check("/api", expected_status=201, expected_json={"a": 1, "b": 2}, json_schema={"required": ["c"]})
    assert [failure.path for failure in result.failures] == ["status_code", "json.a", "json.b", "json.c"]
