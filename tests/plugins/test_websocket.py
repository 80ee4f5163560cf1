from __future__ import annotations

import sys
import threading
from base64 import b64encode

import pytest
from websockets.sync.server import serve as serve_websocket

from monitorpy.core.registry import registry, run_check
from monitorpy.lab.faults import ClosedPort, JunkServer, ResettingServer, SilentServer, TricklingServer
from monitorpy.lab.http_server import HttpServer
from monitorpy.utils.masking import Masker, active_masker


def talk(there):
    """Greets, then answers each message; bytes in bytes, "bye" with a goodbye, "chatter" with more than anyone waits for."""
    there.send("welcome")
    for message in there:
        if message == "bye":
            there.close(1011, "out of order")
        elif message == "chatter":
            for number in range(120):
                there.send(f"{number}")
        else:
            there.send(b"\0\xff" + message if isinstance(message, bytes) else f'{{"you": "{message}"}}')


@pytest.fixture
def start():
    """Starts a server of the websockets package; gives its port."""
    servers = []

    def run(handler=talk, **more):
        server = serve_websocket(handler, "127.0.0.1", 0, **more)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return server.socket.getsockname()[1]

    yield run
    for server, thread in servers:
        server.shutdown()
        thread.join(5)


def check(port, scheme="ws", host="127.0.0.1", **config):
    return run_check("websocket", {"url": f"{scheme}://{host}:{port}/live", "timeout": 5, **config})


def test_the_handshake_alone(start):
    port = start()
    result = check(port)
    assert result.is_success(), result
    assert result.message == f"ws://127.0.0.1:{port}/live: handshake accepted"
    raw = result.raw_data
    assert raw.pop("headers")["upgrade"] == "websocket"
    assert raw == {
        "url": f"ws://127.0.0.1:{port}/live",
        "address": "127.0.0.1",
        "status_code": 101,
        "subprotocol": None,
        "received": None,
        "messages": None,
        "ping": None,
        "close_code": 1000,
        "close_reason": "",
        "certificate": None,
    }
    assert result.phases["first_byte"] > 0
    assert result.phases["tls"] is None


def test_a_message_and_its_answer(start):
    result = check(start(), send="hello", expect="you", expect_regex="hel+o", ping=True)
    assert result.is_success(), result
    assert 'answered "{\\"you\\": \\"hello\\"}", pong after ' in result.message
    assert result.raw_data["json"] == {"you": "hello"}
    assert result.raw_data["messages"] == 2
    assert result.raw_data["ping"] > 0


def test_any_message_answers_one_without_an_expectation(start):
    result = check(start(), send="hello")
    assert (result.raw_data["received"], result.raw_data["messages"]) == ("welcome", 1)
    assert "json" not in result.raw_data


def test_bytes_and_what_is_no_json_after_json(start, ms):
    port = start()
    result = check(port, send_hex="68 69", expect="hi", expect_hex="00ff", expect_regex=r"\\xff")
    assert result.is_success(), result
    assert result.raw_data["received"] == "\0\\xffhi"
    assert "json" not in result.raw_data
    result = check(port, send_hex="68 69", expect_hex="ff00", timeout=300 * ms)
    assert result.message.startswith("expected a message with the bytes ff 00: ")
    assert result.message.endswith("(the last of 2 that came: 00 ff 68 69)")


def test_a_secret_in_hexadecimal_digits_is_masked(start):
    port = start()
    before = active_masker.set(Masker(["6f70656e2073"]))
    try:
        result = check(port, send_hex="6f70656e2073", expect="open s")
    finally:
        active_masker.reset(before)
    assert result.is_success(), result
    assert result.raw_data["received"] == "\0\\xff***"


def test_the_ping_comes_first(start, ms):
    """Of what fails later, it takes nothing away."""
    result = check(start(), ping=True, send="hello", expect="nothing of the kind", timeout=300 * ms)
    assert result.raw_data["ping"] > 0
    assert result.failures[0].path == "received"


def test_what_does_not_come(start, ms):
    port = start()
    result = check(port, send="hello", expect="you", expect_regex="no+", timeout=400 * ms)
    assert result.is_error()
    assert result.failures[0].path == "received"
    assert result.message.startswith("expected a message with 'you' and a match of 'no+': ")
    assert "did not come from 127.0.0.1" in result.message
    assert """the last of 2 that came: '{"you": "hello"}')""" in result.message
    result = check(port, send="chatter", expect="nothing of the kind")
    assert "and 100 others came; the last: " in result.message


