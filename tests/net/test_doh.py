from __future__ import annotations

import builtins
import sys
import time

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import h2.config
import h2.connection
import h2.events
import pytest

from monitorpy.errors import MissingExtraError, NetError
from monitorpy.lab.faults import JunkServer, ResettingServer, SilentServer, TricklingServer
from monitorpy.net.deadline import Deadline
from monitorpy.net.dnstransport import Question, Server, exchange
from monitorpy.net.tls import TlsSettings

NAME = dns.name.from_text("www.example.test")
MESSAGE = "Content-Type: application/dns-message"


@pytest.fixture
def ask(authority, ms):
    """Asks 127.0.0.1 over HTTPS, trusting our authority; gives the answer."""

    def run(port, *, path="/dns-query", host="127.0.0.1", seconds=5000 * ms, phases=None, **more):
        settings = {"tls": TlsSettings(ca_file=authority.ca_file)} | more
        question = Question(dns.rdatatype.A, Deadline(seconds), "https", **settings)
        query = dns.message.make_query(NAME, "A", use_edns=0, id=0)
        message, transport = exchange(query, Server(host, port, path), question, {} if phases is None else phases)
        assert transport == "https"
        return message

    return run


@pytest.fixture
def context(authority):
    return authority.context()


@pytest.fixture
def http1(site, context):
    """Starts a server that answers POST /dns-query with these bytes."""
    return lambda answer, path="/dns-query": site({path: answer}, context)


def wire(count=1, ttl=300, number=0, name=NAME):
    response = dns.message.make_response(dns.message.make_query(name, "A", id=number))
    response.answer.append(dns.rrset.from_text(name, ttl, "IN", "A", *[f"192.0.2.{n}" for n in range(1, count + 1)]))
    return response.to_wire()


