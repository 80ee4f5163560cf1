from __future__ import annotations

from concurrent import futures

import grpc
import pytest
from h2.events import StreamEnded

from monitorpy.errors import NetError
from monitorpy.net.connect import connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.grpc import Health, check_health

GRPC = [(":status", "200"), ("content-type", "application/grpc")]
DONE = [("grpc-status", "0")]


class Handler(grpc.GenericRpcHandler):
    """The health service as gRPC's own library serves it, messages in bytes."""

    def __init__(self):
        self.seen = []

    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(self.check)
        return None

    def check(self, asked, context):
        name = asked[2:] if len(asked) < 130 else asked[3:]
        self.seen.append((name.decode(), dict(context.invocation_metadata()), context.time_remaining()))
        if name == b"nobody":
            context.abort(grpc.StatusCode.NOT_FOUND, "no such service: \u00fc %")
        return {b"down": b"\x08\x02", b"odd": b"\x08\x63", b"unknown": b""}.get(name, b"\x08\x01")


@pytest.fixture
def server():
    handler = Handler()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([handler])
    handler.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield handler
    server.stop(None).wait(5)


def ask(port, deadline, service="", **more):
    with connect("127.0.0.1", port, deadline, phases={}) as connection:
        return check_health(connection, service, authority="here.test", **more)


@pytest.mark.parametrize(
    "service, health",
    [
        ("", Health("OK", "", "SERVING")),
        ("shop", Health("OK", "", "SERVING")),
        ("x" * 300, Health("OK", "", "SERVING")),
        ("down", Health("OK", "", "NOT_SERVING")),
        ("unknown", Health("OK", "", "UNKNOWN")),
        ("odd", Health("OK", "", "99")),
        ("nobody", Health("NOT_FOUND", "no such service: \u00fc %", "SERVICE_UNKNOWN")),
    ],
)
def test_against_a_server_of_grpc(server, deadline, service, health):
    assert ask(server.port, deadline, service) == health
    assert server.seen[0][0] == service


def test_metadata_and_the_time_that_is_left(server, deadline):
    ask(server.port, deadline, metadata=[("x-tenant", "seven")])
    ask(server.port, Deadline.never())
    (_, metadata, limited), (_, _, unlimited) = server.seen
    assert metadata["x-tenant"] == "seven"
    assert 0 < limited <= deadline.seconds
    assert unlimited is None or unlimited > 1e6


def test_a_server_without_the_health_service(deadline):
    server = grpc.server(futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    assert ask(port, deadline) == Health("UNIMPLEMENTED", "Method not found!", None)
    server.stop(None).wait(5)


@pytest.fixture
def answered(serve, peer, deadline):
    """What comes of an answer."""

    def start(*answer, **more):
        def talk(connection, _):
            there = peer(connection)
            there.read(StreamEnded)
            there.answer(*answer, **more)
            while connection.recv(65536):
                pass

        return ask(serve(talk).port, deadline)

    return start


def message(data, flag=b"\0"):
    return flag + len(data).to_bytes(4) + data


def test_what_is_not_known_in_a_message_is_passed_over(answered):
    odd = b"\x12\x03abc" + b"\x19" + b"x" * 8 + b"\x25" + b"y" * 4 + b"\x10\x05" + b"\x08\x01"
    assert answered(GRPC, message(odd), DONE).serving == "SERVING"


@pytest.mark.parametrize(
    "headers, body, trailers, said",
    [
        ([(":status", "404"), ("content-type", "text/html")], b"<h1>", None, "does not speak gRPC here: it answered with HTTP status 404"),
        ([(":status", "200"), ("content-type", "text/html")], b"hi", None, "does not speak gRPC here: it answered with 'text/html'"),
        ([(":status", "200")], b"", DONE, "it answered with 'no content type'"),
        (
            [(":status", "200"), ("content-type", "application/grpc-web")],
            message(b"\x08\x01"),
            DONE,
            "answered with 'application/grpc-web'",
        ),
        (GRPC, message(b"\x08\x01"), None, "ended its answer without a grpc-status"),
        ([*GRPC, *DONE], message(b"\x08\x01"), None, "ended its answer without a grpc-status"),
        ([*GRPC, *DONE], message(b"\x08\x01"), [("x", "1")], "ended its answer without a grpc-status"),
        (GRPC, b"", [("grpc-status", "0" * 10)], "for a grpc-status"),
        (GRPC, message(b"\x08\x01"), [("grpc-status", "zero")], "ended its answer with 'zero' for a grpc-status"),
        (GRPC, b"", DONE, "sent 0 bytes that are not one gRPC message"),
        (GRPC, message(b"\x08\x01") * 2, DONE, "sent 14 bytes that are not one gRPC message"),
        (GRPC, message(b"\x08\x01")[:-1], DONE, "sent 6 bytes that are not one gRPC message"),
        (GRPC, message(b"\x08\x01", b"\1"), DONE, "sent a compressed message, which it was not asked for"),
        (GRPC, message(b"\x08\x01\x00\x01"), DONE, "sent a message that is no protobuf"),
        (GRPC, message(b"\x08"), DONE, "sent a message that is no protobuf"),
        (GRPC, message(b"\x08" + b"\xff" * 11), DONE, "sent a message that is no protobuf"),
        (GRPC, message(b"\x0b\x08\x01"), DONE, "sent a message that is no protobuf"),
        (GRPC, message(b"\x12\x7f\x08\x01"), DONE, "sent a message that is no protobuf"),
    ],
)
def test_what_is_no_answer(answered, headers, body, trailers, said):
    with pytest.raises(NetError) as failed:
        answered(headers, body, trailers)
    assert said in str(failed.value)
    assert failed.value.kind == "protocol"


@pytest.mark.parametrize("kind", ["application/grpc+proto", "application/grpc;charset=utf-8"])
def test_variants_of_the_content_type(answered, kind):
    assert answered([(":status", "200"), ("content-type", kind)], message(b"\x08\x01"), DONE).serving == "SERVING"


def test_trailers_alone(answered):
    assert answered([*GRPC, ("grpc-status", "16"), ("grpc-message", "who%20are you%3f")]) == Health("UNAUTHENTICATED", "who are you?", None)
    assert answered([*GRPC, ("grpc-status", "77")]).code == "77"
