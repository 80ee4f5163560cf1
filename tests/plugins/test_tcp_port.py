from __future__ import annotations

import socket
import time

import pytest

from monitorpy.core.execution import execute
from monitorpy.core.registry import registry, run_check
from monitorpy.core.spec import CheckSpec
from monitorpy.utils.masking import Masker


def check(port, *, timeout=2, host="127.0.0.1", **config):
    return run_check("tcp_port", {"host": host, "port": port, "timeout": timeout, **config})


@pytest.fixture
def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets it
        yield sock.getsockname()[1]


@pytest.fixture
def full_port():
    """Takes no more connections and drops what comes, as a firewall does."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for sock in (first, second):
            sock.settimeout(0)
            sock.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_open(tcp_server, scripts):
    server = tcp_server(scripts.silent)
    result = check(server.port)
    assert result.is_success(), result
    assert result.message == f"127.0.0.1:{server.port} is open"
    assert result.raw_data == {
        "host": "127.0.0.1",
        "port": server.port,
        "address": "127.0.0.1",
        "open": True,
        "received": None,
        "certificate": None,
    }
    assert result.phases["connect"] > 0
    assert result.phases["tls"] is None


def test_refused(closed_port):
    result = check(closed_port)
    assert result.is_error()
    assert (result.fault, result.kind) == ("target", "connect")
    assert "refused" in result.message
    assert result.raw_data["open"] is False
    assert result.raw_data["phase"] == "connect"


def test_filtered(full_port, ms):
    started = time.monotonic()
    result = check(full_port, timeout=150 * ms)
    assert result.is_error()
    assert result.kind == "timeout"
    assert time.monotonic() - started < 150 * ms + 1


def test_no_such_name():
    result = check(1, host="nothing.invalid")
    assert result.kind == "resolve"
    assert result.raw_data["address"] is None


def test_expected_closed(closed_port, tcp_server, scripts):
    assert check(closed_port, expect_closed=True).message == f"127.0.0.1:{closed_port} is closed"
    assert check(closed_port, expect_closed=True).is_success()
    server = tcp_server(scripts.silent)
    result = check(server.port, expect_closed=True)
    assert result.is_error()
    assert result.message == f"127.0.0.1:{server.port} is open, expected closed"


def test_silence_is_not_closed_unless_stated(full_port, ms):
    result = check(full_port, expect_closed=True, timeout=150 * ms)
    assert result.is_error()
    assert "filtered_is_closed: true accepts silence" in result.message
    accepted = check(full_port, expect_closed=True, filtered_is_closed=True, timeout=150 * ms)
    assert accepted.is_success()
    assert "is filtered: no answer within" in accepted.message
    config = {"host": "127.0.0.1", "port": full_port, "expect_closed": True, "filtered_is_closed": True}
    assert execute(CheckSpec("a", "tcp_port", config, timeout=150 * ms)).is_success()  # in time, not at the deadline


def test_name_that_does_not_resolve_is_not_closed():
    result = check(1, host="nothing.invalid", expect_closed=True, filtered_is_closed=True)
    assert result.is_error()
    assert result.kind == "resolve"


def test_no_route_is_not_closed(monkeypatch):
    def unreachable(*_args):
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    result = check(9, expect_closed=True, filtered_is_closed=True)
    assert result.is_error()
    assert result.kind == "connect"


def test_send_and_expect(tcp_server, scripts):
    server = tcp_server(scripts.echoing)
    result = check(server.port, send="PING grün\r\n", expect="grün")
    assert result.is_success(), result.message
    assert result.raw_data["received"] == "PING grün\r\n"
    assert result.phases["first_byte"] > 0


def test_banner_then_dialogue(tcp_server, scripts):
    def script(sock):
        sock.sendall(b"220 ready\r\n")
        scripts.echoing(sock)

    server = tcp_server(script)
    result = check(server.port, banner="^220 ", send="NOOP\r\n", expect="NOOP", expect_regex=r"N.+P\r\n")
    assert result.is_success(), result.message
    assert result.raw_data["received"] == "220 ready\r\nNOOP\r\n"
    # what the banner says is no answer
    answer = check(server.port, banner="ready", send="NOOP", expect="ready", timeout=0.2)
    assert answer.is_error()


def test_send_alone_reads_nothing(tcp_server, scripts):
    assert check(tcp_server(scripts.echoing).port, send="x").raw_data["received"] is None


def test_wrong_answer_shows_both_sides(tcp_server, scripts):
    server = tcp_server(scripts.closing_after(b"-ERR unknown\r\n"))
    result = check(server.port, send="PING\r\n", expect="PONG", expect_regex="P.NG")
    assert result.is_error()
    assert result.kind == "expectation"
    assert [failure.path for failure in result.failures] == ["received", "received"]
    assert "expected 'PONG': 127.0.0.1:" in result.message
    assert "closed the connection before it came (got '-ERR unknown\\r\\n')" in result.message
    assert "a match of 'P.NG'" in result.message
    assert result.failures[0].actual == "-ERR unknown\r\n"


def test_wrong_banner(tcp_server, scripts, ms):
    server = tcp_server(scripts.saying(b"SSH-2.0-other\r\n"))
    result = check(server.port, banner="^220", send="x", timeout=200 * ms)
    assert result.is_error()
    assert "expected a banner that matches '^220'" in result.message
    assert result.raw_data["received"] == "SSH-2.0-other\r\n"


def test_binary_answer_is_shown(tcp_server, scripts):
    result = check(tcp_server(scripts.closing_after(b"\xff\x00ok")).port, expect="ok")
    assert result.is_success()
    assert result.raw_data["received"] == "\\xff\x00ok"


@pytest.mark.parametrize("script, kind", [("silent", "timeout"), ("resetting", "reset"), ("close", "reset")])
def test_nothing_comes(tcp_server, scripts, script, kind, ms):
    server = tcp_server(scripts.closing_after(b"") if script == "close" else getattr(scripts, script))
    started = time.monotonic()
    result = check(server.port, banner="x", timeout=200 * ms)
    assert result.is_error()
    assert (result.fault, result.kind) == ("target", kind)
    assert result.raw_data["open"] is True or script == "resetting"  # a reset may come while we still connect
    assert time.monotonic() - started < 200 * ms + 1


def test_reset_in_the_middle_is_no_answer(tcp_server, scripts, ms):
    def script(sock):
        sock.sendall(b"abc")
        sock.recv(1)
        scripts.resetting(sock)

    result = check(tcp_server(script).port, banner="abc", send="x", expect="never", timeout=2000 * ms)
    assert result.is_error()
    assert result.raw_data["received"] == "abc"


@pytest.mark.parametrize("script", ["trickling", "flooding"])
def test_endless_peers_do_not_outlive_the_deadline(tcp_server, scripts, script, ms):
    server = tcp_server(scripts.trickling(10 * ms) if script == "trickling" else scripts.flooding(b"spam"))
    started = time.monotonic()
    result = check(server.port, expect="never", timeout=300 * ms)
    assert result.is_error()
    assert "expected 'never'" in result.message
    assert len(result.raw_data["received"]) <= 64_000
    assert time.monotonic() - started < 300 * ms + 1


def test_a_reset_after_the_handshake_is_an_open_port(tcp_server, scripts, monkeypatch):
    assert check(tcp_server(scripts.resetting).port, expect_closed=True).is_error()

    def reset(*_args):  # a RST right after the handshake may already meet connect()
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr(socket.socket, "connect", reset)
    result = check(9, expect_closed=True, filtered_is_closed=True)
    assert result.is_error()
    assert result.raw_data["open"] is True


def test_half_closed_peer(tcp_server, ms):
    def script(sock):
        sock.sendall(b"half")
        sock.shutdown(socket.SHUT_WR)
        sock.recv(100)

    result = check(tcp_server(script).port, send="x", expect="whole", timeout=2000 * ms)
    assert "closed the connection before it came (got 'half')" in result.message


def test_half_close(tcp_server, ms):
    def script(sock):
        asked = b""
        while data := sock.recv(100):
            asked += data
        sock.sendall(asked[::-1])

    server = tcp_server(script)
    assert check(server.port, send="abc", half_close=True, expect="cba").is_success()
    assert check(server.port, send="abc", expect="cba", timeout=200 * ms).kind == "timeout"


def test_hex(tcp_server, scripts):
    server = tcp_server(scripts.echoing)
    assert check(server.port, send_hex="00 01 ff", expect_hex="01ff", expect_regex=r"^\x00").is_success()
    wrong = check(tcp_server(scripts.closing_after(b"\0\1")).port, send_hex="00", expect_hex="00 02")
    assert "expected the bytes 00 02: 127.0.0.1:" in wrong.message
    assert wrong.message.endswith("closed the connection before it came (got 00 01)")
    assert wrong.failures[0].actual == "00 01"


def test_secrets_come_back_in_no_form(tcp_server, scripts, ms):
    server = tcp_server(scripts.echoing)
    config = {"host": "127.0.0.1", "port": server.port, "timeout": 300 * ms, "send_hex": "01 6b6579203432", "expect_hex": "99"}
    result = execute(CheckSpec("a", "tcp_port", config, masker=Masker(["6b6579203432"])))
    assert "(got 01 2a 2a 2a)" in result.message
    assert result.raw_data["received"] == "\x01***"
    steps = [{"send_hex": "01 6b6579203432"}, {"expect": "x"}]
    config = {"host": "127.0.0.1", "port": server.port, "timeout": 300 * ms, "dialogue": steps}
    result = execute(CheckSpec("a", "tcp_port", config, masker=Masker(["6b6579203432"])))
    assert "key 42" not in str(result.to_dict())


def test_dialogue(tcp_server):
    def script(sock):
        sock.sendall(b"+OK <17@lab>\r\n")
        assert sock.recv(100) == b"AUTH 17\r\n"
        sock.sendall(b"+OK welcome\r\n")
        assert sock.recv(100) == b"STAT\r\n"
        sock.sendall(b"+OK 2 320\r\n")

    steps = [
        {"expect_regex": r"^\+OK <(?P<stamp>\d+)@.*\r\n"},
        {"send": "AUTH \\g<stamp>\r\n"},
        {"expect": "+OK welcome\r\n"},
        {"send": "STAT\r\n"},
        {"expect": "+OK 2"},
    ]
    result = check(tcp_server(script).port, dialogue=steps)
    assert result.is_success(), result.message
    assert result.raw_data["received"] == "+OK <17@lab>\r\n+OK welcome\r\n+OK 2 320\r\n"
    assert result.phases["first_byte"] > 0


def test_dialogue_that_goes_wrong(tcp_server, scripts, ms):
    server = tcp_server(scripts.saying(b"SSH-2.0-other\r\n"))
    result = check(server.port, dialogue=[{"expect": "SSH"}, {"send": "x"}, {"expect": "+PONG"}, {"expect": "y"}], timeout=200 * ms)
    assert result.is_error()
    assert result.message.startswith("step 3: ")
    assert "'+PONG'" in result.message
    assert result.raw_data["received"] == "SSH-2.0-other\r\n"
    assert result.raw_data["open"] is True


@pytest.mark.parametrize("script", ["silent", "trickling", "flooding", "resetting", "junk"])
def test_dialogue_with_peers_that_misbehave(tcp_server, scripts, script, ms):
    made = {"trickling": scripts.trickling(10 * ms), "flooding": scripts.flooding(b"spam"), "junk": scripts.saying(b"\0\xff\xfe")}
    server = tcp_server(made.get(script) or getattr(scripts, script))
    started = time.monotonic()
    result = check(server.port, dialogue=[{"send": "a"}, {"expect_regex": "(never)"}, {"send": "\\1"}], timeout=300 * ms)
    assert result.is_error()
    assert result.fault == "target"
    assert time.monotonic() - started < 300 * ms + 1


def test_defaults_for_tls_do_no_harm_without_it(tcp_server, scripts):
    assert check(tcp_server(scripts.silent).port, verify_ssl=True, ca_file="/nowhere").is_success()


def test_response_time(tcp_server, scripts):
    server = tcp_server(scripts.silent)
    assert check(server.port, max_response_time=2).is_success()
    slow = check(server.port, max_response_time={"warning": 0.000001, "error": 2})
    assert slow.status == "warning"
    assert slow.message.startswith("response time 0.00")


@pytest.fixture
def tls_server(tcp_server, scripts, lab_certificates):
    return tcp_server(scripts.saying(b"hello\r\n"), lab_certificates.issue("tcp").context)


def test_tls(tls_server, lab_certificates):
    result = check(tls_server.port, tls=True, ca_file=str(lab_certificates.ca_file), banner="hello")
    assert result.is_success(), result.message
    assert result.raw_data["certificate"]["days_remaining"] == pytest.approx(60, abs=0.1)
    assert "127.0.0.1" in result.raw_data["certificate"]["sans"]
    assert result.phases["tls"] > 0


def test_tls_is_verified(tls_server, lab_certificates):
    ca = str(lab_certificates.ca_file)
    untrusted = check(tls_server.port, tls=True)
    assert (untrusted.status, untrusted.kind) == ("error", "tls")
    assert untrusted.raw_data["open"] is True
    wrong = check(tls_server.port, tls=True, ca_file=ca, server_name="other.test")
    assert (wrong.status, wrong.kind) == ("error", "tls")
    assert check(tls_server.port, tls=True, ca_file=ca, server_name="localhost").is_success()
    assert check(tls_server.port, tls=True, verify_ssl=False).raw_data["certificate"]["subject"]


def test_tls_where_there_is_none(tcp_server, scripts):
    result = check(tcp_server(scripts.saying(b"220 hello\r\n")).port, tls=True, verify_ssl=False)
    assert (result.status, result.kind) == ("error", "tls")


def test_tls_of_another_kind(tcp_server, scripts, ms):
    """What answers in clear text, or not at all, to a handshake."""
    for script, kind in ((scripts.silent, "timeout"), (scripts.closing_after(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "tls")):
        result = check(tcp_server(script).port, tls=True, verify_ssl=False, timeout=300 * ms)
        assert (result.status, result.kind, result.raw_data["phase"]) == ("error", kind, "tls"), result
        assert result.raw_data["open"] is True


def test_certificate_days(tls_server, lab_certificates, ms):
    ca = str(lab_certificates.ca_file)
    assert check(tls_server.port, tls=True, ca_file=ca, warning_days=59).is_success()
    warned = check(tls_server.port, tls=True, ca_file=ca, warning_days=61, critical_days=5)
    assert warned.status == "warning"
    assert "warning below 61 days" in warned.message
    failed = check(tls_server.port, tls=True, ca_file=ca, critical_days="99%", expect="nothing else", timeout=1000 * ms)
    assert [failure.path for failure in failed.failures] == ["certificate.days_remaining", "received"]


@pytest.fixture
def upgrading(tcp_server, lab_certificates):
    """SMTP as far as STARTTLS, and one line after it."""

    def script(sock):
        sock.sendall(b"220 lab ESMTP\r\n")
        while (line := sock.recv(100)).startswith(b"EHLO"):
            sock.sendall(b"250-lab\r\n250 STARTTLS\r\n")
        assert line == b"STARTTLS\r\n"
        sock.sendall(b"220 go\r\n")
        with lab_certificates.issue("tcp").context.wrap_socket(sock, server_side=True) as secure:
            assert secure.recv(100) == b"NOOP\r\n"
            secure.sendall(b"250 fine\r\n")
            secure.recv(100)

    return tcp_server(script)


ANSWER = [{"send": "NOOP\r\n"}, {"expect": "250 fine"}]


def test_starttls_step(upgrading, lab_certificates):
    steps = [{"expect": "220 lab ESMTP\r\n"}, {"send": "STARTTLS\r\n"}, {"expect": "220 go\r\n"}, {"starttls": True}, *ANSWER]
    result = check(upgrading.port, dialogue=steps, ca_file=str(lab_certificates.ca_file), server_name="localhost", warning_days=61)
    assert result.status == "warning", result.message
    assert "warning below 61 days" in result.message
    assert result.raw_data["received"] == "220 lab ESMTP\r\n220 go\r\n250 fine\r\n"
    assert result.phases["tls"] > 0
    untrusted = check(upgrading.port, dialogue=steps)
    assert (untrusted.kind, untrusted.raw_data["phase"]) == ("tls", "tls")
    assert untrusted.message.startswith("step 4: ")


def test_starttls_as_a_protocol_asks_for_it(upgrading, lab_certificates):
    result = check(upgrading.port, dialogue=[{"starttls": "smtp"}, *ANSWER], ca_file=str(lab_certificates.ca_file))
    assert result.is_success(), result.message
    assert "127.0.0.1" in result.raw_data["certificate"]["sans"]
    assert result.raw_data["received"] == "250 fine\r\n"


@pytest.mark.parametrize(
    "config, message",
    [
        ({"send": "a", "send_hex": "00"}, "send and send_hex exclude one another"),
        ({"send_hex": "0"}, "send_hex: must be hexadecimal digits in pairs"),
        ({"half_close": True}, "half_close comes after send or send_hex, without tls"),
        ({"half_close": True, "send": "x", "tls": True}, "half_close comes after send or send_hex, without tls"),
        ({"dialogue": []}, "dialogue: must not be empty"),
        (
            {"dialogue": [{"expect": "a"}], "send": "b", "expect_hex": "00"},
            "a dialogue has its own steps: send and expect_hex would not be looked at",
        ),
        ({"dialogue": [{"expect": "a"}], "expect_closed": True}, "expect_closed leaves nothing for dialogue to look at"),
        ({"dialogue": [{"starttls": True}], "tls": True}, "tls: true and starttls exclude one another"),
        ({"dialogue": [{"send": "a"}]}, "a dialogue without an expect step would find nothing wrong, ever"),
        ({"dialogue": [{"expect": "a"}, {"expectt": "b"}]}, "unknown key 'expectt'; did you mean 'expect'?"),
        ({"dialogue": [{"expect_regex": "("}]}, "dialogue.0.expect_regex: is not a regular expression: missing )"),
        ({"warning_days": 5}, "warning_days without tls: true would not be looked at"),
        ({"client_cert": "x"}, "client_cert without tls: true would not be looked at"),
        ({"port": 0}, "port: must be at least 1, not 0"),
        ({"port": "80"}, "port: must be an integer"),
        ({"send": ""}, "send: must not be empty"),
        ({"banner": "("}, "banner: "),
        ({"server_name": "x"}, "server_name without tls: true would not be looked at"),
        ({"expect_closed": True, "banner": "x", "send": "y"}, "expect_closed leaves nothing for banner and send to look at"),
        ({"expect_closed": True, "tls": True}, "expect_closed leaves nothing for tls to look at"),
        ({"filtered_is_closed": True}, "filtered_is_closed without expect_closed: true would not be looked at"),
        ({"prot": 5}, "unknown key 'prot'; did you mean 'port'?"),
    ],
)
def test_refused_configs(config, message):
    result = run_check("tcp_port", {"host": "127.0.0.1", "port": 1} | config)
    assert result.fault == "config", result
    assert message in result.message


def test_ipv6():
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener:
        port = listener.getsockname()[1]
        assert check(port, host="::1").message == f"[::1]:{port} is open"


def test_pinned_address(tcp_server, scripts):
    server = tcp_server(scripts.silent)
    result = run_check("tcp_port", {"host": "nothing.invalid", "port": server.port}, address="127.0.0.1")
    assert result.is_success()
    assert result.raw_data["address"] == "127.0.0.1"


def test_declaration():
    cls = registry.get("tcp_port")
    assert cls.__name__ == "TcpPortPlugin"
    assert cls.cli_name == "tcp"
    assert cls.get_required_config() == ["host", "port"]
    assert cls({"host": "a", "port": 1}).get_host() == "a"
