from __future__ import annotations

import base64
import hashlib
import sys
import threading

import pytest
from websockets.sync.server import serve as serve_websocket

from monitorpy.errors import MissingExtraError, NetError
from monitorpy.net.connect import connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.websocket import WebSocket, require_websockets
from monitorpy.utils.masking import Masker, active_masker


@pytest.fixture
def real():
    """Starts a server of the websockets package; gives its port."""
    servers = []

    def start(handler, **more):
        server = serve_websocket(handler, "127.0.0.1", 0, **more)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return server.socket.getsockname()[1]

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join(5)


@pytest.fixture
def websocket(deadline):
    """Opens a connection to a port, and gives the WebSocket on it."""
    opened = []

    def start(port, within=None, *, limit=100_000, phases=None, path="/", **more):
        connection = connect("127.0.0.1", port, within or deadline, phases={} if phases is None else phases)
        opened.append(connection)
        return WebSocket(connection, f"ws://127.0.0.1:{port}{path}", limit=limit, **more)

    yield start
    for connection in opened:
        connection.close()


def echo(there):
    for message in there:
        there.send(message)


def frame(opcode, data=b"", fin=True):
    size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2)
    return bytes([(0x80 if fin else 0) | opcode]) + size + data


@pytest.fixture
def raw(serve, websocket):
    """A server that accepts the handshake by hand and then sends bytes; gives the opened WebSocket."""

    def start(*pieces, end=False, within=None, limit=100_000, phases=None, headers="", **more):
        def talk(connection, server):
            head = server.read_request(connection).decode()
            key = next(line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith("sec-websocket-key"))
            accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
            answer = (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
            )
            connection.sendall(answer.encode() + b"".join(pieces))
            if not end:
                while connection.recv(65536):
                    pass

        socket = websocket(serve(talk).port, within, limit=limit, phases=phases, **more)
        assert socket.open({}).status_code == 101
        return socket

    return start


def broken(call, *args):
    with pytest.raises(NetError) as failed:
        call(*args)
    return failed.value


def test_a_conversation(real, websocket):
    phases = {}
    socket = websocket(real(echo, subprotocols=["v1"]), subprotocols=["v2", "v1"], origin="https://here.test", phases=phases)
    handshake = socket.open({"X-Tenant": "seven"})
    assert (handshake.status_code, handshake.reason, handshake.subprotocol) == (101, "Switching Protocols", "v1")
    assert handshake.headers["upgrade"] == "websocket"
    socket.send("text \u00fc")
    socket.send(b"\0\xff")
    assert socket.ping() > 0
    assert [socket.receive(), socket.receive()] == ["text \u00fc", b"\0\xff"]
    assert socket.closed is None
    socket.close()
    assert socket.closed == (1000, "")
    socket.close()
    assert phases["first_byte"] > 0
    assert phases["transfer"] > 0


def test_what_the_server_is_asked(serve, websocket):
    server = serve(b"HTTP/1.1 403 Forbidden\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\n\r\nno!")
    socket = websocket(server.port, path="/live?a=1", origin="https://here.test")
    handshake = socket.open({"Host": "there.test", "X-One": "1"})
    assert (handshake.status_code, handshake.reason, handshake.body) == (403, "Forbidden", "no!")
    assert handshake.headers["x-a"] == "1, 2"
    head = server.received[0].decode()
    assert head.startswith("GET /live?a=1 HTTP/1.1\r\n")
    assert "Host: there.test\r\n" in head
    assert "Host: 127" not in head
    assert "Origin: https://here.test\r\n" in head
    assert "X-One: 1\r\n" in head
    socket.close()  # there is nothing to say goodbye to


def test_a_refusal_that_ends_with_the_connection(serve, websocket):
    handshake = websocket(serve(b"HTTP/1.1 503 Busy\r\n\r\nlater").port).open({})
    assert (handshake.status_code, handshake.body) == (503, "later")


