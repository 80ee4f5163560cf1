from __future__ import annotations

import socket
import threading
from contextlib import suppress
from time import monotonic

import pytest

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.proxy import Proxy

ACCEPTED = b"\5\0\0\1\0\0\0\0\0\0"


def pipe(source, sink):
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):  # the other side may be gone
        sink.shutdown(2)


def exactly(connection, size):
    data = b""
    while len(data) < size:
        if not (piece := connection.recv(size - len(data))):
            raise ConnectionError("closed too early")
        data += piece
    return data


class Socks:
    """A SOCKS 5 server that leads everywhere to ``port``; notes what it was asked for."""

    def __init__(self, serve, port=None, *, login=None, method=None, reply=ACCEPTED):
        self.port, self.login, self.method, self.reply = port, login, method, reply
        self.asked = []
        self.server = serve(self.talk)
        self.url = f"socks5h://127.0.0.1:{self.server.port}"

    def talk(self, connection, _server):
        offered = exactly(connection, exactly(connection, 2)[1])
        method = self.method if self.method is not None else 2 if self.login else 0
        connection.sendall(bytes([5, method if method in offered else 255]))
        if method not in offered:
            return
        if self.login:
            assert exactly(connection, 1) == b"\1"
            given = tuple(exactly(connection, exactly(connection, 1)[0]).decode() for _ in range(2))
            connection.sendall(b"\1" + bytes([given != self.login]))
            if given != self.login:
                return
        assert exactly(connection, 3) == b"\5\1\0"
        kind = exactly(connection, 1)[0]
        address = exactly(connection, {1: 4, 4: 16}.get(kind) or exactly(connection, 1)[0])
        self.asked.append((kind, address, int.from_bytes(exactly(connection, 2), "big")))
        connection.sendall(self.reply)
        if self.port:
            with socket.create_connection(("127.0.0.1", self.port)) as upstream:
                thread = threading.Thread(target=pipe, args=(upstream, connection), daemon=True)
                thread.start()
                try:
                    pipe(connection, upstream)
                finally:
                    thread.join(5)


@pytest.fixture
def echo(serve):
    return serve(lambda connection, _: connection.sendall(b"you said " + connection.recv(100)))


@pytest.fixture
def through(deadline):
    """What comes back through a proxy, and the phases."""

    def ask(proxy, host="shop.test", port=80, **how):
        phases = {}
        with proxy.connect(host, port, how.pop("deadline", deadline), phases=phases, **how) as connection:
            connection.sock.sendall(b"hello")
            return connection.sock.recv(100), phases, connection.sock.peer

    return ask


@pytest.mark.parametrize(
    "url, parts",
    [
        ("http://proxy.test", ("http", "proxy.test", 80, None)),
        ("http://proxy.test:3128/", ("http", "proxy.test", 3128, None)),
        ("socks5://[::1]", ("socks5", "::1", 1080, None)),
        ("socks5h://127.0.0.1:9050", ("socks5h", "127.0.0.1", 9050, None)),
    ],
)
def test_urls(url, parts):
    proxy = Proxy.parse(url)
    assert (proxy.scheme, proxy.host, proxy.port, proxy.username) == parts
    assert proxy.headers == {}
    assert proxy.forwards is url.startswith("http")


def test_the_password_does_not_show():
    proxy = Proxy.parse("http://[::1]:3128", "user", "secret")
    assert "secret" not in f"{proxy} {proxy!r}"
    assert str(proxy) == "the proxy [::1]:3128"
    assert proxy.headers == {"Proxy-Authorization": "Basic dXNlcjpzZWNyZXQ="}


# HTTP


