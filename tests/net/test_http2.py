from __future__ import annotations

import sys

import pytest
from h2.errors import ErrorCodes
from h2.events import RequestReceived, StreamEnded, WindowUpdated

from monitorpy.errors import MissingExtraError, NetError
from monitorpy.net.connect import connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.http2 import Http2Answer, request, require_h2
from monitorpy.net.tls import TlsSettings

OK = [(":status", "200")]


@pytest.fixture
def ask(serve, deadline, peer):
    """Serves one connection by ``talk(peer)``, or by ``raw(socket, server)``, and asks it; keeps the peers."""

    def start(talk=None, *, raw=None, limit=100_000, phases=None, within=None, context=None, tls=None, **what):
        def serving(connection, server):
            if raw is not None:
                raw(connection, server)
                return
            start.peers.append(peer(connection))
            start.peers[-1].read(what_to_wait_for)
            talk(start.peers[-1])
            while connection.recv(65536):  # let the client go first
                pass

        what_to_wait_for = what.pop("until", StreamEnded)
        server = serve(serving, context)
        phases = {} if phases is None else phases
        with connect("127.0.0.1", server.port, within or deadline, phases=phases) as connection:
            if tls:
                connection.start_tls(tls, "localhost")
            return request(connection, **{"method": "POST", "authority": "here.test", "path": "/ask", "limit": limit, **what})

    start.peers = []
    return start


def broken(ask, *args, **more):
    with pytest.raises(NetError) as failed:
        ask(*args, **more)
    return failed.value


def test_a_whole_answer(ask):
    phases = {}
    answer = ask(
        lambda peer: peer.answer([*OK, ("X-One", "1"), ("x-two", "a"), ("x-two", "b\u00ff")], b"hello", [("grpc-status", "0")]),
        headers=[("te", "trailers")],
        body=b"question",
        phases=phases,
    )
    assert answer == Http2Answer(200, {"x-one": "1", "x-two": "a, b\u00c3\u00bf"}, b"hello", {"grpc-status": "0"})
    (peer,) = ask.peers
    assert peer.body == b"question"
    assert peer.request == {":method": "POST", ":scheme": "http", ":authority": "here.test", ":path": "/ask", "te": "trailers"}
    assert phases["first_byte"] > 0
    assert phases["transfer"] >= 0


def test_no_header_that_is_sent_is_logged(ask, caplog):
    caplog.set_level("DEBUG")
    ask(lambda peer: peer.answer(), headers=[("x-api-key", "of-ours-alone")])
    assert ask.peers[0].request["x-api-key"] == "of-ours-alone"
    ours = [record.getMessage() for record in caplog.records if "Adding" in record.msg]
    assert ours
    assert not [message for message in ours if "of-ours-alone" in message]


def test_no_body_and_headers_alone(ask):
    assert ask(lambda peer: peer.answer([(":status", "404")]), method="GET") == Http2Answer(404, {}, b"", {})


def test_over_tls(ask, authority):
    context = authority.context()
    context.set_alpn_protocols(["h2"])
    ask(lambda peer: peer.answer(), context=context, tls=TlsSettings(ca_file=authority.ca_file, alpn=("h2",)))
    assert ask.peers[0].request[":scheme"] == "https"


def test_interim_answers_and_empty_data_are_passed_over(ask):
    def talk(peer):
        peer.protocol.send_headers(1, [(":status", "103"), ("link", "</a>")])
        peer.protocol.ping(b"12345678")
        peer.answer(end=False)
        peer.protocol.send_data(1, b"")
        peer.protocol.send_data(1, b"late", end_stream=True)
        peer.flush()

    assert ask(talk).body == b"late"


def test_more_than_one_window_in_both_directions(ask):
    big = b"x" * 200_000

    def talk(peer):
        rest = big
        peer.protocol.send_headers(1, OK)
        while rest:
            while (room := min(peer.protocol.local_flow_control_window(1), 16_384)) > 0 and rest:
                peer.protocol.send_data(1, rest[:room], end_stream=len(rest) <= room)
                rest = rest[room:]
            peer.flush()
            if rest:
                peer.read(WindowUpdated)

    answer = ask(talk, body=big, limit=200_000)
    assert answer.body == big
    assert ask.peers[0].body == big


def test_an_answer_in_pieces(ask):
    def talk(peer):
        peer.answer(body=b"one", end=False)
        peer.protocol.send_data(1, b"two", end_stream=True)
        whole = peer.protocol.data_to_send()
        peer.sock.sendall(whole[:5])
        peer.protocol.ping(b"12345678")
        peer.sock.sendall(whole[5:])

    assert ask(talk).body == b"onetwo"