@pytest.mark.parametrize(
    "answer, said",
    [
        (b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n", "Sec-WebSocket-Accept"),
        (b"HTTP/1.1 101 Yes\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "Upgrade"),
        (b"220 mail.test ESMTP\r\n", "did not receive a valid HTTP response"),
        (b"220 \x1b[2J\0\r\n", r"(invalid HTTP status line: 220 \x1b[2J\x00)"),
        (b"HTTP/1.1 101 Y", "did not receive a valid HTTP response (connection closed while reading HTTP status line)"),
    ],
)
def test_no_valid_handshake(serve, websocket, answer, said):
    failed = broken(websocket(serve(answer).port).open, {})
    assert "gives no valid answer to the handshake: " in str(failed)
    assert said in str(failed)
    assert (failed.phase, failed.kind) == ("first_byte", "protocol")


@pytest.mark.parametrize(
    "headers, said",
    [
        ("Sec-WebSocket-Extensions: permessage-deflate", "it chose an extension, and none was offered"),
        ("Sec-WebSocket-Protocol: v9", "it chose a subprotocol that was not offered: v9"),
    ],
)
def test_what_was_not_offered(raw, headers, said):
    failed = broken(lambda: raw(headers=f"{headers}\r\n", subprotocols=["v1"]))
    assert str(failed).endswith(f"gives no valid answer to the handshake: {said}")


def test_a_subprotocol_where_none_was_offered(raw):
    failed = broken(lambda: raw(headers="Sec-WebSocket-Protocol: v9\r\n"))
    assert str(failed).endswith("it chose a subprotocol, and none was offered")


@pytest.mark.parametrize(
    "answer, said",
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\nyou see", "HTTP/1.1 403 Forbidden"),
        (b"+OK ready", "+OK ready"),
    ],
)
def test_an_answer_that_does_not_end(serve, websocket, ms, answer, said):
    def talk(connection, server):
        server.read_request(connection)
        for byte in answer:
            connection.sendall(bytes([byte]))
        server.stopped.wait(5)

    failed = broken(websocket(serve(talk).port, Deadline(200 * ms)).open, {})
    assert f" (got '{said}') within " in str(failed)
    assert (failed.phase, failed.kind) == ("first_byte", "timeout")


def test_a_refusal_without_end(serve, websocket):
    def talk(connection, server):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 401 Who?\r\n\r\n" + b"x" * 2_000_000)

    failed = broken(websocket(serve(talk).port).open, {})
    assert str(failed).endswith("expected no more than 1048576 bytes) (got 'HTTP/1.1 401 Who?')")
    assert failed.kind == "protocol"


def test_no_header_that_is_sent_is_logged(serve, websocket, caplog):
    caplog.set_level("DEBUG")
    before = active_masker.set(Masker(["t0ken-of-ours"]))
    try:
        websocket(serve(b"HTTP/1.1 403 No\r\nX: t0ken-of-ours\r\nContent-Length: 0\r\n\r\n").port).open(
            {"Authorization": "Bearer t0ken-of-ours"}
        )
    finally:
        active_masker.reset(before)
    assert "> Authorization: Bearer ***" in caplog.text
    assert "t0ken-of-ours" not in caplog.text


def test_closed_without_an_answer(serve, websocket):
    failed = broken(websocket(serve(b"").port).open, {})
    assert str(failed).endswith("closed the connection before the answer to its handshake came")
    assert failed.kind == "reset"


def test_silence(serve, websocket, raw, ms):
    phases = {}
    silent = serve(lambda connection, server: server.stopped.wait(5))
    failed = broken(websocket(silent.port, Deadline(100 * ms), phases=phases).open, {})
    assert (failed.phase, failed.kind) == ("first_byte", "timeout")
    assert "the answer to its handshake did not come from 127.0.0.1" in str(failed)
    assert phases["first_byte"] > 0
    failed = broken(raw(within=Deadline(200 * ms)).receive, "news")
    assert (failed.phase, failed.kind) == ("transfer", "timeout")
    assert str(failed).startswith("news did not come from 127.0.0.1")


def test_a_reset_is_told_as_one(serve, websocket, reset):
    def talk(connection, server):
        server.read_request(connection)
        reset(connection)

    assert broken(websocket(serve(talk).port).open, {}).kind == "reset"


def test_fragments_pings_and_what_comes_with_the_handshake(raw):
    socket = raw(frame(1, b"one", fin=False), frame(9, b"are you there"), frame(10, b"odd"), frame(0, b" two"), frame(2, b"\0"))
    assert [socket.receive(), socket.receive()] == ["one two", b"\0"]


@pytest.mark.parametrize(
    "pieces, said",
    [
        ([frame(0, b"x")], "broke the rules of WebSocket: unexpected continuation frame"),
        ([b"\xf1\x01x"], "broke the rules of WebSocket: reserved bits must be 0"),
        ([frame(1, b"\xff\xfe")], "sent a text that is not UTF-8"),
        ([b"\x81\x82\0\0\0\0hi"], "broke the rules of WebSocket: incorrect masking"),
        ([frame(9, b"x", fin=False)], "broke the rules of WebSocket: fragmented control frame"),
        ([frame(2, b"x" * 101)], "sent a message longer than 100 bytes"),
        ([frame(2, b"x" * 99, fin=False), frame(0, b"xx")], "sent a message longer than 100 bytes"),
        ([b"\x81\x7f" + (2**40).to_bytes(8, "big")], "sent a message longer than 100 bytes"),
    ],
)
def test_rules_that_are_broken(raw, pieces, said):
    failed = broken(lambda: raw(*pieces, limit=100).receive())
    assert said in str(failed)
    assert failed.kind == "protocol"


@pytest.mark.parametrize("piece", [frame(9), frame(10), frame(0, fin=False)])
def test_a_flood_of_small_frames(raw, piece):
    failed = broken(raw(frame(1, fin=False), piece * 20_000).receive, "news")
    assert str(failed).endswith("sent more than 5000 frames without news")
    assert failed.kind == "protocol"


def test_endless_messages_that_nobody_waits_for(raw):
    socket = raw(*[frame(1, b"x" * 60_000)] * 20)
    failed = broken(socket.ping)
    assert "bytes without the pong to our ping" in str(failed)


@pytest.mark.parametrize("payload, said", [((1011).to_bytes(2) + b"out of\nbeer", r"1011 'out of\nbeer'"), (b"", "1005")])
def test_the_server_says_goodbye_first(raw, payload, said):
    socket = raw(frame(8, payload))
    failed = broken(socket.receive)
    assert str(failed).endswith(f"closed the WebSocket before a message came: {said}")
    assert failed.kind == "reset"
    assert socket.closed
    for late, what in ((lambda: socket.send("hi"), "message"), (socket.ping, "ping")):
        assert str(broken(late)).endswith(f"closed the WebSocket before our {what} was sent: {said}")
    socket.close()


def test_closed_in_the_middle(raw):
    failed = broken(raw(frame(1, b"half", fin=False), end=True).receive)
    assert str(failed).endswith("closed the connection before a message came")
    assert failed.kind == "reset"


def test_a_goodbye_is_not_waited_for_for_long(raw, ms):
    phases = {}
    socket = raw(frame(1, b"news"), within=Deadline(200 * ms), phases=phases)
    assert socket.receive() == "news"
    before = dict(phases)
    socket.close()
    assert socket.closed is None
    assert phases == before


def test_what_comes_while_we_leave_is_no_phase(raw):
    phases = {}
    socket = raw(frame(1, b"news"), frame(8, (1001).to_bytes(2, "big")), phases=phases)
    assert socket.receive() == "news"
    before = dict(phases)
    socket.close()
    assert socket.closed == (1001, "")
    assert phases == before


def test_without_the_package(monkeypatch):
    require_websockets()
    monkeypatch.setitem(sys.modules, "websockets.client", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'monitorpy\[websocket\]'"):
        require_websockets()
