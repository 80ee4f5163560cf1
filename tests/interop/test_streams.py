"""grpc_health and websocket against servers of gRPC's own library and of websockets', reached through nginx."""

from __future__ import annotations

import threading
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
import pytest
from websockets.sync.server import serve

from monitorpy import run_check
from monitorpy.net.connect import connect
from monitorpy.net.deadline import Deadline

from .servers.program import HOST, fill, find, free_port, home, running

CONFIG = """
daemon off;
pid nginx.pid;
worker_processes 1;
error_log stderr warn;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  proxy_http_version 1.1;
  proxy_set_header Connection upgrade;
  proxy_set_header Upgrade $http_upgrade;
  server { listen @host@:@plain@ http2; location / { grpc_pass grpc://@host@:@grpc@; } }
  server { listen @host@:@hasty@ http2; keepalive_requests 1; location / { grpc_pass grpc://@host@:@grpc@; } }
  server { listen @host@:@lame@ http2; location / { grpc_pass grpc://@host@:1; } }
  server {
    listen @host@:@secure@ ssl http2;
    ssl_certificate @certificate@;
    ssl_certificate_key @key@;
    location / { grpc_pass grpc://@host@:@grpc@; }
    location = /live { proxy_pass http://@host@:@websocket@; }
  }
  server {
    listen @host@:@web@;
    location = / { return 200 "a page"; }
    location = /moved { return 301 /live; }
    location = /live { proxy_pass http://@host@:@websocket@; }
    location = /lame { proxy_pass http://@host@:1; }
  }
}
"""


@dataclass(frozen=True)
class Ports:
    """Of gRPC: ``plain``, ``hasty`` that takes one request per connection, ``lame`` with nobody behind; ``secure`` of both; ``web``."""

    plain: int
    hasty: int
    lame: int
    secure: int
    web: int


class Health(grpc.GenericRpcHandler):
    """Says SERVING."""

    def service(self, details):
        known = details.method == "/grpc.health.v1.Health/Check"
        return grpc.unary_unary_rpc_method_handler(lambda asked, context: b"\x08\x01") if known else None


@contextmanager
def _grpc():
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([Health()])
    port = server.add_insecure_port(f"{HOST}:0")
    server.start()
    yield port
    server.stop(None).wait(5)


@contextmanager
def _websocket():
    def echo(there):
        for message in there:
            there.send(message)

    with serve(echo, HOST, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join(5)


@pytest.fixture(scope="module")
def ports(certificates):
    program = find("nginx")
    with home("nginx") as place, _grpc() as grpc_port, _websocket() as websocket_port:
        made = Ports(*(free_port() for _ in range(5)))
        chain, key = place.copy(certificates.good.chain_file, certificates.good.key_file)
        place.path.joinpath("tmp").mkdir()
        behind = {"grpc": grpc_port, "websocket": websocket_port}
        place.write("nginx.conf", fill(CONFIG, host=HOST, certificate=chain, key=key, **vars(made), **behind))
        command = [program, "-p", f"{place.path}/", "-c", "nginx.conf", "-e", "stderr"]
        with running(command, place, lambda: connect(HOST, made.web, Deadline(5), phases={}).close()):
            yield made


@pytest.fixture
def tls(certificates):
    return {"ca_file": str(certificates.ca_file)}


def health(port, **config):
    return run_check("grpc_health", {"host": "localhost", "port": port, "ip_family": "ipv4", "service": "shop.Orders", **config})


def live(port, path="/live", scheme="ws", **config):
    return run_check("websocket", {"url": f"{scheme}://localhost:{port}{path}", "ip_family": "ipv4", **config})


def test_health(ports, tls):
    assert health(ports.plain).is_success()
    assert health(ports.secure, tls=True, **tls, warning_days=1).is_success()


def test_health_of_a_server_that_says_goodbye_before_it_answers(ports):
    result = health(ports.hasty)
    assert result.is_success(), result


@pytest.mark.parametrize(
    "port, config, said",
    [
        ("lame", {}, "does not speak gRPC here: it answered with HTTP status 502"),
        ("web", {}, "does not speak HTTP/2: it answered 'HTTP/1.1 400 Bad Request'"),
        ("secure", {}, "does not speak HTTP/2: it answered 'HTTP/1.1 400 Bad Request'"),
        ("web", {"tls": True}, "does not speak TLS here"),
        ("secure", {"tls": True}, "unknown issuer"),
    ],
)
def test_no_health(ports, port, config, said):
    result = health(getattr(ports, port), **config)
    assert (result.status, result.fault) == ("error", "target")
    assert said in result.message


def test_websocket(ports, tls):
    for result in (live(ports.web, send="hello", expect="hello", ping=True), live(ports.secure, scheme="wss", send="x", expect="x", **tls)):
        assert result.is_success(), result
        assert (result.raw_data["status_code"], result.raw_data["close_code"]) == (101, 1000)


@pytest.mark.parametrize(
    "path, said",
    [
        ("/", 'expected status 101, got 200 OK: "a page"'),
        ("/moved", "got 301 Moved Permanently (a redirect to http://localhost:"),
        ("/lame", "got 502 Bad Gateway"),
        ("/nowhere", "got 404 Not Found"),
    ],
)
def test_no_websocket(ports, path, said):
    result = live(ports.web, path)
    assert [failure.path for failure in result.failures] == ["status_code"]
    assert said in result.message
