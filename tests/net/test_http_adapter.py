from __future__ import annotations

import ssl
from contextlib import suppress
from time import monotonic

import pytest
import requests

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.http_adapter import DirectAdapter, HttpOptions
from monitorpy.net.proxy import Proxy
from monitorpy.net.tls import TlsSettings


@pytest.fixture
def adapter(deadline):
    return DirectAdapter(HttpOptions(), deadline, {})


def test_it_serves_a_session_of_requests(site, reply, adapter):
    server = site({"/": reply(200, b"hello", "Content-Type: text/plain", "X-Twice: 1", "X-Twice: 2")})
    with requests.Session() as session:
        session.mount("http://", adapter)
        response = session.post(server.url, data=b"body", headers={"X-Given": "yes"}, proxies={"http": None})
    assert (response.status_code, response.reason, response.text) == (200, "OK", "hello")
    assert response.headers["x-twice"] == "1, 2"
    (hop,) = adapter.hops
    assert (hop.url, hop.status_code, hop.http_version, hop.address) == (f"{server.url}/", 200, "1.1", "127.0.0.1")
    head, _, body = server.received[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % server.port)
    assert b"X-Given: yes" in head
    assert body == b"body"


def test_the_phases_of_each_hop_and_their_sums(site, reply, adapter):
    server = site({"/": reply(200, b"hello")})
    for _ in range(2):
        adapter.send(requests.Request("GET", server.url).prepare())
    one, two = (hop.phases for hop in adapter.hops)
    assert [name for name, seconds in one.items() if seconds is None] == ["tls"]
    assert adapter.phases == {name: one[name] + two[name] for name in one if name != "tls"}


def test_what_was_reached_is_timed_when_it_breaks_off(serve, adapter, ms):
    adapter.deadline = Deadline(50 * ms)
    server = serve(lambda connection, server: server.stopped.wait(20))
    with pytest.raises(NetError, match="no answer from"):
        adapter.send(requests.Request("GET", server.url).prepare())
    phases = adapter.hops[0].phases
    assert phases["first_byte"] >= 40 * ms
    assert (phases["tls"], phases["transfer"]) == (None, None)


def test_tls_with_the_name_of_the_url_at_a_pinned_address(site, reply, authority, deadline):
    asked = []
    context = authority.context(names=("shop.test",))
    context.sni_callback = lambda sock, name, _: asked.append(name)
    server = site({"/": reply(200, b"hello")}, context)
    adapter = DirectAdapter(HttpOptions(tls=TlsSettings(ca_file=authority.ca_file), address="127.0.0.1"), deadline, {})
    adapter.send(requests.Request("GET", f"https://shop.test:{server.port}/").prepare())
    assert asked == ["shop.test"]
    assert b"Host: shop.test:%d\r\n" % server.port in server.received[0]
    hop = adapter.hops[0]
    assert hop.phases["tls"] > 0
    assert ssl.DER_cert_to_PEM_cert(hop.certificate).startswith("-----BEGIN")