def test_an_answer_before_the_question_is_complete(ask):
    """A server may refuse early; the rest of the body is not sent."""
    answer = ask(lambda peer: peer.answer([(":status", "413")]), body=b"x" * 100_000, until=RequestReceived)
    assert answer.status == 413


def test_a_body_beyond_the_limit(ask):
    failed = broken(ask, lambda peer: peer.answer(body=b"x" * 11), limit=10)
    assert str(failed).endswith("sent a body longer than 10 bytes")
    assert (failed.phase, failed.kind) == ("transfer", "protocol")


def test_endless_frames_that_say_nothing(ask):
    def talk(peer):
        while True:
            peer.protocol.send_headers(1, [(":status", "103"), ("x", "y" * 8_000)])
            peer.protocol.encoder.header_table_size = 0  # or the second would be a few bytes
            peer.flush()

    failed = broken(ask, talk, limit=10)
    assert "without ending its answer" in str(failed)


def test_the_stream_is_reset(ask):
    def talk(peer):
        peer.protocol.reset_stream(1, ErrorCodes.REFUSED_STREAM)
        peer.flush()

    failed = broken(ask, talk)
    assert str(failed).endswith("reset the stream: REFUSED_STREAM")
    assert (failed.phase, failed.kind) == ("first_byte", "reset")


def test_what_comes_after_the_end_does_not_count(ask):
    def talk(peer):
        peer.protocol.send_headers(1, OK, end_stream=True)
        peer.protocol.close_connection()
        peer.flush()

    def reset(peer):
        peer.protocol.send_headers(1, OK, end_stream=True)
        data = peer.protocol.data_to_send() + b"\0\0\4\3\0\0\0\0\1" + b"\0\0\0\0"  # RST_STREAM, NO_ERROR: RFC 9113, 8.1
        peer.sock.sendall(data)

    assert ask(talk).status == 200
    assert ask(reset, until=RequestReceived, body=b"x" * 100_000).status == 200


@pytest.mark.parametrize(
    "code, data, said",
    [
        (ErrorCodes.ENHANCE_YOUR_CALM, b"too_many_pings\xff", "ENHANCE_YOUR_CALM ('too_many_pings\\\\xff')"),
        (99, None, "error 99"),
    ],
)
def test_the_server_goes_away(ask, code, data, said):
    def talk(peer):
        peer.protocol.close_connection(code, data)
        peer.flush()

    failed = broken(ask, talk)
    assert str(failed).endswith(f"is going away: {said}")
    assert failed.kind == "reset"


def frame(kind, payload=b"", flags=0, stream=0):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def goodbye(last, code=0):
    return frame(7, last.to_bytes(4, "big") + code.to_bytes(4, "big"))


@pytest.mark.parametrize("last", [1, 2**31 - 1, 2**32 - 1])
def test_a_server_that_goes_may_answer_before(ask, last):
    """As servers do that serve so many requests per connection, or that are about to stop; the first bit means nothing."""

    def talk(peer):
        peer.sock.sendall(goodbye(last))
        peer.answer(body=b"the last one")

    assert ask(talk).body == b"the last one"


@pytest.mark.parametrize("said", [goodbye(0), goodbye(1)])
def test_a_server_that_goes_and_does_not_answer(ask, said):
    def talk(peer):
        peer.sock.sendall(said)
        peer.sock.shutdown(1)

    failed = broken(ask, talk)
    assert str(failed).endswith("is going away: NO_ERROR" if said == goodbye(0) else "closed the connection before it answered")
    assert failed.kind == "reset"


def test_a_goodbye_that_is_too_short(ask):
    assert "broke the rules of HTTP/2: " in str(broken(ask, lambda peer: peer.sock.sendall(frame(7, b"abc"))))


@pytest.mark.parametrize(
    "piece", [frame(4), frame(6, b"12345678"), frame(0, stream=1), frame(0x77)], ids=["settings", "ping", "data", "unknown"]
)
def test_a_flood_of_small_frames(ask, piece):
    def talk(peer):
        peer.answer(end=False)
        peer.sock.sendall(piece * 6_000)

    failed = broken(ask, talk)
    assert str(failed).endswith("sent more than 5000 frames without ending its answer")
    assert failed.kind == "protocol"


