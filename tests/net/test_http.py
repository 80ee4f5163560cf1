from __future__ import annotations

import gzip
import ssl
from time import monotonic

import pytest
from requests.auth import HTTPDigestAuth

from monitorpy.errors import NetError
from monitorpy.net import http, tls
from monitorpy.net.deadline import Deadline
from monitorpy.net.http import HttpOptions
from monitorpy.net.tls import TlsSettings


@pytest.fixture
def fetch(deadline):
    def ask(url, phases=None, **how):
        return http.fetch(url, **{"deadline": deadline, "phases": {} if phases is None else phases, **how})

    return ask


def to(location, status=302, *headers):
    """A redirect, with a body that nobody needs."""
    lines = [f"HTTP/1.1 {status} Found", f"Location: {location}", "Content-Length: 4", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\nmove"


def test_an_exchange(site, reply, fetch):
    server = site({"/a?b=c": reply(200, b"hello", "Content-Type: text/plain", "X-Twice: 1", "x-twice: 2")})
    phases = {}
    exchange = fetch(f"{server.url}/a?b=c", phases)
    assert (exchange.status_code, exchange.reason, exchange.body, exchange.truncated) == (200, "OK", b"hello", False)
    assert exchange.headers == {"content-type": "text/plain", "x-twice": "1, 2", "content-length": "5"}
    assert (exchange.url, exchange.http_version, exchange.address) == (f"{server.url}/a?b=c", "1.1", "127.0.0.1")
    assert (exchange.certificate, exchange.redirects, len(exchange.hops)) == (None, (), 1)
    assert phases["tls"] is None
    assert sum(filter(None, phases.values())) <= exchange.seconds < 5
    request = server.received[0].decode()
    assert "Accept-Encoding: gzip, deflate\r\n" in request
    assert "Connection: close\r\n" in request
    assert "Content-Length" not in request


def test_headers_method_and_body_are_ours_to_set(site, reply, fetch):
    server = site({"/": reply()})
    fetch(server.url, method="PUT", headers={"user-agent": "me"}, body=b"hello")
    head, _, body = server.received[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PUT / ")
    assert head.lower().count(b"user-agent: ") == 1
    assert b"Content-Length: 5" in head
    assert body == b"hello"


def test_the_environment_does_not_leak_in(site, reply, fetch, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server = site({"/": reply()})
    assert fetch(server.url).status_code == 200
    assert b"uthorization" not in server.received[0]


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://", "no url", "http://127.0.0.1:99999/", "http://*.example/"])
def test_urls_that_cannot_be_asked_for(fetch, url):
    with pytest.raises(NetError, match="cannot ask for") as caught:
        fetch(url)
    assert (caught.value.kind, caught.value.fault) == ("config", "config")


def test_headers_that_cannot_be_sent(fetch):
    with pytest.raises(NetError, match="header value"):
        fetch("http://127.0.0.1:1/", headers={"X": "a\r\nInjected: yes"})


def test_a_closed_port(fetch, closed_port):
    phases = {}
    with pytest.raises(NetError, match="refused the connection"):
        fetch(f"http://127.0.0.1:{closed_port}", phases)
    assert phases["connect"] is not None
    assert (phases["tls"], phases["first_byte"], phases["transfer"]) == (None, None, None)


# what misbehaves, and never outlives its deadline


def hang(connection, server):
    server.read_request(connection)
    server.stopped.wait(20)


def trickle(first, piece):
    def talk(connection, server):
        server.read_request(connection)
        connection.sendall(first)
        while not server.stopped.wait(0.02):
            connection.sendall(piece)

    return talk


def flood(connection, server):
    server.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not server.stopped.is_set():
        connection.sendall(b"x" * 65536)


@pytest.mark.parametrize(
    "talk, text",
    [
        (hang, "no answer from"),
        (trickle(b"", b"H"), "no complete answer from"),
        (trickle(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"[:1]), "no complete answer from"),
        (trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "no complete answer from"),
        (trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"), "no complete answer from"),
        (trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), "no complete answer from"),
        (trickle(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x", mtime=0)[:10], b""), "no complete answer from"),
    ],
)
@pytest.mark.parametrize("secured", [False, True], ids=["http", "https"])
def test_a_peer_that_takes_its_time(serve, fetch, authority, ms, talk, text, secured):  # noqa: PLR0917 - fixtures
    server = serve(talk, authority.context() if secured else None)
    started = monotonic()
    with pytest.raises(NetError, match=text) as caught:
        fetch(server.url, deadline=Deadline(200 * ms), options=HttpOptions(tls=TlsSettings(verify=False)))
    assert caught.value.kind == "timeout"
    assert monotonic() - started < 200 * ms + 1


def test_endless_headers(serve, fetch):
    with pytest.raises(NetError, match="got more than 100 headers"):
        fetch(serve(trickle(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 30)).url)


def test_an_endless_body_is_cut_at_the_limit(serve, fetch):
    exchange = fetch(serve(flood).url, options=HttpOptions(max_body=100_000))
    assert (len(exchange.body), exchange.truncated) == (100_000, True)


def test_a_truncated_body_is_an_error(serve, fetch):
    phases = {}
    with pytest.raises(NetError, match="closed the connection 5 bytes before the end of the body") as caught:
        fetch(serve(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").url, phases)
    assert (caught.value.phase, caught.value.kind) == ("transfer", "protocol")
    assert phases["transfer"] is not None


@pytest.mark.parametrize("secured", [False, True], ids=["http", "https"])
def test_a_reset_in_a_body_without_length(serve, fetch, authority, reset, secured):
    def talk(connection, server):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhel")
        server.stopped.wait(0.1)  # so that the client has read it: a reset throws away what is under way
        reset(connection)

    server = serve(talk, authority.context() if secured else None)
    with pytest.raises(NetError, match="reset the connection in the middle of its answer"):
        fetch(server.url, options=HttpOptions(tls=TlsSettings(verify=False)))


def test_redirects_are_followed_with_a_record_of_each(site, reply, fetch):
    server = site({"/": to("/b?x=1", 301), "/b?x=1": to("c#there", 307), "/c": reply(200, b"hello")})
    phases = {}
    exchange = fetch(f"{server.url}/#here", phases)
    assert (exchange.status_code, exchange.url) == (200, f"{server.url}/c#there")
    assert [(hop.url, hop.status_code) for hop in exchange.redirects] == [(f"{server.url}/#here", 301), (f"{server.url}/b?x=1#here", 307)]
    assert phases["first_byte"] == pytest.approx(sum(hop.phases["first_byte"] for hop in exchange.hops))


def test_redirects_need_not_be_followed(site, fetch):
    exchange = fetch(site({"/": to("/b")}).url, options=HttpOptions(follow_redirects=False))
    assert (exchange.status_code, exchange.body, exchange.redirects) == (302, b"move", ())


def test_digest_authentication(site, reply, fetch):
    def page(head):
        if b"Authorization: Digest" in head and b'username="user"' in head and b'uri="/"' in head:
            return reply(200, b"welcome")
        return reply(
            401, b"who are you", 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256', reason="Unauthorized"
        )

    server = site({"/": page})
    exchange = fetch(server.url, auth=HTTPDigestAuth("user", "secret"))
    assert (exchange.status_code, exchange.body, len(exchange.hops), exchange.redirects) == (200, b"welcome", 2, ())
    assert b"secret" not in b"".join(server.received)


# TLS


def test_https(site, reply, authority, fetch):
    server = site({"/": reply(200, b"hello")}, authority.context())
    phases = {}
    exchange = fetch(server.url, phases, options=HttpOptions(tls=TlsSettings(ca_file=authority.ca_file)))
    assert exchange.body == b"hello"
    assert tls.describe(exchange.certificate)["subject"] == "CN=localhost"
    assert phases["tls"] > 0
    # requests would have added certifi's roots
    assert len(tls.context(TlsSettings(ca_file=authority.ca_file)).get_ca_certs()) == 1


@pytest.mark.parametrize(
    "what, text",
    [({"ends": -3.0}, "expired 3.0 days ago"), ({"names": ("other.test",)}, "wrong host"), ({"signed_by": "self"}, "self-signed")],
)
def test_certificates_that_are_not_valid(site, reply, authority, fetch, what, text):  # noqa: PLR0917 - fixtures
    server = site({"/": reply()}, authority.context(**what))
    with pytest.raises(NetError, match=text) as caught:
        fetch(server.url, options=HttpOptions(tls=TlsSettings(ca_file=authority.ca_file)))
    assert (caught.value.phase, caught.value.kind) == ("tls", "tls")
    assert server.received == []


def test_the_client_certificate_is_for_the_first_host_only(site, reply, authority, fetch):
    def context(name):
        made = authority.context(name)
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(authority.ca_file)
        return made

    other = site({"/": reply(200, b"hello")}, context("other.pem"))
    here = site({"/": to(f"https://localhost:{other.port}/")}, context("here.pem"))
    client = str(authority.write("client.pem", *authority.issue("client")))
    options = HttpOptions(tls=TlsSettings(ca_file=authority.ca_file, client_cert=client))
    assert fetch(other.url, options=options).body == b"hello"
    with pytest.raises(
        NetError, match=r"requires a client certificate|(reset|closed) the connection"
    ):  # what the peer said may be lost with a reset
        fetch(here.url, options=options)
