"""Bounded reads over a Connection: never more bytes than a limit, never longer than its Deadline."""

from __future__ import annotations

import socket
from collections.abc import Callable
from time import perf_counter
from typing import Any, Protocol, TypeVar

from monitorpy.errors import NetError
from monitorpy.net.connect import Connection
from monitorpy.net.faults import mapped
from monitorpy.net.received import as_text, quoted
from monitorpy.net.tls import TlsSettings

__all__ = ["LIMIT", "LINE_LIMIT", "Dialogue", "Searchable", "as_text"]

T = TypeVar("T")

LIMIT = 64_000
"""Bytes that a peer may send before what we wait for has come."""

LINE_LIMIT = 8_192
"""Bytes of one line; the mail protocols allow 512 to 1000, their extensions (CAPABILITY) more."""


class Searchable(Protocol):
    """A regular expression, whoever compiled it."""

    def search(self, text: str, /) -> Any: ...


class Dialogue:
    """Talk with a peer: send, and read up to a line's end, a pattern or a number of bytes.

    All reads raise NetError: kind "timeout" (the Deadline is reached), "reset" (the peer closed the connection), "protocol"
    (it sends without end). Phases "first_byte" (since this was made) and "transfer" are written as they are reached.
    ``waiting_for`` ("the banner") makes the sentence, ``shown`` writes what has come instead.
    """

    def __init__(self, connection: Connection, *, limit: int = LIMIT) -> None:
        self._connection = connection
        self._limit = limit
        self.shown: Callable[[bytes | bytearray], str] = quoted
        self._buffer = bytearray()
        self._started = perf_counter()
        self._first_byte_at: float | None = None

    @property
    def peer(self) -> str:
        """The other side, for messages."""
        return self._connection.sock.peer

    @property
    def pending(self) -> bytes:
        """What has been received and not been taken yet."""
        return bytes(self._buffer)

    def take(self, size: int | None = None) -> bytes:
        """The first ``size`` bytes of what is pending, or all of it; forgets them."""
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def send(self, data: bytes) -> None:
        self._connection.sock.sendall(data)

    def half_close(self) -> None:
        """Tell the peer that we are done with sending; it may still answer. Not over TLS."""
        with mapped("send", self.peer):
            self._connection.sock.shutdown(socket.SHUT_WR)

    def start_tls(self, settings: TlsSettings, server_hostname: str) -> None:
        """Turn to TLS. NetError "protocol" if the peer has sent more than its go-ahead: someone may have put it there."""
        if self._buffer:
            raise NetError(f"{self.peer} sent data in clear text after it agreed to TLS", phase="tls", kind="protocol")
        self._connection.start_tls(settings, server_hostname)

    def read_line(self, waiting_for: str = "a line") -> bytes:
        """The next line without its end (CRLF, or LF alone)."""
        while (end := self._buffer.find(b"\n")) < 0:
            self._more(waiting_for, LINE_LIMIT)
        if end > LINE_LIMIT:
            raise self._too_much(waiting_for, LINE_LIMIT)
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def read_exactly(self, size: int, waiting_for: str = "the answer") -> bytes:
        """The next ``size`` bytes."""
        while len(self._buffer) < size:
            self._more(f"{waiting_for} ({len(self._buffer)} of {size} bytes)", max(self._limit, size))
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def read_until(self, pattern: Searchable, waiting_for: str) -> Any:
        """Read until the pattern is found in what is pending (as text); it stays pending."""
        return self.read_for(lambda data: pattern.search(as_text(data)), waiting_for)

    def read_for(self, look: Callable[[bytes], T | None], waiting_for: str) -> T:
        """Read until ``look`` finds something in what is pending; it stays pending."""
        while (found := look(bytes(self._buffer))) is None:
            self._more(waiting_for, self._limit)
        return found

    def _more(self, waiting_for: str, limit: int) -> None:
        if len(self._buffer) >= limit:
            raise self._too_much(waiting_for, limit)
        phase = "first_byte" if self._first_byte_at is None else "transfer"
        try:
            data = self._connection.sock.recv(min(16_384, limit - len(self._buffer)))
        except NetError as failed:
            if failed.kind != "timeout":
                raise
            what = f"{waiting_for} did not come from {self.peer}{self._so_far()}"
            raise self._connection.deadline.error(phase, what) from None
        if not data:
            raise NetError(f"{self.peer} closed the connection before {waiting_for} came{self._so_far()}", phase=phase, kind="reset")
        self._buffer += data
        self._note_time()

    def _note_time(self) -> None:
        now = perf_counter()
        phases = self._connection.phases
        if self._first_byte_at is None:
            self._first_byte_at = now
            phases["first_byte"] = now - self._started
        phases["transfer"] = now - self._first_byte_at

    def _too_much(self, waiting_for: str, limit: int) -> NetError:
        message = f"{self.peer} sent {limit} bytes without {waiting_for}{self._so_far()}"
        return NetError(message, phase="transfer", kind="protocol")

    def _so_far(self) -> str:
        return f" (got {self.shown(self._buffer)})" if self._buffer else ""
