"""website_status against nginx."""

from __future__ import annotations

import pytest

from monitorpy.core.registry import run_check

LOGIN = {"auth_username": "demo", "auth_password": "correct horse"}


@pytest.fixture
def website(nginx, certificates):
    """Runs website_status on a path of nginx: over http, or over TLS with a kind of certificate."""

    def run(path="/", tls=None, *, port=None, **config):
        port = port or (nginx.tls[tls] if tls else None)
        url = f"https://localhost:{port}{path}" if port else f"http://localhost:{nginx.http}{path}"
        return run_check("website_status", {"url": url, "timeout": 5, "ca_file": str(certificates.ca_file)} | config)

    return run


@pytest.mark.parametrize("tls", [None, "good"], ids=["http", "https"])
def test_an_answer(website, nginx, tls):
    result = website("/health", tls, expected_json={"$.status": "ok", "$.queue.depth": 42}, max_response_time=5)
    assert result.is_success(), result.message
    data = result.raw_data
    assert data["json"] == {"status": "ok", "queue": {"depth": 42}}
    assert data["http_version"] == "1.1"  # though nginx offers HTTP/2 as well
    assert data["address"] == "127.0.0.1"
    reached = {phase for phase, seconds in result.phases.items() if seconds is not None}
    assert reached - {"tls"} == {"dns", "connect", "first_byte", "transfer"}
    assert ("tls" in reached) is (data["certificate"] is not None) is bool(tls)


def test_all_that_is_wrong_is_told(website):
    result = website("/health", expected_status=201, expected_json={"$.queue.depth": 41}, expected_headers={"x-frame-options": "DENY"})
    assert (result.status, result.fault, result.kind) == ("error", "target", "expectation")
    assert len(result.failures) == 3
    assert "expected status 201, got 200 OK" in result.message


def test_a_page(website):
    result = website(
        expected_content=["Welcome to the lab", "All systems normal."],
        unexpected_content="Fatal error",
        expected_headers={"content-type": "text/html; charset=utf-8", "x-frame-options": "DENY", "server": {"matches": "^nginx/"}},
    )
    assert result.is_success(), result.message


@pytest.mark.parametrize(
    "code, said",
    [
        (404, "404 Not Found"),
        (410, "410 Gone"),
        (429, "429 Too Many Requests"),
        (500, "500 Internal Server Error"),
        (503, "503 Service Temporarily Unavailable"),
    ],
)
def test_a_status(website, code, said):
    result = website(f"/status/{code}")
    assert (result.status, result.fault) == ("error", "target")
    assert result.message == f"expected status 2xx, got {said}"
    assert website(f"/status/{code}", expected_status=code, expected_content=f"this is {code}").is_success()
    assert website(f"/status/{code}", expected_status=[200, f"{code // 100}xx"]).is_success()


def test_no_content(website):
    result = website("/status/204", expected_status=204)
    assert result.is_success(), result.message
    assert result.raw_data["body"] == ""


def test_a_gateway_with_nobody_behind_it(website):
    assert website("/bad-gateway").message == "expected status 2xx, got 502 Bad Gateway"


def test_methods(website):
    head = website(method="HEAD", expected_headers={"content-length": {"matches": "^[1-9]"}})
    assert head.is_success(), head.message
    assert head.raw_data["body"] == ""
    assert website(body="a=1").message == "expected status 2xx, got 405 Not Allowed"  # a POST to a file
    for config, said in (
        ({"headers": {"Content-Type": "text/plain"}, "body": "grün"}, "POST text/plain 5"),
        ({"json": {"a": [1]}}, "POST application/json "),
        ({"method": "PUT", "body": "x" * 100_000}, "PUT "),
        ({"method": "DELETE"}, "DELETE "),
    ):
        result = website("/echo", expected_content=said, **config)
        assert result.is_success(), result.message


def test_a_redirect(website, nginx):
    base = f"http://localhost:{nginx.http}"
    result = website("/redirect", expected_url=f"{base}/", expected_redirects=1, redirect_policy="same_host", expected_content="Welcome")
    assert result.is_success(), result.message
    assert result.raw_data["redirects"] == [{"url": f"{base}/redirect", "status_code": 302}]
    assert website("/redirect", follow_redirects=False, expected_status=302, expected_headers={"location": f"{base}/"}).is_success()
    assert website("/redirect", "good", redirect_policy="https_only", expected_redirects=1).is_success()
    assert website("/redirect", max_redirects=0).is_error()


def test_a_redirect_that_leaves_https(website, nginx):
    result = website("/to-http", "good")
    assert result.is_success(), result.message
    assert result.raw_data["final_url"] == f"http://localhost:{nginx.http}/"
    assert result.raw_data["certificate"] is None
    refused = website("/to-http", "good", redirect_policy="https_only")
    assert refused.is_error()
    assert f"http://localhost:{nginx.http}/" in refused.message


def test_a_redirect_loop(website, nginx):
    loop = f"http://localhost:{nginx.http}/redirect-loop"
    result = website("/redirect-loop")
    assert (result.status, result.kind) == ("error", "protocol")
    assert result.message == f"redirect loop: {loop} -> {loop}"


@pytest.mark.parametrize("tls", [None, "good"], ids=["http", "https"])
def test_basic_authentication(website, tls):
    clear = {"allow_plaintext_auth": tls is None}
    assert website("/private", tls, expected_content="Welcome", **LOGIN, **clear).is_success()
    wrong = website("/private", tls, **LOGIN | {"auth_password": "wrong horse"}, **clear)
    assert wrong.message == "expected status 2xx, got 401 Unauthorized"
    assert wrong.raw_data["headers"]["www-authenticate"] == 'Basic realm="lab"'
    assert website("/private", tls).message == "expected status 2xx, got 401 Unauthorized"


