"""The base of the lab's TCP servers: a free loopback port, a daemon thread per connection, everything ended at close."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import Self

HOST = "127.0.0.1"


class TcpServer:
    """Accepts on 127.0.0.1, any free port, from the moment it is made; serves between `__enter__` and `__exit__`.

    With ``tls`` the conversation starts with a handshake. ``accepted`` counts connections. Subclasses write `handle`.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.accepted = 0
        self.closing = threading.Event()
        self._listener = self._listen()
        self.port: int = self._listener.getsockname()[1]
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._acceptor = threading.Thread(target=self._accept, name=f"{type(self).__name__}:{self.port}", daemon=True)

    def handle(self, sock: socket.socket) -> None:
        """One conversation, in a thread of its own; OSError may pass (the client has gone); the socket is closed after it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop accepting, cut what is open, and wait (a second at most per conversation) for its threads."""
        self.closing.set()
        if self._acceptor.is_alive():
            with contextlib.suppress(OSError):  # wakes accept(); closing the listener under it does not
                socket.create_connection((HOST, self.port), timeout=1).close()
            self._acceptor.join(1)
        self._listener.close()
        with self._lock:
            connections = dict(self._connections)
        for sock in connections.values():
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # the plain one: SSLSocket's forgets its TLS state under a reader
        for thread in connections:
            thread.join(1)

    def _listen(self) -> socket.socket:
        return socket.create_server((HOST, 0), backlog=128)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except ConnectionError:  # gone before it was accepted
                continue
            if self.closing.is_set():
                sock.close()
                return
            self.accepted += 1
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            with self._lock:
                self._connections[thread] = sock
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError), sock:
                if self.tls is None:
                    self.handle(sock)
                else:
                    with self.secured(sock, self.tls) as secure:
                        self.handle(secure)
        finally:
            with self._lock:
                del self._connections[threading.current_thread()]

    def secured(self, sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        """The socket after a server's handshake (for STARTTLS too); it replaces the plain one. Raises OSError."""
        secure = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._connections[threading.current_thread()] = secure
        try:
            secure.do_handshake()
        except OSError:
            secure.close()
            raise
        return secure
