from __future__ import annotations

import errno
import socket
import time

import pytest

from monitorpy.errors import NetError
from monitorpy.lab.udp_server import DrippingUdpServer, NoisyUdpServer, SilentUdpServer, StrayUdpServer, UdpServer
from monitorpy.net import udp
from monitorpy.net.deadline import Deadline
from monitorpy.net.udp import LONGEST, MOST, datagrams


@pytest.fixture
def silent_port():
    with SilentUdpServer() as server:
        yield server.port


def ask(port, question=b"hello", accept=lambda _: True, *, seconds=2.0, host="127.0.0.1", **more):
    with datagrams(host, port, Deadline(seconds), phases={}, **more) as peer:
        return peer.ask(question, accept)


def test_question_and_answer():
    phases = {}
    with UdpServer() as server, datagrams("localhost", server.port, Deadline(2), family="ipv4", phases=phases) as peer:
        assert peer.ask(b"hello", lambda _: True) == b"hello"
        assert peer.address == "127.0.0.1"
        assert peer.replies == [b"hello"]
    assert phases["dns"] > 0
    assert phases["first_byte"] > 0


def test_an_empty_answer_is_one():
    with UdpServer() as server:
        assert ask(server.port, b"") == b""


def test_the_largest_datagram():
    with UdpServer() as server:
        assert ask(server.port, b"x" * LONGEST) == b"x" * LONGEST


def test_a_datagram_that_is_too_large(silent_port):
    with pytest.raises(NetError, match=r"65508 bytes are too many for one datagram to 127\.0\.0\.1:") as caught:
        ask(silent_port, b"x" * (LONGEST + 1))
    assert (caught.value.phase, caught.value.kind, caught.value.fault) == ("send", "config", "config")


def test_what_is_not_accepted_is_kept():
    with NoisyUdpServer() as server, datagrams("127.0.0.1", server.port, Deadline(2), phases={}) as peer:
        assert peer.ask(b"PING", lambda reply: reply == b"PONG") == b"PONG"
        assert peer.replies == [b"\x00\xff?", b"", b"PONG"]


def test_silence(silent_port, ms):
    with pytest.raises(NetError, match=r"no answer from 127\.0\.0\.1:\d+ within") as caught:
        ask(silent_port, seconds=50 * ms)
    assert (caught.value.phase, caught.value.kind) == ("first_byte", "timeout")


def test_no_such_answer(ms):
    with UdpServer() as server, pytest.raises(NetError, match=r"no such answer from 127\.0\.0\.1:\d+ within") as caught:
        ask(server.port, accept=lambda _: False, seconds=50 * ms)
    assert (caught.value.phase, caught.value.kind) == ("transfer", "timeout")


def test_answers_from_elsewhere_are_none(ms):
    with StrayUdpServer() as server, pytest.raises(NetError, match="no answer from"):
        ask(server.port, seconds=100 * ms)


def test_nothing_listens():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.1", 9))  # nobody else gets the port, and it listens to nobody else
        with pytest.raises(NetError, match=r"nothing listens at 127\.0\.0\.1:\d+: ICMP port unreachable") as caught:
            ask(sock.getsockname()[1])
    assert (caught.value.phase, caught.value.kind, caught.value.fault) == ("first_byte", "connect", "target")
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_dripping_peers_do_not_outlive_the_deadline(ms):
    started = time.monotonic()
    with DrippingUdpServer(interval=10 * ms) as server, pytest.raises(NetError, match="no such answer"):
        ask(server.port, accept=lambda _: False, seconds=200 * ms)
    assert time.monotonic() - started < 200 * ms + 1


def test_datagrams_without_end():
    with (
        DrippingUdpServer(interval=0) as server,
        pytest.raises(NetError, match=rf"no such answer among {MOST} datagrams \({MOST} bytes\)") as caught,
    ):
        ask(server.port, accept=lambda _: False)
    assert (caught.value.phase, caught.value.kind) == ("transfer", "protocol")


def test_bytes_without_end(monkeypatch):
    monkeypatch.setattr(udp, "LIMIT", 2500)
    with (
        DrippingUdpServer(b"x" * 1000, interval=0) as server,
        pytest.raises(NetError, match=r"no such answer among 3 datagrams \(3000 bytes\)"),
    ):
        ask(server.port, accept=lambda _: False)


def test_one_datagram_may_be_too_much(monkeypatch):
    monkeypatch.setattr(udp, "LIMIT", 5)
    with UdpServer() as server, pytest.raises(NetError, match=r"no such answer among 1 datagram \(5 bytes\)"):
        ask(server.port, accept=lambda _: False)


def test_a_name_without_address():
    phases = {}
    with pytest.raises(NetError) as caught:
        datagrams("nothing.invalid", 1, Deadline(5), phases=phases)
    assert caught.value.kind == "resolve"
    assert phases["dns"] > 0


def test_pinned_address():
    with UdpServer() as server:
        assert ask(server.port, host="nothing.invalid", address="127.0.0.1") == b"hello"


def test_a_socket_that_cannot_connect(monkeypatch):
    def unreachable(*_args):  # a machine without a route
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    with pytest.raises(NetError, match=r"no route to 127\.0\.0\.1:9") as caught:
        ask(9)
    assert caught.value.fault == "environment"


def test_other_errors_pass(monkeypatch, silent_port):
    def forbidden(*_args):  # a firewall of this machine
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(socket.socket, "send", forbidden)
    with pytest.raises(NetError, match="does not permit") as caught:
        ask(silent_port)
    assert caught.value.fault == "environment"


def test_ipv6():
    try:
        server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        server.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server, datagrams("::1", server.getsockname()[1], Deadline(2), phases={}) as peer:
        peer._send(b"hello")
        question, client = server.recvfrom(100)
        server.sendto(question, client)
        assert peer._receive() == b"hello"
