"""Scripts for servers_tcp.py that speak HTTP, rightly or not, and a SOCKS proxy."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

Script = Callable[[socket.socket], None]


def read_request(sock: socket.socket) -> bytes:
    """Head and body; less if the client goes."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := sock.recv(65536)):
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length and (piece := sock.recv(65536)):
        body += piece
    return head + b"\r\n\r\n" + body


def answering(answer: bytes | Callable[[bytes], bytes], seen: list[bytes] | None = None) -> Script:
    """Gives one answer, or what a function makes of the request; ``seen`` gets the requests."""

    def script(sock: socket.socket) -> None:
        request = read_request(sock)
        if seen is not None:
            seen.append(request)
        sock.sendall(answer(request) if callable(answer) else answer)

    return script


def routes(pages: Mapping[str, bytes]) -> Callable[[bytes], bytes]:
    """For `answering`: an answer by path."""
    return lambda request: pages[request.split(b" ")[1].decode()]


def without_end(start: bytes, piece: bytes, pause: float = 0.0) -> Script:
    """Starts an answer and never stops."""

    def script(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(start)
        waiting = threading.Event()
        while not waiting.wait(pause):
            sock.sendall(piece)

    return script


def resetting_after(data: bytes) -> Script:
    """Sends that, waits until it has been read, and resets."""

    def script(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(data)
        threading.Event().wait(0.1)  # a reset throws away what is under way
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    return script


def socks(port: int, login: tuple[bytes, bytes] | None = None) -> Script:
    """A SOCKS 5 proxy that leads everywhere to that port."""

    def script(sock: socket.socket) -> None:
        sock.recv(2 + 255)
        sock.sendall(b"\5\2" if login else b"\5\0")
        if login:
            name, password = login
            wanted = b"\1" + bytes([len(name)]) + name + bytes([len(password)]) + password
            given = sock.recv(513)
            sock.sendall(b"\1\0" if given == wanted else b"\1\1")
            if given != wanted:
                return
        sock.recv(262)
        sock.sendall(b"\5\0\0\1\0\0\0\0\0\0")
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            thread = threading.Thread(target=_pipe, args=(upstream, sock), daemon=True)
            thread.start()
            _pipe(sock, upstream)
            thread.join(5)

    return script


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
