"""HTTP/1.1 on a connection: the bytes of a request, and an answer that must be whole (RFC 9112)."""

from __future__ import annotations

import base64
import http.client
import io
import re
import zlib
from collections.abc import Iterable
from email.errors import FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect
from typing import Any, Protocol

from monitorpy.errors import NetError
from monitorpy.net.sockets import DeadlineSocket, DeadlineSSLSocket
from monitorpy.utils.masking import excerpt

_CHUNK = 65536
_INTERIM = 20
"""Answers of kind 1xx that may come before the one that counts."""
_LENGTH = re.compile("[0-9]{1,18}")
"""A Content-Length; http.client forgets one that Python cannot read, and the body then ends anywhere."""
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n")
_CHUNK_LINE = 65537
_BAD_HEADERS = (FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect)


class _Reader(io.BufferedReader):
    """Remembers that the peer closed inside a line-based part: http.client takes that for the end of the headers."""

    ended = False

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line:
            self.ended = True
        return line


class Answer(http.client.HTTPResponse):
    """An answer whose status line and headers have been read."""

    def __init__(self, sock: DeadlineSocket | DeadlineSSLSocket, method: str) -> None:
        super().__init__(sock, method=method)
        self.fp: Any = _Reader(self.fp.detach())
        self._peer = sock.peer
        try:
            self.begin()
            self._check_headers()
        except http.client.RemoteDisconnected as error:
            self.close()
            raise NetError(f"{self._peer} closed the connection without an answer", phase="first_byte", kind="reset") from error
        except (http.client.HTTPException, ValueError) as error:
            raise self._broken("first_byte", f"did not answer in HTTP: {_text(error)}") from error
        except BaseException:
            self.close()
            raise

    def _read_status(self) -> tuple[str, int, str]:
        """http.client's, which skips no 1xx but 100: any of them may come, and early hints (103) do (RFC 9110, 15.2)."""
        for _ in range(_INTERIM + 1):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in typeshed
            if not 100 <= status < 200 or status == http.HTTPStatus.SWITCHING_PROTOCOLS:  # noqa: PLR2004 - 1xx
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException(f"got more than {_INTERIM} interim answers (1xx)")

    def _get_chunk_left(self) -> int | None:
        """http.client's passes over whatever stands where a chunk ends."""
        if self.chunk_left == 0:
            if self._safe_read(2) != b"\r\n":  # type: ignore[attr-defined]  # not in typeshed
                raise http.client.IncompleteRead(b"")
            self.chunk_left = None
        return super()._get_chunk_left()  # type: ignore[misc,no-any-return]

    def _read_next_chunk_size(self) -> int:
        """http.client's takes whatever Python takes for a number: 0x5, 1_0, -5."""
        if not (found := _CHUNK_SIZE.fullmatch(self.fp.readline(_CHUNK_LINE))):
            raise ValueError("no size of a chunk")
        return int(found[1], 16)

    def _read_and_discard_trailer(self) -> None:
        """http.client's knows no end of it."""
        http.client.parse_headers(self.fp)

    def _check_headers(self) -> None:
        if self.fp.ended:
            raise self._broken("transfer", "closed the connection in the middle of the headers")
        if any(isinstance(defect, _BAD_HEADERS) for defect in self.msg.defects):
            raise self._broken("transfer", "sent a malformed header line")
        if len(lengths := set(self.msg.get_all("content-length", ()))) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
            raise self._broken("transfer", f"sent an invalid Content-Length: {excerpt(', '.join(sorted(lengths)), 200)}")
        coding = ", ".join(self.msg.get_all("transfer-encoding", ()))
        if coding and coding.lower() != "chunked":  # RFC 9112, 6.1: without knowing it nobody knows where the body ends
            raise self._broken("transfer", f"cannot be read: its transfer encoding is {excerpt(coding, 80)!r}")

    def read_body(self, limit: int) -> tuple[bytes, bool]:
        """The body without its content encoding, and whether it is longer than ``limit`` bytes (then it is cut there).

        A body that ends before its length, its last chunk or the end of its compressed data is a NetError. Compressed data that
        is longer than the limit itself counts as too long, whatever comes out of it.
        """
        decoder = _decoder(self.getheader("content-encoding") or "")
        body, taken = bytearray(), 0
        try:
            while piece := self.read(_CHUNK):
                taken += len(piece)
                body += decoder.feed(piece, limit + 1 - len(body))
                if len(body) > limit or taken > limit + _CHUNK:
                    return bytes(body[:limit]), True
        except zlib.error as error:
            raise self._broken("transfer", f"sent a body that is not valid {decoder.name}") from error
        except (http.client.HTTPException, ValueError) as error:
            raise self._broken("transfer", f"broke off its answer after {len(body)} bytes: {_text(error)}") from error
        if self.length:
            raise self._broken("transfer", f"closed the connection {self.length} bytes before the end of the body")
        if not decoder.complete:
            raise self._broken("transfer", f"sent {decoder.name} data that ends too early")
        return bytes(body), False

    def _broken(self, phase: str, what: str) -> NetError:
        self.close()
        return NetError(f"{self._peer} {what}", phase=phase, kind="protocol")


