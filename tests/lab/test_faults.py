from __future__ import annotations

import errno
import socket
import time

import pytest

from monitorpy.lab.faults import ClosedPort, JunkServer, ResettingServer, SilentServer, TricklingServer
from monitorpy.lab.tcp_server import HOST


def connected(server):
    return socket.create_connection((HOST, server.port), timeout=5)


def read_all(client):
    while client.recv(100):
        pass


def test_silent(ms):
    with SilentServer() as server, connected(server) as client:
        client.sendall(b"hello?")
        client.settimeout(50 * ms)
        with pytest.raises(TimeoutError):
            client.recv(100)


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
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            read_all(client)


def test_junk():
    with JunkServer(b"\xff\x00") as server, connected(server) as client:
        assert client.recv(100) == b"\xff\x00"
        client.sendall(b"what?")


def test_closed():
    with ClosedPort() as port:
        with pytest.raises(ConnectionRefusedError):
            connected(port)
        with socket.socket() as other, pytest.raises(OSError, match=str(errno.EADDRINUSE)):
            other.bind((HOST, port.port))
