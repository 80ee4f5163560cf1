"""One request over HTTP/2 (RFC 9113) on a connection of ours: the h2 package knows the protocol, and does no I/O of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from monitorpy.errors import Kind, MissingExtraError, NetError
from monitorpy.net.connect import Connection
from monitorpy.utils.masking import excerpt

if TYPE_CHECKING:
    from h2.events import Event

_STREAM = 1
_SETTINGS, _GOAWAY = 4, 7
"""Types of frames (RFC 9113, 6)."""
_HEAD, _LENGTH = 9, 3
"""Bytes of a frame before its payload; the first ones of these are the payload's length, and then comes the type (RFC 9113, 4.1)."""
_LARGEST = 16_384
"""Bytes of a payload, as long as we allow no more (RFC 9113, 4.2)."""
_HEADERS = 65_536
"""Bytes of headers, as h2 counts them where it decodes them."""
_CHUNK = 16_384
_OVERHEAD = 262_144
"""Bytes that a peer may send beside the body: headers, trailers, frames that say nothing."""
_FRAMES = 5_000
"""Frames that a peer may send; each costs us time, whatever it is."""
_TLS_RECORDS, _TLS_MAJOR = {0x15, 0x16}, 3
"""What an alert or a handshake begins with, when it is TLS that is spoken there (RFC 8446, 5.1)."""
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Http2Answer:
    """What came back; names of headers and trailers are in lower case, values of repeated ones joined by commas."""

    status: int
    headers: dict[str, str]
    body: bytes
    trailers: dict[str, str]


def require_h2(what: str, extra: str) -> None:
    """Raises MissingExtraError, naming the extra, where the h2 package is not installed."""
    try:
        import h2.connection  # noqa: F401 - whether it is there
    except ImportError:
        raise MissingExtraError(what, extra) from None


def request(
    connection: Connection,
    *,
    method: str,
    authority: str,
    path: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    limit: int,
) -> Http2Answer:
    """Ask once over a new connection, and read the whole answer; any status is one.

    ``limit`` is for the bytes of its body. The phases "first_byte" (until the headers have come) and "transfer" are written
    to the connection's. NetError: no HTTP/2, an answer that breaks off, is malformed or longer than the limit.
    """
    from hpack import NeverIndexedHeaderTuple

    scheme = "https" if connection.tls else "http"
    head: list[Any] = [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path)]
    head += (NeverIndexedHeaderTuple(*header) for header in headers)  # secrets may be among them, which hpack would log
    return _Exchange(connection, limit).run(head, body)