def test_a_bearer_token(website):
    assert website("/token", "good", bearer="good-token", expected_content="welcome").is_success()
    assert website("/token", "good", bearer="bad-token").message == "expected status 2xx, got 401 Unauthorized"


def test_a_token_that_is_asked_for_first(website, nginx):
    way = {"token_url": f"https://localhost:{nginx.tls['good']}/oauth/token", "client_id": "app"}
    result = website("/token", "good", oauth2={**way, "client_secret": "secret"}, expected_content="welcome")
    assert result.is_success(), result.message
    assert result.raw_data["token_request"]["status_code"] == 200
    refused = website("/token", "good", oauth2={**way, "client_secret": "wrong"})
    assert refused.is_error()
    assert "401" in refused.message
    assert "invalid_client" in refused.message


def test_a_password_is_not_sent_in_clear_text(website, nginx):
    path = "/private?in-clear-text"
    assert website(path, **LOGIN).is_error()
    assert path not in (nginx.home.log / "access").read_text()


def test_a_body_that_comes_too_slowly(website, nginx):
    result = website("/drip", timeout=0.5)
    assert (result.status, result.kind) == ("error", "timeout")
    assert result.message == f"no complete answer from localhost (127.0.0.1:{nginx.http}) within 0.5 s"
    assert result.response_time < 1.5


def test_a_body_is_measured_when_it_is_unpacked(website):
    result = website("/packed", expected_headers={"content-encoding": "gzip"}, expected_content="All work and no play.")
    assert result.is_success(), result.message
    assert result.raw_data["size"] == 2_200_000
    assert website("/packed", max_body_bytes=100_000).message == "the body is longer than 100000 bytes"


@pytest.mark.parametrize(
    "kind, message",
    [
        ("expired", "expired 3.0 days ago"),
        ("incomplete", "unknown issuer 'CN=MonitorPy Lab Intermediate'"),
        ("wrong_host", "wrong host: not valid for 'localhost' (it is for elsewhere.lab.test)"),
        ("self_signed", "self-signed certificate"),
    ],
)
def test_a_bad_certificate(website, nginx, kind, message):
    result = website("/", kind)
    assert (result.status, result.fault, result.kind) == ("error", "target", "tls")
    assert result.message.startswith(f"certificate of localhost (127.0.0.1:{nginx.tls[kind]}) is not valid: {message}")
    assert website("/", kind, verify_ssl=False, expected_content=f"of {kind}").is_success()


def test_an_authority_that_is_not_trusted(website):
    result = website("/", "good", ca_file=None)
    assert (result.status, result.kind) == ("error", "tls")
    assert "unknown issuer" in result.message


def test_the_days_that_the_certificate_has_left(website):
    assert website("/", "expiring", warning_days=25, critical_days=10).is_warning()
    assert website("/", "expiring", warning_days=40, critical_days=25).is_error()
    assert website("/", "expiring", warning_days=15, critical_days=10).is_success()


def test_a_host_at_another_address(nginx, certificates):
    """SNI, the name in the certificate and Host are those of the URL."""
    there = {"url": f"https://elsewhere.lab.test:{nginx.tls['wrong_host']}/", "resolve_to": "127.0.0.1", "timeout": 5}
    result = run_check("website_status", {**there, "ca_file": str(certificates.ca_file), "expected_content": "of wrong_host"})
    assert result.is_success(), result.message
    assert result.raw_data["address"] == "127.0.0.1"


def test_limits_of_phases(website):
    result = website("/", "good", max_phase_time={"connect": 5, "tls": 0.000_001, "first_byte": {"warning": 0.000_001, "error": 5}})
    assert result.is_error()
    assert sorted(failure.path for failure in result.failures) == ["phases.first_byte", "phases.tls"]


def test_a_schema(website):
    schema = {
        "type": "object",
        "required": ["status"],
        "properties": {"queue": {"properties": {"depth": {"type": "integer", "maximum": 41}}}},
    }
    result = website("/health", json_schema=schema)
    assert result.is_error()
    assert "json.queue.depth" in result.message
    schema["properties"]["queue"]["properties"]["depth"]["maximum"] = 42
    assert website("/health", json_schema=schema).is_success()


def test_an_old_protocol(website, nginx):
    result = website(port=nginx.old)
    assert (result.status, result.kind) == ("error", "tls")
    assert f"localhost (127.0.0.1:{nginx.old})" in result.message


def test_a_client_certificate(website, nginx, certificates):
    own = {"client_cert": str(certificates.client.chain_file), "client_key": str(certificates.client.key_file)}
    result = website(port=nginx.mtls, expected_content="hello CN=client.lab.test\n", **own)
    assert result.is_success(), result.message
    without = website(port=nginx.mtls)
    assert without.message == "expected status 2xx, got 400 Bad Request"
    assert "No required SSL certificate was sent" in without.raw_data["body"]
    server = {"client_cert": str(certificates.good.chain_file), "client_key": str(certificates.good.key_file)}
    for_servers = website(port=nginx.mtls, **server)
    assert for_servers.is_error()
    assert "The SSL certificate error" in for_servers.raw_data["body"]


def test_http_to_a_port_for_https(website, nginx):
    result = run_check("website_status", {"url": f"http://localhost:{nginx.tls['good']}/", "timeout": 5})
    assert result.message == "expected status 2xx, got 400 Bad Request"
    other = website(port=nginx.http)
    assert (other.status, other.kind) == ("error", "tls")
