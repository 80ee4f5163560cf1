from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from monitorpy.lab.tcp_server import HOST
from monitorpy.lab.udp_server import DrippingUdpServer, NoisyUdpServer, SilentUdpServer, StrayUdpServer, UdpServer


@contextlib.contextmanager
def client_of(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((HOST, server.port))
        yield client


@pytest.mark.parametrize("question, answer", [(b"PING\r\n", b"PONG"), (b"hello", b"hello"), (b"", b"")])
def test_answers(question, answer):
    with UdpServer() as server, client_of(server) as client:
        client.send(question)
        assert client.recv(100) == answer
        assert server.asked == 1


def test_ntp():
    asked = b"\x23" + b"\0" * 39 + b"transmit"
    with UdpServer() as server, client_of(server) as client:
        client.send(asked)
        answer = client.recv(100)
    assert len(answer) == 48
    assert answer[:2] == b"\x24\x02"
    assert answer[24:32] == b"transmit"  # what the client sent is the origin of the answer
    assert int.from_bytes(answer[40:44], "big") - 2_208_988_800 == pytest.approx(time.time(), abs=5)


def test_sip():
    request = b"OPTIONS sip:lab SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nMax-Forwards: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
    with UdpServer() as server, client_of(server) as client:
        client.send(request)
        answer = client.recv(1000)
    assert answer.startswith(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nCSeq: 1 OPTIONS\r\nAllow: OPTIONS\r\n")
    assert answer.endswith(b"\r\n\r\n")


def test_silent(ms):
    with SilentUdpServer() as server, client_of(server) as client:
        client.send(b"hello?")
        client.settimeout(50 * ms)
        with pytest.raises(TimeoutError):
            client.recv(100)


def test_stray():
    with StrayUdpServer() as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(b"hello", (HOST, server.port))
        answer, sender = client.recvfrom(100)
        assert answer == b"hello"
        assert sender != (HOST, server.port)


def test_noisy():
    with NoisyUdpServer() as server, client_of(server) as client:
        client.send(b"PING")
        assert [client.recv(100) for _ in range(3)] == [b"\x00\xff?", b"", b"PONG"]


def test_dripping_ends_with_the_server(ms):
    before = threading.active_count()
    with DrippingUdpServer(b"x", interval=5 * ms) as server, client_of(server) as client:
        client.send(b"a")
        assert [client.recv(100) for _ in range(3)] == [b"x"] * 3
    assert threading.active_count() == before


def test_a_client_that_is_gone_harms_nobody():
    class Refusing(UdpServer):
        """An answer that the system does not send: no client can produce this on Linux."""

        def reply(self, answer, client):
            if answer == b"bad":
                raise ConnectionRefusedError
            super().reply(answer, client)

    with Refusing() as server, client_of(server) as client:
        client.send(b"bad")
        client.send(b"good")
        assert client.recv(100) == b"good"


def test_close_of_a_server_that_never_served():
    server = UdpServer()
    server.close()
    with client_of(server) as client:
        client.send(b"a")
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)