def test_a_failed_handshake_closes_the_connection(serve, adapter):
    server = serve(lambda connection, _: (connection.recv(9999), connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")))
    with pytest.raises(NetError, match="does not speak TLS here"):
        adapter.send(requests.Request("GET", server.url.replace("http", "https")).prepare())
    assert adapter.phases["tls"] > 0


def test_a_refusal_before_the_body_is_sent(serve, reply, adapter):
    def talk(connection, _server):
        connection.recv(100)
        connection.sendall(reply(413, b"too large", reason="Content Too Large"))

    response = adapter.send(requests.Request("POST", serve(talk).url, data=b"x" * 20_000_000).prepare())
    assert response.status_code == 413


def test_no_answer_to_a_body(serve, adapter, reset):
    server = serve(lambda connection, _: (connection.recv(100), reset(connection)))
    with pytest.raises(NetError, match="while sending") as caught:
        adapter.send(requests.Request("POST", server.url, data=b"x" * 20_000_000).prepare())
    assert (caught.value.phase, caught.value.kind) == ("send", "reset")


def test_a_body_that_nobody_reads_ends_at_the_deadline(serve, adapter, ms):
    server = serve(lambda connection, server: server.stopped.wait(20))
    request = requests.Request("POST", server.url, data=b"x" * 50_000_000).prepare()
    adapter.deadline = Deadline(200 * ms)
    started = monotonic()
    with pytest.raises(NetError, match="could not send") as caught:
        adapter.send(request)
    assert caught.value.kind == "timeout"
    assert monotonic() - started < 200 * ms + 1


def pipe(source, sink):
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):  # the other side may be gone
        sink.shutdown(2)


@pytest.fixture
def proxy(serve):
    """A proxy that leads every tunnel to that server, and answers plain requests itself."""
    import socket
    import threading

    def start(target, answer=b"HTTP/1.1 200 Connection established\r\n\r\n"):
        def talk(connection, server):
            server.read_request(connection)
            connection.sendall(answer)
            if server.received[-1].startswith(b"CONNECT") and b" 200 " in answer:
                with socket.create_connection(("127.0.0.1", target.port)) as upstream:
                    thread = threading.Thread(target=pipe, args=(upstream, connection), daemon=True)
                    thread.start()
                    try:
                        pipe(connection, upstream)
                    finally:
                        thread.join(5)

        return serve(talk)

    return start


def test_http_through_a_proxy(site, reply, proxy, deadline):
    way = proxy(None, reply(200, b"from the proxy"))
    adapter = DirectAdapter(HttpOptions(proxy=Proxy.parse(way.url), address="192.0.2.1"), deadline, {})
    response = adapter.send(requests.Request("GET", "http://shop.test/page?x=1#part").prepare())
    assert response.content == b"from the proxy"
    assert way.received[0].startswith(b"GET http://shop.test/page?x=1 HTTP/1.1\r\nHost: shop.test\r\n")


@pytest.mark.parametrize("host", ["localhost", "[::1]"])
def test_https_through_a_tunnel(site, reply, authority, proxy, deadline, host):  # noqa: PLR0917 - fixtures
    server = site({"/": reply(200, b"hello")}, authority.context(names=("localhost", "::1")))
    way = proxy(server)
    options = HttpOptions(proxy=Proxy.parse(way.url), tls=TlsSettings(ca_file=authority.ca_file))
    response = DirectAdapter(options, deadline, {}).send(requests.Request("GET", f"https://{host}:444/").prepare())
    assert response.content == b"hello"
    assert way.received[0].startswith(b"CONNECT %s:444 HTTP/1.1\r\n" % host.encode())
    assert server.received[0].startswith(b"GET / HTTP/1.1\r\n")


def test_credentials_for_the_proxy_are_for_the_proxy(site, reply, authority, proxy, deadline):
    server = site({"/": reply(200, b"hello")}, authority.context())
    way = proxy(server)
    options = HttpOptions(proxy=Proxy.parse(way.url, "user", "secret"), tls=TlsSettings(ca_file=authority.ca_file))
    DirectAdapter(options, deadline, {}).send(requests.Request("GET", "https://localhost:444/").prepare())
    assert b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=" in way.received[0]
    assert b"roxy" not in server.received[0]
    DirectAdapter(options, deadline, {}).send(requests.Request("GET", "http://shop.test/").prepare())
    assert b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=" in way.received[1]


@pytest.mark.parametrize(
    "credentials, text",
    [((), "it wants credentials"), (("user", "secret"), "it did not accept the user name and password")],
)
def test_a_proxy_that_wants_to_know_who_asks(proxy, deadline, reply, credentials, text):
    way = proxy(None, reply(407, b"", reason="Who"))
    adapter = DirectAdapter(HttpOptions(proxy=Proxy.parse(way.url, *credentials)), deadline, {})
    with pytest.raises(NetError, match=rf"^the proxy 127\.0\.0\.1:{way.port} refused the request: {text} \(407 Who\)$") as caught:
        adapter.send(requests.Request("GET", "http://shop.test/").prepare())
    assert "secret" not in str(caught.value)


def test_407_without_a_proxy_is_an_answer(site, reply, adapter):
    assert adapter.send(requests.Request("GET", site({"/": reply(407)}).url).prepare()).status_code == 407


@pytest.mark.parametrize(
    "url, host", [("http://shop.test:80/", b"shop.test"), ("http://shop.test:443/", b"shop.test:443"), ("http://[::80]/", b"[::80]")]
)
def test_host(site, reply, proxy, deadline, url, host):  # noqa: PLR0917 - fixtures
    way = proxy(None, reply())
    DirectAdapter(HttpOptions(proxy=Proxy.parse(way.url)), deadline, {}).send(requests.Request("GET", url).prepare())
    assert b"\r\nHost: %s\r\n" % host in way.received[0]


def test_headers_over_several_lines(site, adapter):
    server = site({"/": b"HTTP/1.1 200 OK\r\nX: a\r\n  b\r\n\tc\r\nSet-Cookie: d\r\nset-cookie: e\r\nSet-Cookie: f\r\n\r\n"})
    response = adapter.send(requests.Request("GET", server.url).prepare())
    assert response.headers == {"X": "a b c", "Set-Cookie": "d, e, f"}
    assert adapter.hops[0].repeated == {"set-cookie": ["d", "e", "f"]}


def test_it_closes(adapter):
    adapter.close()


@pytest.mark.parametrize("follow", [True, False])
def test_the_body_of_a_redirect_is_read_if_it_is_the_answer(site, deadline, follow):
    server = site({"/": b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 4\r\n\r\nmove"})
    adapter = DirectAdapter(HttpOptions(follow_redirects=follow), deadline, {})
    response = adapter.send(requests.Request("GET", server.url).prepare())
    assert response.content == (b"" if follow else b"move")
    assert adapter.leads_elsewhere(response) is follow
