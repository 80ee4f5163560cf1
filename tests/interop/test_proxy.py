"""website_status through tinyproxy (HTTP) and dante (SOCKS 5), to nginx."""

from __future__ import annotations

import pytest

from monitorpy.core.registry import run_check

from .servers.program import free_port

LOGIN = {"proxy_username": "user", "proxy_password": "secret"}
both = pytest.mark.parametrize("tls", [False, True], ids=["forwarded", "tunnel"])
versions = pytest.mark.parametrize("scheme", ["socks5", "socks5h"])


@pytest.fixture
def through(nginx, certificates):
    """Runs website_status through a proxy."""

    def run(proxy, url=None, *, tls=False, scheme="http", **config):
        url = url or (f"https://localhost:{nginx.tls['good']}/health" if tls else f"http://localhost:{nginx.http}/health")
        way = {"proxy": f"{scheme}://127.0.0.1:{proxy.port}", "ca_file": str(certificates.ca_file), "timeout": 5}
        return run_check("website_status", {"url": url, **way, **config})

    return run


@both
def test_http(through, tinyproxy, tls):
    result = through(tinyproxy, tls=tls, expected_json={"$.status": "ok"}, **LOGIN)
    assert result.is_success(), result.message
    assert result.raw_data["address"] == "127.0.0.1"
    assert ("via" in result.raw_data["headers"]) is not tls


@both
def test_without_credentials(through, nginx, tinyproxy, tls):
    refused = f"a tunnel to localhost:{nginx.tls['good']}" if tls else "the request"
    result = through(tinyproxy, tls=tls)
    assert (result.status, result.kind) == ("error", "connect")
    assert result.message == (
        f"the proxy 127.0.0.1:{tinyproxy.port} refused {refused}: it wants credentials (407 Proxy Authentication Required)"
    )


def test_with_the_wrong_password(through, nginx, tinyproxy):
    wrong = LOGIN | {"proxy_password": "wrong"}
    assert through(tinyproxy, tls=True, **wrong).message == (
        f"the proxy 127.0.0.1:{tinyproxy.port} refused a tunnel to localhost:{nginx.tls['good']}: "
        "it did not accept the user name and password (401 Unauthorized)"
    )
    assert through(tinyproxy, **wrong).message == "expected status 2xx, got 401 Unauthorized"  # as if the website had said it


def test_a_server_that_the_proxy_does_not_reach(through, tinyproxy):
    port = free_port()
    assert through(tinyproxy, f"https://localhost:{port}/", **LOGIN).message == (
        f"the proxy 127.0.0.1:{tinyproxy.port} refused a tunnel to localhost:{port}: 500 Unable to connect"
    )
    assert through(tinyproxy, f"http://localhost:{port}/", **LOGIN).message == "expected status 2xx, got 500 Unable to connect"


@pytest.mark.parametrize("way", ["http", "socks5", "socks5h"])
def test_the_certificate_behind_a_tunnel_is_verified(through, nginx, tinyproxy, dante, way):
    proxy, login = (tinyproxy, LOGIN) if way == "http" else (dante, {})
    result = through(proxy, f"https://localhost:{nginx.tls['expired']}/", scheme=way, **login)
    assert (result.status, result.kind) == ("error", "tls")
    assert "expired 3.0 days ago" in result.message


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
def test_nobody_at_the_port_of_the_proxy(nginx, scheme):
    port = free_port()
    proxy = f"{scheme}://127.0.0.1:{port}"
    result = run_check("website_status", {"url": f"http://localhost:{nginx.http}/", "proxy": proxy, "timeout": 5})
    assert (result.status, result.kind) == ("error", "connect")
    assert f"127.0.0.1:{port}" in result.message
    assert "refused" in result.message


@both
@versions
def test_socks(through, dante, scheme, tls):
    result = through(dante, tls=tls, scheme=scheme, expected_json={"$.status": "ok"})
    assert result.is_success(), result.message
    assert result.raw_data["address"] == "127.0.0.1"


@versions
def test_an_address_that_the_rules_forbid(through, nginx, dante, scheme):
    result = through(dante, f"http://127.0.0.3:{nginx.http}/", scheme=scheme)
    assert (result.status, result.kind) == ("error", "connect")
    assert result.message == (
        f"the proxy 127.0.0.1:{dante.port} refused a connection to 127.0.0.3:{nginx.http}: "
        "connection not allowed by ruleset (SOCKS reply 2)"
    )


@versions
def test_a_server_that_is_not_there(through, dante, scheme):
    port = free_port()
    result = through(dante, f"http://localhost:{port}/", scheme=scheme)
    assert result.message == f"the proxy 127.0.0.1:{dante.port} cannot reach localhost:{port}: connection refused (SOCKS reply 5)"


def test_a_name_that_the_proxy_cannot_resolve(through, dante):
    result = through(dante, "http://nowhere.invalid/", scheme="socks5h")
    assert result.message == f"the proxy 127.0.0.1:{dante.port} cannot reach nowhere.invalid:80: host unreachable (SOCKS reply 4)"
    here = through(dante, "http://nowhere.invalid/", scheme="socks5")
    assert here.kind == "resolve"


def test_a_proxy_of_the_other_kind(through, tinyproxy, dante):
    silent = through(tinyproxy, scheme="socks5", timeout=1)
    assert (silent.status, silent.kind) == ("error", "timeout")
    assert silent.message == f"no answer from the proxy 127.0.0.1:{tinyproxy.port} within 1 s"
    closed = through(dante)
    assert closed.is_error()
    assert closed.message == f"the proxy 127.0.0.1:{dante.port} closed the connection without an answer"
