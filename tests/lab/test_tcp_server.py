from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import threading

import pytest

from monitorpy.lab.tcp_server import HOST, TcpServer


class Echo(TcpServer):
    def handle(self, sock):
        while data := sock.recv(100):
            sock.sendall(data)


def test_serves_several_clients_at_once():
    with Echo() as server, connected(server) as one, connected(server) as two:
        for client in (two, one):
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
        assert server.accepted == 2


def test_with_tls(certificates, client_context):
    with (
        Echo(tls=certificates.good.context) as server,
        connected(server) as plain,
        client_context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"


def test_a_failed_handshake_harms_nobody_else(certificates, client_context):
    with Echo(tls=certificates.wrong_host.context) as server:
        with connected(server) as plain, pytest.raises(ssl.SSLCertVerificationError):
            client_context.wrap_socket(plain, server_hostname="localhost")
        with connected(server) as plain, client_context.wrap_socket(plain, server_hostname="elsewhere.lab.test") as client:
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"


def test_close_cuts_what_is_open_and_ends_every_thread():
    before = threading.active_count()
    with Echo() as server:
        client = connected(server)
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
    with client:
        assert client.recv(100) == b""
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        connected(server)


def test_close_of_a_server_that_never_served():
    server = Echo()
    server.close()
    with pytest.raises(ConnectionRefusedError):
        connected(server)


def test_a_connection_that_is_gone_before_it_was_accepted(monkeypatch):
    class Aborting:
        """The kernel drops the first connection under accept(): no client can produce this on Linux."""

        def __init__(self, listener):
            self.listener, self.failed = listener, False

        def accept(self):
            if not self.failed:
                self.failed = True
                raise ConnectionAbortedError(errno.ECONNABORTED, "aborted")
            return self.listener.accept()

        def close(self):
            self.listener.close()

    server = Echo()
    server._listener = Aborting(server._listener)
    with server, connected(server) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"


def test_the_base_says_nothing():
    server = TcpServer()
    with contextlib.closing(server), socket.socket() as sock, pytest.raises(NotImplementedError):
        server.handle(sock)


def connected(server: TcpServer) -> socket.socket:
    return socket.create_connection((HOST, server.port), timeout=5)
