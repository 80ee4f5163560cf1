"""TCP servers that misbehave in one way each, and a port where nobody listens. With ``tls`` they do so after the handshake."""

from __future__ import annotations

import socket
import ssl
import struct
from typing import Self

from monitorpy.lab.tcp_server import HOST, TcpServer

_MUCH = 65536  # bytes


class SilentServer(TcpServer):
    """Accepts, reads, never says a word."""

    def handle(self, sock: socket.socket) -> None:
        _listen(sock)


class DeafServer(TcpServer):
    """Accepts, never reads, never says a word: a client that sends more than the buffers hold (2 MB on Linux) is stuck."""

    def handle(self, sock: socket.socket) -> None:  # noqa: ARG002 - that it is not used is the point
        self.closing.wait()

    def _listen(self) -> socket.socket:
        listener = super()._listen()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what is accepted inherits it
        return listener


class TricklingServer(TcpServer):
    """Sends ``data`` byte by byte, ``interval`` seconds apart, over and over: a timeout per read never ends it."""

    def __init__(self, data: bytes = b"220 so slow ", interval: float = 0.05, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.data = data
        self.interval = interval

    def handle(self, sock: socket.socket) -> None:
        while True:
            for value in self.data:
                sock.sendall(bytes([value]))
                if self.closing.wait(self.interval):
                    return


class ResettingServer(TcpServer):
    """Accepts, sends ``data``, and resets the connection (RST, not FIN) once the client has said something, or at once."""

    def __init__(self, data: bytes = b"", *, after_request: bool = False, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.data = data
        self.after_request = after_request

    def handle(self, sock: socket.socket) -> None:
        if self.after_request:
            sock.recv(_MUCH)
        sock.sendall(self.data)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() now sends the RST


class JunkServer(TcpServer):
    """Greets with ``data``, which is no protocol at all (no line end, no UTF-8), and waits for the client to go."""

    def __init__(self, data: bytes = b"\x00\xff\xfe?!" * 4, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.data = data

    def handle(self, sock: socket.socket) -> None:
        sock.sendall(self.data)
        _listen(sock)


class HalfClosedServer(TcpServer):
    """Sends ``data``, says that nothing more will come (FIN), and goes on reading. Over TLS without the farewell: the answer is cut."""

    def __init__(self, data: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.data = data

    def handle(self, sock: socket.socket) -> None:
        sock.sendall(self.data)
        socket.socket.shutdown(sock, socket.SHUT_WR)  # the plain one: SSLSocket's forgets its TLS state, and reads on in plain text
        _listen(sock)


class EndlessServer(TcpServer):
    """Waits for a request, sends ``start`` and then ``piece`` over and over, as fast as the client takes it."""

    def __init__(self, start: bytes, piece: bytes, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.start = start
        self.pieces = piece * (_MUCH // len(piece) or 1)

    def handle(self, sock: socket.socket) -> None:
        if sock.recv(_MUCH):
            sock.sendall(self.start)
            while not self.closing.is_set():
                sock.sendall(self.pieces)


class EndlessHeadersServer(EndlessServer):
    """A web server whose answer never comes to its body: header lines without end, or one line (``lines=False``)."""

    def __init__(self, *, lines: bool = True, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(b"HTTP/1.1 200 OK\r\nX-More: and", b" more\r\nX-More: and" if lines else b" more", tls=tls)


class HugeBodyServer(EndlessServer):
    """A web server whose body never ends: announced as 1 TB, or in chunks (``chunked=True``)."""

    def __init__(self, *, chunked: bool = False, tls: ssl.SSLContext | None = None) -> None:
        form, piece = (
            (b"Transfer-Encoding: chunked", b"400\r\n" + b"x" * 1024 + b"\r\n") if chunked else (b"Content-Length: %d" % 10**12, b"x")
        )
        super().__init__(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + form + b"\r\n\r\n", piece, tls=tls)


class ClosedPort:
    """A port that refuses connections: bound, so that nobody else gets it, and not listening."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.bind((HOST, 0))
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _listen(sock: socket.socket) -> None:
    """Until the client goes."""
    while sock.recv(_MUCH):
        pass
