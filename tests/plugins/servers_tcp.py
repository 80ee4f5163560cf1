"""A TCP server on loopback that runs a script with each connection."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Script = Callable[[socket.socket], None]


class ScriptedServer:
    """``port``, and how many connections came (``count``). A script returns to close; ``closing`` is set when the test is over."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.count = 0
        self.closing = threading.Event()

    def accept_all(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.count += 1
                self._open.append(sock)
                threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        with suppress(OSError, IndexError), sock:  # IndexError: a line that makes no sense ends the talk
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            with sock:
                self._script(sock)

    def close(self) -> None:
        self.closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for sock in [self._listener, *self._open]:
            with suppress(OSError):
                sock.close()


@contextmanager
def running(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    server = ScriptedServer(script, tls)
    thread = threading.Thread(target=server.accept_all, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(2)


def silent(sock: socket.socket) -> None:
    """Says nothing until the client goes."""
    while sock.recv(4096):
        pass


def saying(data: bytes) -> Script:
    """Says that and then only listens."""

    def script(sock: socket.socket) -> None:
        sock.sendall(data)
        silent(sock)

    return script


def closing_after(data: bytes) -> Script:
    def script(sock: socket.socket) -> None:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        silent(sock)

    return script


def trickling(every: float, data: bytes = b"x") -> Script:
    """One byte at a time, without end."""
    pause = threading.Event()

    def script(sock: socket.socket) -> None:
        while not pause.wait(every):
            sock.sendall(data)

    return script


def flooding(data: bytes) -> Script:
    """The same again and again, as fast as it goes."""

    def script(sock: socket.socket) -> None:
        while True:
            sock.sendall(data * 100)

    return script


def resetting(sock: socket.socket) -> None:
    """A RST at once."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def echoing(sock: socket.socket) -> None:
    while data := sock.recv(4096):
        sock.sendall(data)
