from __future__ import annotations

import errno
import socket
import ssl
import time

import pytest

from monitorpy.lab.faults import (
    ClosedPort,
    DeafServer,
    EndlessHeadersServer,
    HalfClosedServer,
    HugeBodyServer,
    JunkServer,
    ResettingServer,
    SilentServer,
    TricklingServer,
)
from monitorpy.lab.tcp_server import HOST


def connected(server):
    return socket.create_connection((HOST, server.port), timeout=5)


def read_all(client):
    data = b""
    while piece := client.recv(65536):
        data += piece
    return data


def read(client, size):
    """So many bytes, at least."""
    data = b""
    while len(data) < size:
        piece = client.recv(65536)
        assert piece, "it ended"
        data += piece
    return data


def ask(client):
    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


@pytest.fixture
def secured(certificates, client_context):
    """Gives a client's side of TLS, on a connection to the server."""

    client_context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # older Pythons set it: no end would be unexpected

    def connect(server):
        return client_context.wrap_socket(connected(server), server_hostname="localhost", suppress_ragged_eofs=False)

    connect.context = certificates.good.context
    return connect


def test_silent(ms):
    with SilentServer() as server, connected(server) as client:
        client.sendall(b"hello?")
        client.settimeout(50 * ms)
        with pytest.raises(TimeoutError):
            client.recv(100)


def test_deaf(ms):
    with DeafServer() as server, connected(server) as client:
        client.settimeout(100 * ms)
        with pytest.raises(TimeoutError):
            client.sendall(bytes(20_000_000))


def test_trickling(ms):
    with TricklingServer(b"abc", interval=10 * ms) as server, connected(server) as client:
        got, reads = b"", 0
        while len(got) < 7:
            got, reads = got + client.recv(100), reads + 1
        assert got.startswith(b"abcabca")
        assert reads > 1


def test_trickling_ends_with_the_server(ms):
    started = time.monotonic()
    with TricklingServer(interval=60) as server, connected(server) as client:
        assert client.recv(100) == b"2"
    assert time.monotonic() - started < 5


def test_resetting_at_once():
    with ResettingServer() as server, pytest.raises(ConnectionResetError), connected(server) as client:  # connect() may notice it
        client.recv(100)


def test_resetting_in_the_middle_of_an_answer():
    with ResettingServer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", after_request=True) as server, connected(server) as client:
        ask(client)
        with pytest.raises(ConnectionResetError):
            read_all(client)


def test_junk():
    with JunkServer(b"\xff\x00") as server, connected(server) as client:
        assert client.recv(100) == b"\xff\x00"
        client.sendall(b"what?")


def test_half_closed_goes_on_reading():
    with HalfClosedServer(b"half") as server, connected(server) as client:
        assert read_all(client) == b"half"
        for _ in range(100):  # the second would fail if the connection were gone
            client.sendall(bytes(1000))


def test_half_closed_over_tls_is_an_answer_cut_off(secured):
    with HalfClosedServer(b"half", tls=secured.context) as server, secured(server) as client:
        assert client.recv(100) == b"half"
        with pytest.raises(ssl.SSLError) as caught:
            client.recv(100)
    assert isinstance(caught.value, ssl.SSLEOFError) or caught.value.reason == "UNEXPECTED_EOF_WHILE_READING"  # the older Pythons


def test_headers_without_end():
    with EndlessHeadersServer() as server, connected(server) as client:
        ask(client)
        status, *lines, _ = read(client, 1_000_000).split(b"\r\n")
    assert status == b"HTTP/1.1 200 OK"
    assert set(lines) == {b"X-More: and more"}


def test_a_header_line_without_end():
    with EndlessHeadersServer(lines=False) as server, connected(server) as client:
        ask(client)
        head = read(client, 1_000_000)
    assert head.startswith(b"HTTP/1.1 200 OK\r\nX-More: and more more")
    assert head.count(b"\n") == 1


def test_a_body_that_was_announced_and_never_ends():
    with HugeBodyServer() as server, connected(server) as client:
        ask(client)
        head, _, body = read(client, 1_000_000).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert int(head.rpartition(b"Content-Length: ")[2]) == 10**12
    assert set(body) == {ord("x")}


def test_a_body_in_chunks_that_never_ends():
    with HugeBodyServer(chunked=True) as server, connected(server) as client:
        ask(client)
        head, _, body = read(client, 1_000_000).partition(b"\r\n\r\n")
    assert head.endswith(b"Transfer-Encoding: chunked")
    assert body.startswith(b"400\r\n" + b"x" * 0x400 + b"\r\n400\r\n")


def test_an_endless_answer_ends_with_the_server():
    with HugeBodyServer() as server, connected(server) as client:
        ask(client)
        read(client, 1)
        server.closing.set()
        read_all(client)


def test_an_endless_answer_is_for_those_who_ask():
    with HugeBodyServer() as server, connected(server) as client:
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""


@pytest.mark.parametrize(
    "kind", [SilentServer, DeafServer, TricklingServer, ResettingServer, JunkServer, HalfClosedServer, EndlessHeadersServer, HugeBodyServer]
)
def test_all_of_them_misbehave_over_tls_too(kind, secured):
    with kind(tls=secured.context) as server, secured(server) as client:
        assert client.getpeercert()


def test_closed():
    with ClosedPort() as port:
        with pytest.raises(ConnectionRefusedError):
            connected(port)
        with socket.socket() as other, pytest.raises(OSError, match=str(errno.EADDRINUSE)):
            other.bind((HOST, port.port))