class _Exchange:
    """One stream on one connection."""

    def __init__(self, connection: Connection, limit: int) -> None:
        from h2.config import H2Configuration
        from h2.connection import H2Connection
        from h2.settings import SettingCodes, Settings

        self._connection = connection
        self._sock = connection.sock
        self._limit = limit
        self._protocol = H2Connection(H2Configuration(header_encoding="latin-1"))  # which no byte of a peer is outside of
        self._protocol.local_settings = Settings(
            client=True, initial_values={SettingCodes.ENABLE_PUSH: 0, SettingCodes.MAX_HEADER_LIST_SIZE: _HEADERS}
        )
        self._unsent = b""
        self._received = 0
        self._pending = bytearray()
        self._frames = 0
        self._headers: dict[str, str] | None = None
        self._headers_at: float | None = None
        self._trailers: dict[str, str] = {}
        self._body = bytearray()
        self._ended = False

    def run(self, head: list[Any], body: bytes) -> Http2Answer:
        started = perf_counter()
        self._sock.await_answer()
        try:
            self._protocol.initiate_connection()
            self._protocol.send_headers(_STREAM, head, end_stream=not body)
            self._unsent = body
            while not self._ended:
                self._send()
                self._receive()
        finally:
            now, came = perf_counter(), self._headers_at
            self._connection.phases.update(
                {"first_byte": now - started} if came is None else {"first_byte": came - started, "transfer": now - came}
            )
        return self._answer()

    def _send(self) -> None:
        """What the protocol has to say, and as much of the body as the peer has room for."""
        while self._unsent and (room := self._room()) > 0:
            piece, self._unsent = self._unsent[:room], self._unsent[room:]
            self._protocol.send_data(_STREAM, piece, end_stream=not self._unsent)
        if data := self._protocol.data_to_send():
            self._sock.sendall(data)

    def _room(self) -> int:
        return min(self._protocol.local_flow_control_window(_STREAM), self._protocol.max_outbound_frame_size)

    def _receive(self) -> None:
        self._sock.phase = self._phase
        data = self._sock.recv(_CHUNK)
        if not data:
            raise self._broken(self._closed(), "reset")
        self._received += len(data)
        if self._received > self._limit + _OVERHEAD:
            raise self._broken(f"sent more than {self._limit + _OVERHEAD} bytes without ending its answer")
        self._pending += data
        for frame in self._whole_frames():
            self._take_frame(frame)
            if self._ended:
                return

    def _closed(self) -> str:
        if not self._received:  # as servers do that wait for a handshake
            return f"closed the connection without a word{'' if self._connection.tls else ' (does it want TLS?)'}"
        return f"closed the connection{' before it answered' if self._headers is None else ''}"

    def _whole_frames(self) -> Iterator[bytes]:
        """What is complete of what has come. NetError for what is no frame, and for more of them than any answer needs."""
        while len(self._pending) > _LENGTH:
            if not self._frames and self._pending[_LENGTH] != _SETTINGS:
                raise self._broken(_another_protocol(bytes(self._pending)))
            size = int.from_bytes(self._pending[:_LENGTH], "big")
            if size > _LARGEST:
                raise self._broken(f"broke the rules of HTTP/2: a frame of {size} bytes, where {_LARGEST} are allowed")
            if len(self._pending) < _HEAD + size:
                return
            self._frames += 1
            if self._frames > _FRAMES:
                raise self._broken(f"sent more than {_FRAMES} frames without ending its answer")
            frame = bytes(self._pending[: _HEAD + size])
            del self._pending[: _HEAD + size]
            yield frame

    def _take_frame(self, frame: bytes) -> None:
        from h2.exceptions import ProtocolError

        if _goes_after_answering(frame):  # h2 would take no more frames
            return
        try:
            events = self._protocol.receive_data(frame)
        except ProtocolError as error:
            raise self._broken(f"broke the rules of HTTP/2: {excerpt(str(error), 200) or type(error).__name__}") from error
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        from h2 import events as kinds

        if isinstance(event, kinds.ResponseReceived):
            self._headers_at = perf_counter()
            self._headers = _joined(event.headers or ())
        elif isinstance(event, kinds.DataReceived):
            self._body += event.data or b""
            if len(self._body) > self._limit:
                raise self._broken(f"sent a body longer than {self._limit} bytes")
            self._protocol.acknowledge_received_data(event.flow_controlled_length or 0, _STREAM)
        elif isinstance(event, kinds.TrailersReceived):
            self._trailers = _joined(event.headers or ())
        elif isinstance(event, kinds.StreamEnded):
            self._ended = True
        elif isinstance(event, kinds.StreamReset):
            raise self._broken(f"reset the stream: {_code(event.error_code)}", "reset")
        elif isinstance(event, kinds.ConnectionTerminated):
            said = (event.additional_data or b"").decode("utf-8", "backslashreplace")
            reason = f" ({excerpt(said, _SHOWN)!r})" if said else ""
            raise self._broken(f"is going away: {_code(event.error_code)}{reason}", "reset")

    def _answer(self) -> Http2Answer:
        headers = self._headers or {}
        status = headers.pop(":status", "")
        if not (status.isascii() and status.isdecimal()):
            raise self._broken(f"sent {excerpt(status, _SHOWN)!r} for a status")
        return Http2Answer(int(status), headers, bytes(self._body), self._trailers)

    @property
    def _phase(self) -> str:
        return "first_byte" if self._headers is None else "transfer"

    def _broken(self, what: str, kind: Kind = "protocol") -> NetError:
        return NetError(f"{self._sock.peer} {what}", phase=self._phase, kind=kind)


def _another_protocol(start: bytes) -> str:
    if start[0] in _TLS_RECORDS and start[1] == _TLS_MAJOR:
        return "does not speak HTTP/2 in clear text: it answered in TLS"
    line = start.partition(b"\r\n")[0].decode("latin-1")
    return f"does not speak HTTP/2: it answered {excerpt(line, _SHOWN)!r}"


def _goes_after_answering(frame: bytes) -> bool:
    """Whether it is a goodbye without an error, from a server that answers our request all the same (RFC 9113, 6.8)."""
    said = frame[_HEAD : _HEAD + 8]
    last = int.from_bytes(said[:4], "big") & 0x7FFF_FFFF
    return frame[_LENGTH] == _GOAWAY and len(said) == 8 and last >= _STREAM and not any(said[4:])  # noqa: PLR2004 - a stream and a code


def _joined(headers: Iterable[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _code(code: Any) -> str:
    """The name of an error code (RFC 9113, 7); an unknown one is a number."""
    return getattr(code, "name", None) or f"error {code}"
