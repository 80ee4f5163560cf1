"""The health service of gRPC, asked over HTTP/2 (gRPC's PROTOCOL-HTTP2.md and health-checking.md).

Its two messages have one field each, so that neither protobuf nor gRPC's own transport is needed; that one would hide the phases.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from monitorpy.errors import NetError
from monitorpy.net import http2
from monitorpy.net.connect import Connection
from monitorpy.utils.masking import excerpt

CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
    "UNAUTHENTICATED",
)  # fmt: skip
SERVING = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")

_PATH = "/grpc.health.v1.Health/Check"
_LIMIT = 65_536
"""Bytes of an answer; a right one has 7."""
_OK = 200
_KIND = re.compile(r"application/grpc($|[+; ])")  # not grpc-web, which is another protocol
_LONGEST_VARINT = 10
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Health:
    """What a server says of a service.

    ``code`` is the name of the gRPC status, ``message`` its text; ``serving`` is one of SERVING (or a number that none of them has),
    None where the code is neither OK nor NOT_FOUND, which stands for SERVICE_UNKNOWN.
    """

    code: str
    message: str
    serving: str | None


def check_health(connection: Connection, service: str, *, authority: str, metadata: Iterable[tuple[str, str]] = ()) -> Health:
    """Ask for the health of a service, of the whole server by "". NetError: the answer is no gRPC, or breaks its rules."""
    wanted = service.encode()
    message = b"\x0a" + _varint(len(wanted)) + wanted if wanted else b""
    headers = [("te", "trailers"), ("content-type", "application/grpc"), ("user-agent", "MonitorPy"), *_timeout(connection), *metadata]
    body = struct.pack("!BI", 0, len(message)) + message
    answer = http2.request(connection, method="POST", authority=authority, path=_PATH, headers=headers, body=body, limit=_LIMIT)
    ended = answer.trailers if answer.trailers or answer.body else answer.headers  # "Trailers-Only": with nothing to say but a status
    try:
        _require_grpc(answer, ended)
        code = _named(CODES, int(ended["grpc-status"]))
        said = excerpt(unquote(ended.get("grpc-message", ""), errors="backslashreplace"), _SHOWN)
        serving = _named(SERVING, _status(answer.body)) if code == "OK" else "SERVICE_UNKNOWN" if code == "NOT_FOUND" else None
    except ValueError as wrong:
        raise NetError(f"{connection.sock.peer} {wrong}", phase="transfer", kind="protocol") from None
    return Health(code, said, serving)


def _timeout(connection: Connection) -> Iterator[tuple[str, str]]:
    left = connection.deadline.left()
    if math.isfinite(left):
        yield "grpc-timeout", f"{min(max(int(left * 1000), 1), 99_999_999)}m"


def _require_grpc(answer: http2.Http2Answer, ended: dict[str, str]) -> None:
    """ValueError unless it is an answer in gRPC."""
    kind = answer.headers.get("content-type", "no content type")
    if answer.status != _OK:
        raise ValueError(f"does not speak gRPC here: it answered with HTTP status {answer.status}")
    if not _KIND.match(kind):
        raise ValueError(f"does not speak gRPC here: it answered with {excerpt(kind, 80)!r}")
    code = ended.get("grpc-status")
    if code is None:
        raise ValueError("ended its answer without a grpc-status")
    if not re.fullmatch("[0-9]{1,9}", code):
        raise ValueError(f"ended its answer with {excerpt(code, 80)!r} for a grpc-status")


def _status(body: bytes) -> int:
    """The number of the status in the one message of the body. ValueError if there is none, or what is there cannot be read."""
    if len(body) < 5 or len(body) != 5 + int.from_bytes(body[1:5]):  # noqa: PLR2004 - a flag and four bytes of length
        raise ValueError(f"sent {len(body)} bytes that are not one gRPC message")
    if body[0]:
        raise ValueError("sent a compressed message, which it was not asked for")
    status = 0  # what is not in a protobuf message has its default
    rest = body[5:]
    while rest:
        key, rest = _take_varint(rest)
        if key >> 3 == 0:
            raise ValueError("sent a message that is no protobuf")
        if key & 7 == 0:
            value, rest = _take_varint(rest)
            status = value if key >> 3 == 1 else status
        else:
            rest = _skip(key & 7, rest)
    return status


def _skip(wire_type: int, data: bytes) -> bytes:
    """What follows a field that we do not know."""
    size = {1: 8, 5: 4}.get(wire_type)
    if wire_type == 2:  # noqa: PLR2004 - length-delimited
        size, data = _take_varint(data)
    if size is None or size > len(data):
        raise ValueError("sent a message that is no protobuf")
    return data[size:]


def _take_varint(data: bytes) -> tuple[int, bytes]:
    value = 0
    for index, byte in enumerate(data[:_LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 - the last one
            return value, data[index + 1 :]
    raise ValueError("sent a message that is no protobuf")


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits in each byte
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if number < len(names) else str(number)