def test_nothing_comes_at_all(start, ms):
    result = check(start(list), send="hello", timeout=300 * ms)
    assert (result.kind, result.raw_data["phase"]) == ("timeout", "transfer")
    assert result.raw_data["status_code"] == 101


def test_the_server_says_goodbye(start):
    result = check(start(), send="bye", expect="you")
    assert result.is_error()
    assert (
        "closed the WebSocket before a message with 'you' came: 1011 'out of order' (the last of 1 that came: 'welcome')" in result.message
    )
    assert (result.raw_data["close_code"], result.raw_data["close_reason"]) == (1011, "out of order")
    assert len(result.failures) == 1


def last_words(code, reason=""):
    """Answers, and says goodbye in the same packet, so that nobody's goodbye comes first by chance."""

    def talk(there):
        there.recv()
        with there.protocol_mutex:
            there.protocol.send_text(b"yes?")
            there.protocol.send_close(code, reason)
            there.socket.sendall(b"".join(there.protocol.data_to_send()))

    return talk


@pytest.mark.parametrize(
    "code, reason, said",
    [
        (1008, "who are you?", 'the server closed the WebSocket with 1008 "who are you?"'),
        (4401, "", "the server closed the WebSocket with 4401"),
    ],
)
def test_a_goodbye_that_is_none_of_the_good_ones(start, code, reason, said):
    result = check(start(last_words(code, reason)), send="hello")
    assert result.is_error()
    assert result.message == said
    assert [(failure.path, failure.actual) for failure in result.failures] == [("close_code", code)]


@pytest.mark.parametrize("code", [1000, 1001])
def test_a_server_may_end_the_conversation_first(start, code):
    result = check(start(last_words(code)), send="hello")
    assert result.is_success(), result
    assert result.raw_data["close_code"] == code


def test_the_goodbye_is_no_part_of_the_response_time(start, ms):
    done = threading.Event()

    def deaf(there):
        there.recv()
        there.protocol.receive_data = lambda data: done.wait(5)  # so that it does not hear our goodbye
        there.send("and now I am deaf")
        done.wait(5)

    result = check(start(deaf), send="hello", max_response_time=400 * ms, timeout=2000 * ms)
    done.set()
    assert result.is_success(), result
    assert result.raw_data["close_code"] is None


def test_an_origin(start):
    port = start(origins=["https://here.test"])
    assert check(port, origin="https://here.test").is_success()
    assert "got 403 Forbidden" in check(port, origin="https://elsewhere.test").message
    assert "got 403 Forbidden" in check(port).message


def test_subprotocols(start):
    port = start(subprotocols=["v1"], select_subprotocol=lambda _, offered: "v1" if "v1" in offered else None)
    assert check(port, subprotocols=["v2", "v1"], expected_subprotocol="v1").raw_data["subprotocol"] == "v1"
    result = check(port, subprotocols=["v2"], expected_subprotocol="v2")
    assert result.message == "expected the subprotocol v2, got none"
    other = check(port, subprotocols=["v2", "v1"], expected_subprotocol="v2")
    assert other.message == 'expected the subprotocol v2, got "v1"'


def test_a_handshake_that_is_refused(start):
    port = start(process_request=lambda there, request: there.respond(403, "not you\n"))
    result = check(port, send="hello")
    assert result.is_error()
    assert result.failures[0].path == "status_code"
    assert result.message == 'handshake refused: expected status 101, got 403 Forbidden: "not you"'
    with HttpServer() as site:
        page = run_check("websocket", {"url": f"ws://127.0.0.1:{site.port}/redirect"})
    assert page.message == "handshake refused: expected status 101, got 302 Found (a redirect to /, which is not followed)"


def test_over_tls(start, lab_certificates):
    port = start(ssl=lab_certificates.expiring.context)
    config = {"scheme": "wss", "host": "localhost", "ca_file": str(lab_certificates.ca_file), "resolve_to": "127.0.0.1"}
    result = check(port, **config, warning_days=19)
    assert result.is_success(), result
    assert result.raw_data["certificate"]["days_remaining"] == pytest.approx(20, abs=0.1)
    assert check(port, **config, warning_days=30).status == "warning"
    assert check(port, scheme="wss").kind == "tls"
    assert check(port, scheme="wss", verify_ssl=False).is_success()


