from __future__ import annotations

import socket
import time

import pytest

from monitorpy.core.execution import execute
from monitorpy.core.registry import registry, run_check
from monitorpy.core.spec import CheckSpec
from monitorpy.lab.udp_server import DrippingUdpServer, NoisyUdpServer, SilentUdpServer, UdpServer
from monitorpy.utils.masking import Masker


def check(port, *, timeout=2, host="127.0.0.1", **config):
    return run_check("udp", {"host": host, "port": port, "timeout": timeout, **config})


@pytest.fixture
def server():
    with UdpServer() as server:
        yield server


@pytest.fixture
def silent():
    with SilentUdpServer() as server:
        yield server


@pytest.fixture
def closed_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.1", 9))  # nobody else gets it, and it listens to nobody else
        yield sock.getsockname()[1]


class Answering(UdpServer):
    """Answers with these, whatever is asked."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = answers

    def answer(self, question):
        return self.answers


def test_any_answer(server):
    result = check(server.port, send="PING")
    assert result.is_success(), result
    assert result.message == f"127.0.0.1:{server.port} answers"
    assert result.raw_data == {
        "host": "127.0.0.1",
        "port": server.port,
        "address": "127.0.0.1",
        "received": "PONG",
        "received_hex": "504f4e47",
        "size": 4,
        "replies": 1,
    }
    assert set(result.phases) == {"dns", "first_byte"}
    assert 0 < result.phases["first_byte"] <= result.response_time


def test_expectations(server):
    assert check(server.port, send="grün", expect="ün", expect_regex="^g.+n$", expect_hex="c3bc").is_success()
    assert check(server.port, send_hex="00 ff 01", expect_hex="ff01", expect_regex=r"^\x00\\xff").is_success()


def test_silence_is_an_error(silent, ms):
    started = time.monotonic()
    result = check(silent.port, send="a", timeout=100 * ms)
    assert (result.status, result.kind, result.fault) == ("error", "timeout", "target")
    assert "(lost, dropped by a firewall, or ignored: UDP does not tell)" in result.message
    assert result.raw_data["address"] == "127.0.0.1"
    assert result.raw_data["received"] is None
    assert result.raw_data["replies"] == 0
    assert result.raw_data["phase"] == "first_byte"
    assert time.monotonic() - started < 100 * ms + 1
    assert silent.asked == 1


def test_nothing_listens(closed_port):
    result = check(closed_port, send="a")
    assert (result.status, result.kind, result.fault) == ("error", "connect", "target")
    assert result.message == f"nothing listens at 127.0.0.1:{closed_port}: ICMP port unreachable"


def test_expected_closed(closed_port, server, silent, ms):
    closed = check(closed_port, send="a", expect_closed=True)
    assert closed.is_success()
    assert closed.message == f"127.0.0.1:{closed_port} is closed"
    answers = check(server.port, send="a", expect_closed=True)
    assert answers.is_error()
    assert answers.message == f"127.0.0.1:{server.port} answers, expected closed"
    assert answers.failures[0].actual == "a"
    silence = check(silent.port, send="a", expect_closed=True, timeout=100 * ms)
    assert (silence.status, silence.kind) == ("error", "timeout")
    assert "expect_closed wants ICMP port unreachable" in silence.message


def test_a_name_without_address_is_not_closed():
    result = check(1, host="nothing.invalid", send="a", expect_closed=True)
    assert (result.status, result.kind) == ("error", "resolve")
    assert result.raw_data["address"] is None


def test_the_answer_may_come_after_others():
    with NoisyUdpServer() as server:
        result = check(server.port, send="PING", expect="PONG")
    assert result.is_success(), result.message
    assert result.raw_data["received"] == "PONG"
    assert result.raw_data["replies"] == 3


def test_another_answer(server, ms):
    result = check(server.port, send="hello", expect="PONG", expect_hex="00 01", expect_regex="^h", timeout=100 * ms)
    assert (result.status, result.kind) == ("error", "expectation")
    where = f"127.0.0.1:{server.port}"
    assert f"expected 'PONG': no such answer from {where} within {100 * ms:g} s (got 'hello')" in result.message
    assert f"expected the bytes 00 01: no such answer from {where} within {100 * ms:g} s (got 68 65 6c 6c 6f)" in result.message
    assert [(failure.path, failure.actual) for failure in result.failures] == [("received", "hello"), ("received", "68 65 6c 6c 6f")]
    assert result.raw_data["received"] == "hello"


def test_one_datagram_must_have_everything(ms):
    with Answering(b"x", b"one", b"two three") as server:
        result = check(server.port, send="a", expect="one", expect_regex="two|x", timeout=100 * ms)
        assert result.is_error()
        assert "(got 'x')" in result.message  # the first of those that lack the least
        assert [failure.expected for failure in result.failures] == ["'one'"]
        nearest = check(server.port, send="a", expect="two", expect_regex="three", expect_hex="00", timeout=100 * ms)
    assert nearest.raw_data["received"] == "two three"
    assert nearest.raw_data["replies"] == 3


@pytest.mark.parametrize("interval", [0, 10])
def test_endless_peers_do_not_outlive_the_deadline(interval, ms):
    started = time.monotonic()
    with DrippingUdpServer(interval=interval * ms) as server:
        result = check(server.port, send="a", expect="never", timeout=300 * ms)
    assert (result.status, result.kind) == ("error", "expectation")
    assert "expected 'never': no such answer" in result.message
    assert time.monotonic() - started < 300 * ms + 1


def test_a_port_that_closes_after_a_wrong_answer(monkeypatch):
    answers = [b"wrong"]

    def recv(*_args):  # the server ends between two datagrams
        if answers:
            return answers.pop()
        raise ConnectionRefusedError(111, "Connection refused")

    with SilentUdpServer() as server:
        monkeypatch.setattr("monitorpy.net.sockets.socket.socket.recv", recv)
        result = check(server.port, send="a", expect="right")
    assert (result.status, result.kind) == ("error", "connect")
    assert result.raw_data["received"] == "wrong"


def test_response_time(server):
    assert check(server.port, send="a", max_response_time=2).is_success()
    slow = check(server.port, send="a", max_response_time={"warning": 0.000001, "error": 2})
    assert slow.status == "warning"
    assert slow.message.startswith("response time 0.00")


def test_secrets_come_back_in_no_form(server):
    config = {"host": "127.0.0.1", "port": server.port, "send_hex": "01 6b6579203432"}
    result = execute(CheckSpec("a", "udp", config, masker=Masker(["6b6579203432"])))
    assert result.is_success()
    assert result.raw_data["received"] == "\x01***"
    assert result.raw_data["received_hex"] == "012a2a2a"


def test_pinned_address(server):
    result = run_check("udp", {"host": "nothing.invalid", "port": server.port, "send": "a"}, address="127.0.0.1")
    assert result.is_success()
    assert result.raw_data["address"] == "127.0.0.1"


def test_ipv6_in_messages(ms):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        port = sock.getsockname()[1]
    assert check(port, host="::1", send="a", expect_closed=True).message == f"[::1]:{port} is closed"


@pytest.mark.parametrize(
    "config, message",
    [
        ({}, "needs send or send_hex, and one of them only: over UDP nobody answers unless asked"),
        ({"send": "a", "send_hex": "00"}, "needs send or send_hex, and one of them only"),
        ({"send_hex": "0"}, "send_hex: must be hexadecimal digits in pairs"),
        ({"send": "x" * 65508}, "65508 bytes to send are too many for one datagram: it holds 65507"),
        (
            {"send": "a", "expect_closed": True, "expect": "b", "max_response_time": 1},
            "expect_closed leaves nothing for expect and max_response_time to look at",
        ),
        ({"send": "a", "port": 0}, "port: must be at least 1, not 0"),
        ({"send": "a", "expct": "b"}, "unknown key 'expct'; did you mean 'expect'?"),
    ],
)
def test_refused_configs(config, message):
    result = run_check("udp", {"host": "127.0.0.1", "port": 1} | config)
    assert result.fault == "config", result
    assert message in result.message


def test_declaration():
    cls = registry.get("udp")
    assert cls.__name__ == "UdpPlugin"
    assert cls.cli_name == "udp"
    assert cls.get_required_config() == ["host", "port"]
    assert cls.pins_address is True
