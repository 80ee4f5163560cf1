"""WebSocket (RFC 6455) on a connection of ours: the websockets package knows the protocol; its Sans-I/O layer does no I/O of its own."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from monitorpy.errors import Kind, MissingExtraError, NetError
from monitorpy.net.connect import Connection
from monitorpy.net.deadline import Deadline
from monitorpy.net.received import as_text, quoted
from monitorpy.utils.logging import get_logger
from monitorpy.utils.masking import excerpt

if TYPE_CHECKING:
    from websockets.frames import Frame

_CHUNK = 4_096  # a frame may have two bytes: more of them at once would take longer than the deadline
_OVERHEAD = 1_048_576
"""Bytes that a peer may send beside one message: the handshake, pings, messages that nobody waits for."""
_FRAMES = 5_000
"""Frames that a peer may send; each costs us time, whatever it is."""
_CLOSING = 1.0
"""Seconds that a peer has at most to answer our goodbye."""
_SHOWN = 120
_WORDS = {
    "no extensions supported": "it chose an extension, and none was offered",
    "no subprotocols supported": "it chose a subprotocol, and none was offered",
    "unsupported subprotocol: ": "it chose a subprotocol that was not offered: ",
}
"""What the package says of a peer's choices, and what that means."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The answer to the request for a WebSocket; with another status than 101 there is none, and ``body`` may say why.

    Names of headers are in lower case.
    """

    status_code: int
    reason: str
    headers: dict[str, str]
    body: str
    subprotocol: str | None


def require_websockets() -> None:
    """Raises MissingExtraError, naming the extra, where the websockets package is not installed."""
    try:
        import websockets.client  # noqa: F401 - whether it is there
    except ImportError:
        raise MissingExtraError("websocket", "websocket") from None


class WebSocket:
    """One WebSocket on a new connection. NetError: no WebSocket, one that breaks off, or one that breaks the rules.

    ``limit`` is for the bytes of one message. The phases "first_byte" (the handshake) and "transfer" (since then, without our goodbye)
    are written to the connection's. ``closed`` is the code and reason with which the peer said goodbye.
    """

    def __init__(
        self, connection: Connection, url: str, *, subprotocols: Iterable[str] = (), origin: str | None = None, limit: int
    ) -> None:
        from websockets.client import ClientProtocol
        from websockets.typing import Origin, Subprotocol
        from websockets.uri import parse_uri

        self._connection = connection
        self._sock = connection.sock
        self._limit = limit
        self._start = b""
        self._received = 0
        self._frames = 0
        self._leaving = False
        self._protocol = ClientProtocol(
            parse_uri(url),
            origin=Origin(origin) if origin is not None else None,
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            max_size=limit,
            logger=get_logger("monitorpy.net.websocket"),  # theirs would tell the headers that we send
        )
        self._messages: deque[str | bytes] = deque()
        self._parts: list[Frame] = []
        self._pongs: set[bytes] = set()
        self._opened: float | None = None
        self._response: Any = None

    @property
    def closed(self) -> tuple[int, str] | None:
        close = self._protocol.close_rcvd
        return (close.code, close.reason) if close else None

    def open(self, headers: Mapping[str, str]) -> Handshake:
        """Ask for it, with these headers besides the protocol's own."""
        started = perf_counter()
        self._sock.await_answer()
        request = self._protocol.connect()
        for name, value in headers.items():
            if name in request.headers:
                del request.headers[name]
            request.headers[name] = value
        self._protocol.send_request(request)
        try:
            while self._response is None:
                self._step("the answer to its handshake")
        finally:
            self._connection.phases["first_byte"] = perf_counter() - started
        response = self._response
        found: dict[str, str] = {}
        for name, value in response.headers.raw_items():
            found[name.lower()] = f"{found[name.lower()]}, {value}" if name.lower() in found else value
        body = as_text(response.body or b"").strip()
        return Handshake(response.status_code, response.reason_phrase, found, body, self._protocol.subprotocol)

    def send(self, message: str | bytes) -> None:
        """A text as a text message, bytes as a binary one. NetError where the peer has said goodbye already, however well it greeted."""
        self._refuse_goodbye("our message was sent")
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        self._flush()

    def receive(self, waiting_for: str = "a message") -> str | bytes:
        """The next message."""
        while not self._messages:
            self._step(waiting_for)
        return self._messages.popleft()

    def ping(self) -> float:
        """Seconds until the answer to a ping of ours has come; messages that come meanwhile are kept."""
        token, started = secrets.token_bytes(8), perf_counter()
        self._refuse_goodbye("our ping was sent")
        self._protocol.send_ping(token)
        while token not in self._pongs:
            self._step("the pong to our ping")
        return perf_counter() - started

    def close(self) -> None:
        """Say goodbye, and give the peer a moment to answer; that it does not is nothing to fail for."""
        if self._protocol.state.name == "OPEN":
            self._leaving = True
            self._sock.deadline = Deadline(min(_CLOSING, self._sock.deadline.left() / 2))
            self._protocol.send_close(1000)
            try:
                while self.closed is None:
                    self._step("its goodbye")
            except NetError:
                return

    def _flush(self) -> None:
        """Send what the protocol has to say; an empty part of it would close our side, which the socket's end does."""
        if data := b"".join(self._protocol.data_to_send()):
            self._sock.sendall(data)

    def _step(self, waiting_for: str) -> None:
        """Send what there is to send and take in what comes next. NetError when the peer has gone, or broke the rules."""
        self._flush()
        self._refuse_goodbye(f"{waiting_for} came")
        self._sock.phase = "first_byte" if self._opened is None else "transfer"
        try:
            data = self._sock.recv(_CHUNK)
        except NetError as failed:
            if failed.kind != "timeout":
                raise
            what = f"{waiting_for} did not come from {self._sock.peer}{self._so_far()}"
            raise self._connection.deadline.error(self._sock.phase, what) from None
        self._received += len(data)
        self._start += data[: _SHOWN - len(self._start)]
        for count, most, what in ((self._received, self._limit + _OVERHEAD, "bytes"), (self._frames, _FRAMES, "frames")):
            if count > most:
                raise self._broken(f"sent more than {most} {what} without {waiting_for}{self._so_far()}")
        if data:
            self._protocol.receive_data(data)
        elif self._opened is None and self._received:  # a refusal may end with the connection
            self._protocol.receive_eof()
        else:
            raise self._broken(f"closed the connection before {waiting_for} came", "reset")
        self._take_in()

    def _refuse_goodbye(self, what: str) -> None:
        if self.closed is not None:
            code, reason = self.closed
            words = f" {excerpt(reason, _SHOWN)!r}" if reason else ""
            raise self._broken(f"closed the WebSocket before {what}: {code}{words}", "reset")

    def _so_far(self) -> str:
        """The beginning of an answer to the handshake that has not ended."""
        line = self._start.partition(b"\r\n")[0]
        return f" (got {quoted(line)})" if line and self._opened is None else ""

    def _take_in(self) -> None:
        """Sort what has come: the answer to the handshake, then frames. NetError where the peer broke the rules."""
        from websockets.exceptions import InvalidStatus, PayloadTooBig

        wrong = self._protocol.handshake_exc
        if wrong is not None and not isinstance(wrong, InvalidStatus):
            told = self._so_far() if wrong.__cause__ and self._start.startswith(b"HTTP/1.1 ") else ""
            raise self._broken(f"gives no valid answer to the handshake: {_reason(wrong)}{told}") from wrong
        for event in self._protocol.events_received():
            if self._response is None:
                self._response, self._opened = event, perf_counter()
            else:
                self._frames += 1
                self._take(event)
        if self._opened is not None and not self._leaving:
            self._connection.phases["transfer"] = perf_counter() - self._opened
        if (broken := self._protocol.parser_exc) is not None:
            if isinstance(broken, PayloadTooBig):
                raise self._broken(f"sent a message longer than {self._limit} bytes") from broken
            raise self._broken(f"broke the rules of WebSocket: {excerpt(str(broken), 200)}") from broken

    def _take(self, frame: Any) -> None:
        from websockets.frames import Opcode

        if frame.opcode is Opcode.PONG:
            self._pongs.add(bytes(frame.data))
        elif frame.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            self._parts.append(frame)
            if frame.fin:
                self._messages.append(self._whole())

    def _whole(self) -> str | bytes:
        from websockets.frames import Opcode

        data, text = b"".join(part.data for part in self._parts), self._parts[0].opcode is Opcode.TEXT
        self._parts = []
        try:
            return data.decode() if text else data
        except UnicodeDecodeError as wrong:
            raise self._broken("sent a text that is not UTF-8") from wrong

    def _broken(self, what: str, kind: Kind = "protocol") -> NetError:
        return NetError(f"{self._sock.peer} {what}", phase="first_byte" if self._opened is None else "transfer", kind=kind)


def _reason(wrong: Exception) -> str:
    """Why a handshake is none, in printable characters: the peer's words may be in it."""
    text = f"{wrong} ({wrong.__cause__})" if wrong.__cause__ else str(wrong)
    for theirs, ours in _WORDS.items():
        text = text.replace(theirs, ours)
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in excerpt(text, 200))
