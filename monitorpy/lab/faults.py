"""TCP servers that misbehave in one way each, and a port where nobody listens."""

from __future__ import annotations

import socket
import struct
from typing import Self

from monitorpy.lab.tcp_server import HOST, TcpServer


class SilentServer(TcpServer):
    """Accepts, reads, never says a word."""

    def handle(self, sock: socket.socket) -> None:
        while sock.recv(65536):
            pass


class TricklingServer(TcpServer):
    """Sends ``data`` byte by byte, ``interval`` seconds apart, over and over: a timeout per read never ends it."""

    def __init__(self, data: bytes = b"220 so slow ", interval: float = 0.05) -> None:
        super().__init__()
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

    def __init__(self, data: bytes = b"", *, after_request: bool = False) -> None:
        super().__init__()
        self.data = data
        self.after_request = after_request

    def handle(self, sock: socket.socket) -> None:
        if self.after_request:
            sock.recv(65536)
        sock.sendall(self.data)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() now sends the RST


class JunkServer(TcpServer):
    """Greets with ``data``, which is no protocol at all (no line end, no UTF-8), and waits for the client to go."""

    def __init__(self, data: bytes = b"\x00\xff\xfe?!" * 4) -> None:
        super().__init__()
        self.data = data

    def handle(self, sock: socket.socket) -> None:
        sock.sendall(self.data)
        while sock.recv(65536):
            pass


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
