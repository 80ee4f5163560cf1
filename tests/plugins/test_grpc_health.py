from __future__ import annotations

import sys
from concurrent import futures

import grpc
import pytest

from monitorpy.core.registry import registry, run_check
from monitorpy.lab.faults import ClosedPort, JunkServer, ResettingServer, SilentServer, TricklingServer
from monitorpy.lab.http_server import HttpServer


class Handler(grpc.GenericRpcHandler):
    """The health service, served by gRPC's own library; services are named after what it says of them."""

    ANSWERS = {b"down": b"\x08\x02", b"unknown": b"", b"odd": b"\x08\x09"}

    def __init__(self):
        self.metadata = []

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(self.check) if details.method == "/grpc.health.v1.Health/Check" else None

    def check(self, asked, context):
        self.metadata.append(dict(context.invocation_metadata()))
        name = asked[2:]
        if name == b"nobody":
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service nobody")
        if name == b"locked":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "")
        return self.ANSWERS.get(name, b"\x08\x01")


@pytest.fixture
def start():
    """Starts a server; gives its handler, which knows the port."""
    servers = []

    def run(handlers=None, certificate=None):
        handler = Handler()
        server = grpc.server(futures.ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers([handler] if handlers is None else handlers)
        if certificate:
            pair = (certificate.key_file.read_bytes(), certificate.chain_file.read_bytes())
            handler.port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
        else:
            handler.port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return handler

    yield run
    for server in servers:
        server.stop(None).wait(5)


def check(port, **config):
    return run_check("grpc_health", {"host": "127.0.0.1", "port": port, "timeout": 5, **config})


def test_serving(start):
    port = start().port
    result = check(port, service="shop.Orders")
    assert result.is_success(), result
    assert result.message == f"service 'shop.Orders' at 127.0.0.1:{port} is SERVING"
    assert result.raw_data == {
        "host": "127.0.0.1",
        "port": port,
        "address": "127.0.0.1",
        "service": "shop.Orders",
        "serving_status": "SERVING",
        "grpc_status": "OK",
        "grpc_message": "",
        "certificate": None,
    }
    assert result.phases["connect"] > 0
    assert result.phases["first_byte"] > 0
    assert result.phases["tls"] is None
    assert check(port).message == f"the server at 127.0.0.1:{port} is SERVING"


@pytest.mark.parametrize(
    "config, path, message",
    [
        ({"service": "down"}, "serving_status", "service 'down': expected SERVING, got NOT_SERVING"),
        ({"service": "unknown"}, "serving_status", "service 'unknown': expected SERVING, got UNKNOWN"),
        ({"service": "odd"}, "serving_status", "service 'odd': expected SERVING, got 9"),
        ({"expected_status": "NOT_SERVING"}, "serving_status", "the server: expected NOT_SERVING, got SERVING"),
        (
            {"service": "nobody"},
            "serving_status",
            "service 'nobody': expected SERVING, got SERVICE_UNKNOWN (it does not know the service: 'unknown service nobody')",
        ),
        ({"service": "locked"}, "grpc_status", "service 'locked': expected SERVING, got the gRPC status UNAUTHENTICATED"),
        ({"max_response_time": 1e-9}, "response_time", "response time "),
    ],
)
def test_what_is_not_as_expected(start, config, path, message):
    result = check(start().port, **config)
    assert result.is_error()
    assert (result.fault, result.kind) == ("target", "expectation")
    assert [failure.path for failure in result.failures] == [path]
    assert result.message.startswith(message)


@pytest.mark.parametrize("service, status", [("down", "NOT_SERVING"), ("nobody", "SERVICE_UNKNOWN"), ("unknown", "UNKNOWN")])
def test_another_status_may_be_expected(start, service, status):
    assert check(start().port, service=service, expected_status=status).is_success()


def test_a_server_without_the_health_service(start):
    result = check(start(handlers=[]).port)
    assert "the gRPC status UNIMPLEMENTED (it has no health service: 'Method not found!')" in result.message


def test_over_tls(start, lab_certificates):
    port = start(certificate=lab_certificates.expiring).port
    config = {"tls": True, "ca_file": str(lab_certificates.ca_file)}
    result = check(port, **config, warning_days=19, server_name="localhost")
    assert result.is_success(), result
    assert result.raw_data["certificate"]["days_remaining"] == pytest.approx(20, abs=0.1)
    assert result.phases["tls"] > 0
    assert check(port, **config, warning_days=30).status == "warning"
    assert check(port, **config, critical_days="50%").is_error()
    assert check(port, tls=True).kind == "tls"
    assert check(port, tls=True, verify_ssl=False).is_success()
    wrong = check(port, **config, server_name="elsewhere.test")
    assert "wrong host" in wrong.message


def test_in_clear_text_where_tls_is_spoken(start, lab_certificates):
    result = check(start(certificate=lab_certificates.good).port)
    assert (result.status, result.fault) == ("error", "target")
    assert "closed the connection without a word (does it want TLS?)" in result.message


@pytest.mark.parametrize("protocols, said", [(["http/1.1"], "it chose nothing"), (["h2"], None)])
def test_http2_must_be_agreed_to(lab_certificates, protocols, said):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(lab_certificates.good.chain_file, lab_certificates.good.key_file)
    context.set_alpn_protocols(protocols)
    with HttpServer(tls=context) as server:
        result = check(server.port, tls=True, ca_file=str(lab_certificates.ca_file))
    assert result.is_error()
    assert (f"does not agree to HTTP/2 in TLS (ALPN): {said}" if said else "does not speak HTTP/2") in result.message


def test_metadata_and_tokens(start, lab_certificates):
    plain, secure = start(), start(certificate=lab_certificates.good)
    assert check(plain.port, metadata={"x-tenant": "seven"}).is_success()
    assert plain.metadata[0]["x-tenant"] == "seven"
    for credentials in ({"bearer": "t0ken-of-ours"}, {"metadata": {"authorization": "Basic abc"}}):
        refused = check(plain.port, **credentials)
        assert (refused.fault, len(plain.metadata)) == ("config", 1)
        assert "credentials would be sent in clear text" in refused.message
    assert check(plain.port, bearer="t0ken-of-ours", allow_plaintext_auth=True).is_success()
    result = check(secure.port, bearer="t0ken-of-ours", tls=True, ca_file=str(lab_certificates.ca_file))
    assert result.is_success(), result
    assert secure.metadata[0]["authorization"] == "Bearer t0ken-of-ours"


@pytest.mark.parametrize(
    "server, kind",
    [
        (SilentServer, "timeout"),
        (TricklingServer, "protocol"),
        (ResettingServer, "reset"),
        (JunkServer, "protocol"),
        (ClosedPort, "connect"),
        (HttpServer, "protocol"),
    ],
)
def test_servers_that_are_none(server, kind, ms):
    with server() as started:
        result = check(started.port, timeout=300 * ms)
    assert result.is_error()
    assert (result.fault, result.kind) == ("target", kind)
    assert result.raw_data["serving_status"] is None


@pytest.mark.parametrize(
    "name, authority", [("::1", "[::1]:50051"), ("b\u00fccher.test", "xn--bcher-kva.test:50051"), ("127.0.0.1", "127.0.0.1:50051")]
)
def test_the_authority(monkeypatch, name, authority):
    seen = []

    class Connected:
        address = "::1"

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr("monitorpy.plugins.grpc_health.connect", lambda *_, **__: Connected())
    monkeypatch.setattr("monitorpy.plugins.grpc_health.check_health", lambda *_, authority, **__: seen.append(authority) or 1 / 0)
    assert run_check("grpc_health", {"host": name, "port": 50051}).fault == "plugin"
    assert seen == [authority]


@pytest.mark.parametrize(
    "config, message",
    [
        ({"warning_days": 3}, "warning_days without tls: true would not be looked at"),
        ({"client_cert": "c.pem"}, "client_cert without tls: true would not be looked at"),
        ({"bearer": "x", "tls": True, "metadata": {"authorization": "y"}}, "exclude one another"),
        ({"metadata": {"X-Upper": "1"}}, "use lower case"),
        ({"metadata": {"grpc-timeout": "1S"}}, "none of the protocol's own"),
        ({"metadata": {"te": "x"}}, "none of the protocol's own"),
        ({"metadata": {"transfer-encoding": "chunked"}}, "none of the protocol's own"),
        ({"metadata": {"data-bin": "x"}}, "would have to be binary"),
        ({"metadata": {"x-name": "\u00fc"}}, "the value of x-name must be printable ASCII characters"),
        ({"metadata": {"x-name": ""}}, "the value of x-name must be printable ASCII characters"),
        ({"bearer": "two words", "tls": True}, "bearer: must be a token of printable ASCII characters"),
        ({"bearer": "", "tls": True}, "bearer: must be a token"),
        ({"server_name": "a b"}, "server_name: must be a host name or an IP address, not 'a b'"),
        ({"server_name": "a..b"}, "server_name: must be a host name or an IP address, not 'a..b'"),
        ({"host": "http://x"}, "host: must be a host name or an IP address, not 'http://x'"),
        ({"service": "\ud800"}, "service: "),
        ({"expected_status": "serving"}, "must be 'SERVING', 'NOT_SERVING', 'UNKNOWN' or 'SERVICE_UNKNOWN', not 'serving'"),
        ({"port": "50051"}, "must be an integer"),
    ],
)
def test_refused_configs(config, message):
    plugin = registry.get_plugin("grpc_health", {"host": "127.0.0.1", "port": 50051, **config})
    assert message in " ".join(map(str, plugin.config_issues()))


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "h2.connection", None)
    result = check(1)
    assert (result.status, result.fault) == ("error", "environment")
    assert "pip install 'monitorpy[grpc]'" in result.message