@pytest.mark.parametrize(
    "credentials, header",
    [
        ({"auth_username": "alice", "auth_password": "open sesame"}, "Basic " + b64encode(b"alice:open sesame").decode()),
        ({"bearer": "t0ken-of-ours"}, "Bearer t0ken-of-ours"),
        ({"headers": {"Authorization": "Custom abcdef"}}, "Custom abcdef"),
    ],
)
def test_credentials(start, credentials, header):
    seen = []
    port = start(process_request=lambda there, request: seen.append(request.headers.get("Authorization")))
    refused = check(port, **credentials)
    assert refused.fault == "config"
    assert "credentials would be sent in clear text: use wss" in refused.message
    assert seen == []
    assert check(port, **credentials, allow_plaintext_auth=True).is_success()
    assert seen == [header]


def test_an_echoed_password_is_masked(start):
    pair = b64encode(b"alice:open sesame").decode()
    port = start(process_request=lambda there, request: there.respond(401, f"who is {pair}?"))
    result = check(port, auth_username="alice", auth_password="open sesame", allow_plaintext_auth=True)
    assert pair not in repr(result)
    assert "who is ***?" in result.message


def test_slow(start):
    assert check(start(), max_response_time=1e-9).failures[0].path == "response_time"


def test_one_address_at_a_time(start):
    port = start()
    assert run_check("websocket", {"url": f"ws://localhost:{port}/"}, address="127.0.0.1").raw_data["address"] == "127.0.0.1"
    result = run_check("websocket", {"url": "ws://localhost/", "resolve_to": "127.0.0.1"}, address="127.0.0.1")
    assert result.fault == "config"


@pytest.mark.parametrize(
    "server, kind",
    [
        (SilentServer, "timeout"),
        (TricklingServer, "timeout"),
        (ResettingServer, "reset"),
        (JunkServer, "timeout"),
        (ClosedPort, "connect"),
    ],
)
def test_servers_that_are_none(server, kind, ms):
    with server() as started:
        result = check(started.port, timeout=300 * ms)
    assert result.is_error()
    assert (result.fault, result.kind) == ("target", kind)


@pytest.mark.parametrize(
    "config, message",
    [
        ({"url": "http://x/"}, "must be a URL such as wss://example.org/"),
        ({"url": "ws://a:b@x/"}, "must not carry credentials"),
        ({"url": "ws://x/#top"}, "must not have a fragment (#...): it would not be sent"),
        ({"origin": "https://x\r\nEvil: 1"}, "must be an origin such as https://example.org"),
        ({"headers": {"Content-Length": "5"}}, "Content-Length is the protocol's own"),
        ({"subprotocols": ["a", "b", "a"]}, "subprotocols must not have one twice"),
        ({"send": "x", "send_hex": "00"}, "send and send_hex exclude one another"),
        ({"headers": {"Upgrade": "h2c"}}, "Upgrade is the protocol's own"),
        ({"headers": {"Sec-WebSocket-Key": "x"}}, "Sec-WebSocket-Key is the protocol's own"),
        ({"origin": "https://\u00fc.test"}, "in ASCII characters"),
        ({"subprotocols": ["a b"]}, "'a b' is no name of a subprotocol"),
        ({"subprotocols": []}, "must not be empty"),
        ({"expected_subprotocol": "v1"}, "expected_subprotocol must be one of subprotocols"),
        ({"auth_username": "a"}, "auth_username and auth_password need each other"),
        ({"auth_username": "a:b", "auth_password": "c"}, "must not have a colon"),
        ({"bearer": "x", "headers": {"authorization": "y"}}, "exclude one another"),
        ({"bearer": "x y"}, "printable ASCII"),
        ({"url": "ws://x/", "warning_days": 3}, "warning_days without a wss:// URL would not be looked at"),
    ],
)
def test_refused_configs(config, message):
    plugin = registry.get_plugin("websocket", {"url": "wss://x/", **config})
    assert message in " ".join(map(str, plugin.config_issues()))
    assert plugin.get_secrets() == set()


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "websockets.client", None)
    result = check(1)
    assert (result.status, result.fault) == ("error", "environment")
    assert "pip install 'monitorpy[websocket]'" in result.message
