from __future__ import annotations

import socket

import pytest

from monitorpy.lab.line_server import LineServer
from monitorpy.lab.tcp_server import HOST


@pytest.fixture
def conversation():
    with (
        LineServer("hi", {"PING": "+PONG"}) as server,
        socket.create_connection((HOST, server.port), timeout=5) as sock,
        sock.makefile("rwb") as file,
    ):

        def say(line: bytes) -> bytes:
            file.write(line)
            file.flush()
            return file.readline()

        yield say


def test_dialogue(conversation):
    assert conversation(b"") == b"hi\r\n"
    assert conversation(b"ping\r\n") == b"+PONG\r\n"
    assert conversation(b"\xffnonsense\r\n") == b"-ERR unknown command\r\n"
    assert conversation(b"QUIT\r\n") == b""


def test_a_client_that_just_goes():
    with LineServer() as server, socket.create_connection((HOST, server.port), timeout=5) as sock:
        assert sock.recv(100) == b"+READY lab 1.0\r\n"
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b""