def test_a_tunnel(serve, through):
    def talk(connection, server):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n")
        connection.sendall(b"you said " + connection.recv(100))

    server = serve(talk)
    answer, phases, peer = through(Proxy.parse(server.url, "user", "secret"), "::1", 443)
    assert answer == b"you said hello"
    assert peer == f"[::1]:443 (through the proxy 127.0.0.1:{server.port})"
    assert list(phases) == ["dns", "connect"]
    assert server.received[0] == (b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n")


def test_without_a_tunnel(echo, through):
    answer, _, peer = through(Proxy.parse(echo.url), tunnel=False)
    assert (answer, peer) == (b"you said hello", f"the proxy 127.0.0.1:{echo.port}")


@pytest.mark.parametrize(
    "answer, text, kind",
    [
        (b"HTTP/1.1 403 Filtered\r\n\r\n", "refused a tunnel to shop.test:443: 403 Filtered", "connect"),
        (b"HTTP/1.1 502\r\n\r\n", "refused a tunnel to shop.test:443: 502", "connect"),
        (b"HTTP/1.1 407 Who\r\n\r\n", "refused a tunnel to shop.test:443: it wants credentials (407 Who)", "connect"),
        (b"HTTP/1.0 401 No\r\n\r\n", "refused a tunnel to shop.test:443: it wants credentials (401 No)", "connect"),
        (b"", "closed the connection without an answer", "reset"),
        (b"SSH-2.0\r\n", "did not answer in HTTP: its first line is 'SSH-2.0\\r\\n'", "protocol"),
    ],
)
def test_tunnels_that_do_not_come_about(serve, through, answer, text, kind):
    server = serve(answer)
    with pytest.raises(NetError) as caught:
        through(Proxy.parse(server.url), port=443)
    assert str(caught.value) == f"the proxy 127.0.0.1:{server.port} {text}"
    assert (caught.value.phase, caught.value.kind) == ("connect", kind)


# SOCKS


@pytest.mark.parametrize(
    "scheme, host, family, asked",
    [
        ("socks5h", "shop.test", "any", (3, b"shop.test")),
        ("socks5h", "192.0.2.1", "any", (1, bytes([192, 0, 2, 1]))),
        ("socks5h", "::1", "any", (4, bytes(15) + b"\1")),
        ("socks5", "localhost", "ipv4", (1, bytes([127, 0, 0, 1]))),
        ("socks5", "::1", "ipv6", (4, bytes(15) + b"\1")),
    ],
)
def test_who_resolves_names(serve, echo, through, scheme, host, family, asked):  # noqa: PLR0917 - fixtures
    socks = Socks(serve, echo.port)
    answer, phases, peer = through(Proxy(scheme, "127.0.0.1", socks.server.port), host, 443, family=family)
    assert answer == b"you said hello"
    assert socks.asked == [(*asked, 443)]
    assert peer.endswith(f":443 (through the proxy 127.0.0.1:{socks.server.port})")
    assert list(phases) == ["dns", "connect"]


def test_the_family_is_that_of_the_proxy_where_it_resolves(serve, through):
    with pytest.raises(NetError, match=r"no way to the proxy \S+: 127.0.0.1 is not an IPv6 address") as caught:
        through(Proxy.parse(Socks(serve).url), family="ipv6")
    assert caught.value.fault == "config"


def test_a_name_that_does_not_resolve_here(serve, through):
    socks = Socks(serve)
    with pytest.raises(NetError, match="cannot resolve") as caught:
        through(Proxy("socks5", "127.0.0.1", socks.server.port), "")
    assert caught.value.phase == "dns"


def test_user_name_and_password(serve, echo, through):
    socks = Socks(serve, echo.port, login=("jürgen", "sécret"))
    assert through(Proxy.parse(socks.url, "jürgen", "sécret"))[0] == b"you said hello"


def test_an_answer_with_a_name_in_pieces(serve, through):
    def talk(connection, server):
        for size, pieces in ((3, (b"\5", b"\0")), (16, (b"\5\0", b"\0\3\4ab", b"cd\0", b"\x50yes")), (5, ())):
            exactly(connection, size)
            for piece in pieces:
                connection.sendall(piece)
                server.stopped.wait(0.005)

    assert through(Proxy("socks5h", "127.0.0.1", serve(talk).port))[0] == b"yes"


@pytest.mark.parametrize(
    "socks, login, text",
    [
        ({"login": ("user", "secret")}, (), "refused to talk: it wants credentials (SOCKS method 255)"),
        ({"method": 1}, ("user", "secret"), "refused to talk: it did not accept the user name and password (SOCKS method 255)"),
        ({"login": ("user", "x")}, ("user", "secret"), "refused to talk: it did not accept the user name and password (SOCKS status 1)"),
        ({"reply": b"\5\2\0\1"}, (), "refused a connection to shop.test:80: connection not allowed by ruleset (SOCKS reply 2)"),
        ({"reply": b"\5\5\0\1"}, (), "cannot reach shop.test:80: connection refused (SOCKS reply 5)"),
        ({"reply": b"\5\xaa\0\1"}, (), "refused a connection to shop.test:80: unknown reason (SOCKS reply 170)"),
        ({"reply": b"\5\0"}, (), "closed the connection before it answered"),
    ],
)
def test_proxies_that_refuse(serve, through, socks, login, text):
    proxy = Proxy.parse(Socks(serve, **socks).url, *login)
    with pytest.raises(NetError) as caught:
        through(proxy)
    assert str(caught.value) == f"{proxy} {text}"
    assert caught.value.phase == "connect"
    assert "secret" not in str(caught.value)


def test_something_else_than_socks(serve, through):
    proxy = Proxy("socks5", "127.0.0.1", serve(lambda connection, _: (connection.recv(9), connection.sendall(b"HTTP/1.1 400"))).port)
    with pytest.raises(NetError, match="does not speak SOCKS 5: it answered b'HT'"):
        through(proxy, "127.0.0.1")


def test_a_name_that_is_too_long(serve, through):
    with pytest.raises(NetError, match=r"SOCKS takes texts of 255 bytes, not a\.a\.") as caught:
        through(Proxy.parse(Socks(serve).url), "a." * 150)
    assert caught.value.fault == "config"


def test_nobody_at_the_proxy(closed_port, through):
    with pytest.raises(NetError) as caught:
        through(Proxy("http", "127.0.0.1", closed_port))
    assert str(caught.value) == f"no way to the proxy 127.0.0.1:{closed_port}: 127.0.0.1:{closed_port} refused the connection"
    assert (caught.value.phase, caught.value.kind) == ("connect", "connect")


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
@pytest.mark.parametrize("piece", [b"", b"\5"], ids=["silent", "trickling"])
def test_a_proxy_that_takes_its_time(serve, through, ms, scheme, piece):
    def talk(connection, server):
        while not server.stopped.wait(0.02):
            connection.sendall(piece)

    started = monotonic()
    with pytest.raises(NetError, match="the proxy") as caught:
        through(Proxy(scheme, "127.0.0.1", serve(talk).port), deadline=Deadline(200 * ms))
    assert (caught.value.phase, caught.value.kind) in {("connect", "timeout"), ("connect", "connect")}
    assert monotonic() - started < 200 * ms + 1