def http2_talk(status=200, content_type="application/dns-message", body=None, seen=None):
    """The server's side of HTTP/2: one answer for the first request, as much at a time as the client allows."""

    def talk(sock, server):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        sock.sendall(connection.data_to_send())
        asked, left = {} if seen is None else seen, bytearray()
        while data := sock.recv(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    asked.update((name.decode(), value.decode()) for name, value in event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    asked["body"] = event.data
                elif isinstance(event, h2.events.StreamEnded):
                    connection.send_headers(event.stream_id, [(":status", str(status)), ("content-type", content_type)])
                    left += wire() if body is None else body
            while left and (room := min(connection.local_flow_control_window(1), 16_384)):
                piece = bytes(left[:room])
                del left[:room]
                connection.send_data(1, piece, end_stream=not left)
            sock.sendall(connection.data_to_send())

    return talk


@pytest.fixture
def http2(serve, context):
    """Starts a server that picks HTTP/2."""
    context.set_alpn_protocols(["h2"])
    return lambda **answer: serve(http2_talk(**answer), context)


def test_http1(ask, http1, reply):
    server = http1(reply(200, wire(), MESSAGE))
    phases = {}
    message = ask(server.port, phases=phases)
    assert [record.to_text() for record in message.answer[0]] == ["192.0.2.1"]
    assert set(phases) == {"dns", "connect", "tls", "first_byte", "transfer"}
    head, _, body = server.received[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /dns-query HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % server.port)
    lines = head.decode().lower().split("\r\n")
    assert {"accept: application/dns-message", "content-type: application/dns-message", f"content-length: {len(body)}"} <= set(lines)
    assert dns.message.from_wire(body).question[0].name == NAME
    assert body[:2] == b"\0\0"


def test_http2(ask, http2):
    seen = {}
    server = http2(seen=seen)
    phases = {}
    message = ask(server.port, phases=phases)
    assert [record.to_text() for record in message.answer[0]] == ["192.0.2.1"]
    assert set(phases) == {"dns", "connect", "tls", "first_byte", "transfer"}
    assert (seen[":method"], seen[":path"], seen[":authority"]) == ("POST", "/dns-query", f"127.0.0.1:{server.port}")
    assert seen["content-type"] == seen["accept"] == "application/dns-message"
    assert dns.message.from_wire(seen["body"]).question[0].name == NAME


def test_path_and_name(ask, http1, reply):
    server = http1(reply(200, wire(), MESSAGE), "/q?key=1")
    ask(server.port, path="/q?key=1", server_name="localhost")
    assert b"\r\nHost: localhost:%d\r\n" % server.port in server.received[0]
    with pytest.raises(NetError, match="wrong host"):
        ask(server.port, path="/q?key=1", server_name="dns.example")


def test_without_a_path_the_usual_one_is_asked_for(ask, http1, reply):
    server = http1(reply(200, wire(), MESSAGE))
    ask(server.port, path=None)
    assert server.received[0].startswith(b"POST /dns-query ")


@pytest.mark.parametrize("kind", ["application/dns-message", "Application/DNS-Message; charset=utf-8"])
def test_content_type(ask, http1, reply, kind):
    assert ask(http1(reply(200, wire(), f"Content-Type: {kind}")).port).answer


@pytest.mark.parametrize(
    "status, headers, message",
    [
        (404, [MESSAGE], r"127\.0\.0\.1:\d+, asked for /dns-query over HTTPS, answers with status 404, not 200$"),
        (301, [MESSAGE, "Location: /q"], "answers with status 301, not 200$"),
        (200, ["Content-Type: text/html"], "answers with text/html, not application/dns-message$"),
        (200, [], "answers with no content type, not application/dns-message$"),
    ],
)
def test_other_answers(ask, http1, reply, status, headers, message):  # noqa: PLR0917 - fixtures
    with pytest.raises(NetError, match=message) as caught:
        ask(http1(reply(status, wire(), *headers)).port)
    assert (caught.value.kind, caught.value.fault) == ("protocol", "target")


@pytest.mark.parametrize(
    "answer, message",
    [({"status": 503}, "answers with status 503, not 200$"), ({"content_type": "text/plain"}, "answers with text/plain, not")],
)
def test_other_answers_over_http2(ask, http2, answer, message):
    with pytest.raises(NetError, match=message):
        ask(http2(**answer).port)


def test_more_than_a_message_can_have(ask, http1, reply):
    with pytest.raises(NetError, match="sent more than the 65535 bytes that a DNS message can have"):
        ask(http1(reply(200, b"x" * 65536, MESSAGE)).port)


def test_more_than_a_message_can_have_over_http2(ask, http2):
    with pytest.raises(NetError, match="sent a body longer than 65535 bytes"):
        ask(http2(body=b"x" * 65536).port)


@pytest.mark.parametrize("body", [b"", b"junk", wire()[:-3]])
def test_malformed_message(ask, http1, reply, body):
    with pytest.raises(NetError, match=r"malformed answer from https://127\.0\.0\.1:\d+/dns-query"):
        ask(http1(reply(200, body, MESSAGE)).port)


@pytest.mark.parametrize("body", [wire(name=dns.name.from_text("other.test")), wire(number=1)])
def test_answer_to_another_question(ask, http1, reply, body):
    with pytest.raises(NetError, match="answers a question that was not asked"):
        ask(http1(reply(200, body, MESSAGE)).port)


@pytest.mark.parametrize("age, ttl", [("100", 200), ("900", 0), ("x", 300), ("9" * 5000, 300), ("-1", 300)])
def test_time_in_a_cache_is_taken_off(ask, http1, reply, age, ttl):
    assert ask(http1(reply(200, wire(ttl=300), MESSAGE, f"Age: {age}")).port).answer[0].ttl == ttl


def test_without_the_extra(ask, closed_port, monkeypatch):
    for module in [name for name in sys.modules if name == "h2" or name.startswith("h2.")]:
        monkeypatch.delitem(sys.modules, module)
    real = builtins.__import__

    def absent(name, *args, **more):
        if name == "h2" or name.startswith("h2."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingExtraError, match=r"DNS over HTTPS needs an optional package: pip install 'monitorpy\[doh\]'"):
        ask(closed_port)


@pytest.mark.parametrize("bad", [SilentServer, TricklingServer, ResettingServer, JunkServer])
def test_servers_that_speak_no_tls(ask, bad, ms):
    started = time.monotonic()
    with bad() as server, pytest.raises(NetError):
        ask(server.port, seconds=300 * ms)
    assert time.monotonic() - started < 300 * ms + 1


def silent(sock, server):
    server.read_request(sock)
    server.stopped.wait()


def junk(sock, server):
    server.read_request(sock)
    sock.sendall(b"\0\xff?" * 20)


def endless_headers(sock, server):
    server.read_request(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    while not server.stopped.wait(0.02):
        sock.sendall(b"X-More: and more\r\n")


def trickling_body(sock, server):
    server.read_request(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\nContent-Length: 60000\r\n\r\n")
    while not server.stopped.wait(0.02):
        sock.sendall(b"x")


def cut_short(sock, server):
    server.read_request(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\nContent-Length: 60\r\n\r\n" + wire()[:20])


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
@pytest.mark.parametrize("talk", [silent, junk, endless_headers, trickling_body, cut_short])
def test_servers_that_misbehave(ask, serve, context, talk, alpn, ms):  # noqa: PLR0917 - fixtures
    """Whatever they do, and whichever version they picked before."""
    context.set_alpn_protocols([alpn])
    started = time.monotonic()
    with pytest.raises(NetError):
        ask(serve(talk, context).port, seconds=400 * ms)
    assert time.monotonic() - started < 400 * ms + 1