def test_headers_in_endless_pieces(ask):
    failed = broken(ask, lambda peer: peer.sock.sendall(frame(1, stream=1) + frame(9, stream=1) * 6_000))
    assert "broke the rules of HTTP/2: Too many continuation frames" in str(failed)


def test_headers_that_grow_when_they_are_unpacked(ask):
    big = b"\x40\x01a\x7f\xd9\x1e" + b"x" * 4_000  # RFC 7541, 6.2.1: literal, and kept in the table
    failed = broken(ask, lambda peer: peer.sock.sendall(frame(1, b"\x88" + big + b"\xbe" * 1_000, flags=4, stream=1)))
    assert "A header list larger than 65536 has been received" in str(failed)


def test_a_frame_that_is_too_large(ask):
    failed = broken(ask, lambda peer: peer.sock.sendall(b"\xff\xff\xff\0\0\0\0\0\1"))
    assert str(failed).endswith("broke the rules of HTTP/2: a frame of 16777215 bytes, where 16384 are allowed")


def test_another_protocol(ask):
    def http1(connection, server):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        server.stopped.wait(5)

    def junk(connection, server):
        connection.sendall(b"220 mail.test ESMTP ready, whatever you want\r\n")
        server.stopped.wait(5)

    def tls(connection, server):
        connection.sendall(b"\x15\x03\x03\0\x02\x02\x46")
        server.stopped.wait(5)

    assert str(broken(ask, raw=tls)).endswith("does not speak HTTP/2 in clear text: it answered in TLS")
    assert str(broken(ask, raw=http1)).endswith("does not speak HTTP/2: it answered 'HTTP/1.1 400 Bad Request'")
    failed = broken(ask, raw=junk)
    assert "does not speak HTTP/2" in str(failed)
    assert failed.kind == "protocol"


def test_the_rules_are_broken_later(ask):
    def talk(peer):
        peer.answer(end=False)
        peer.sock.sendall(b"\0\0\1\0\0\0\0\0\0x")  # DATA on stream 0, which is no stream

    failed = broken(ask, talk)
    assert "broke the rules of HTTP/2: " in str(failed)
    assert failed.kind == "protocol"


def test_the_first_bytes_may_come_one_by_one(ask):
    def raw(connection, server):
        connection.sendall(b"\0")
        connection.recv(65536)
        connection.sendall(b"\0\0\4\0\0\0\0\0")
        connection.shutdown(1)
        server.stopped.wait(5)

    assert str(broken(ask, raw=raw)).endswith("closed the connection before it answered")


@pytest.mark.parametrize("status", ["", "abc", "\u00b2"])
def test_a_status_that_is_none(ask, status):
    failed = broken(ask, lambda peer: peer.answer([(":status", status)]))
    assert (failed.kind, failed.phase) == ("protocol", "transfer")
    assert "for a status" in str(failed)


def test_closed_before_and_in_the_middle(ask):
    def early(connection, server):
        connection.recv(65536)

    failed = broken(ask, raw=early)
    assert str(failed).endswith("closed the connection without a word (does it want TLS?)")
    assert (failed.phase, failed.kind) == ("first_byte", "reset")

    def talk(peer):
        peer.answer(body=b"half", end=False)
        peer.sock.shutdown(1)

    failed = broken(ask, talk)
    assert str(failed).endswith("closed the connection")
    assert failed.phase == "transfer"


def test_closed_without_a_word_over_tls(ask, authority):
    failed = broken(ask, raw=lambda connection, _: connection.recv(65536), context=authority.context(), tls=TlsSettings(verify=False))
    assert str(failed).endswith("closed the connection without a word")


def test_silence(ask, ms):
    phases = {}
    failed = broken(ask, raw=lambda _, server: server.stopped.wait(5), within=Deadline(100 * ms), phases=phases)
    assert (failed.phase, failed.kind) == ("first_byte", "timeout")
    assert "transfer" not in phases


def test_greetings_alone_are_no_answer(ask, ms):
    """Settings come at once; what is waited for is the answer."""
    failed = broken(ask, lambda peer: None, within=Deadline(100 * ms))
    assert (failed.phase, failed.kind) == ("first_byte", "timeout")


def test_without_the_package(monkeypatch):
    require_h2("gRPC", "grpc")
    monkeypatch.setitem(sys.modules, "h2.connection", None)
    with pytest.raises(MissingExtraError, match=r"gRPC needs an optional package: pip install 'monitorpy\[grpc\]'"):
        require_h2("gRPC", "grpc")