class _Decoder(Protocol):
    name: str

    @property
    def complete(self) -> bool:
        """Whether the data may end here."""
        ...

    def feed(self, data: bytes, room: int) -> bytes:
        """At most ``room`` bytes of what the data stands for."""
        ...


class _Identity:
    name = "plain"
    complete = True

    def feed(self, data: bytes, _room: int) -> bytes:
        return data


class _Unknown:
    """An encoding that nobody asked for; an answer without body may name one."""

    complete = True

    def __init__(self, name: str) -> None:
        self.name = name

    def feed(self, _data: bytes, _room: int) -> bytes:
        raise NetError(f"cannot decode content encoding {excerpt(self.name, 80)!r}", phase="transfer", kind="protocol")


class _Inflater:
    """gzip (RFC 1952, several members too) and deflate (RFC 1950; RFC 1951 as some servers misread it)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._bits = 15 if name == "deflate" else 31
        self._zlib = zlib.decompressobj(self._bits)
        self._fed = False

    @property
    def complete(self) -> bool:
        return self._zlib.eof or not self._fed

    def feed(self, data: bytes, room: int) -> bytes:
        if not self._fed and self.name == "deflate" and data[0] & 0x0F != 8:  # noqa: PLR2004 - no zlib header
            self._zlib = zlib.decompressobj(-15)
        self._fed = True
        out = self._zlib.decompress(data, room)
        while self._zlib.eof and self._zlib.unused_data.startswith(b"\x1f\x8b") and len(out) < room:
            rest, self._zlib = self._zlib.unused_data, zlib.decompressobj(self._bits)
            out += self._zlib.decompress(rest, room - len(out))
        return out


def _decoder(encoding: str) -> _Decoder:
    name = encoding.strip().lower().removeprefix("x-")
    if name in {"", "identity"}:
        return _Identity()
    if name in {"gzip", "deflate"}:
        return _Inflater(name)
    return _Unknown(encoding)


def request_bytes(method: str, target: str, host: str, headers: Iterable[tuple[str, str | bytes]], body: bytes = b"") -> bytes:
    """A whole request; ``host`` is for the Host header unless the headers have one."""
    lines = [f"{method} {target} HTTP/1.1".encode("latin-1")]
    given = [(name.encode("latin-1"), value if isinstance(value, bytes) else value.encode("latin-1")) for name, value in headers]
    if not any(name.lower() == b"host" for name, _ in given):
        lines.append(b"Host: " + host.encode("latin-1"))
    lines += [name + b": " + value for name, value in given]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def basic(username: str, password: str) -> str:
    """The value of an Authorization header (RFC 7617), in UTF-8."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def _text(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "the body is cut short, or its chunks are malformed"
    if isinstance(error, http.client.BadStatusLine):
        return f"its first line is {excerpt(str(error), 80)!r}"
    return excerpt(str(error), 200) or type(error).__name__
