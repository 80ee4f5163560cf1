"""Datagrams to one address and port, and what comes back from there."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, MutableMapping
from time import perf_counter
from types import TracebackType
from typing import Self

from monitorpy.errors import NetError
from monitorpy.net.connect import peer_name
from monitorpy.net.deadline import Deadline
from monitorpy.net.faults import mapped
from monitorpy.net.resolve import Address, Family, resolve
from monitorpy.net.sockets import DeadlineSocket

LONGEST = 65_507
"""Bytes that fit into one datagram over IPv4: 65,535 without the headers of IP and UDP."""

MOST = 100
"""Datagrams that a peer may send before the one we wait for."""

LIMIT = 64_000
"""Bytes that it may send until then."""


class Datagrams:
    """A question, and the answers to it; a context manager that closes the socket.

    The socket is connected: the system drops what comes from another address or port, and tells when nothing listens there.
    ``replies`` has every datagram that came, ``phases`` gets "first_byte" (seconds since the question was sent).
    """

    def __init__(self, sock: DeadlineSocket, address: Address, phases: MutableMapping[str, float | None]) -> None:
        self._sock = sock
        self._phases = phases
        self.address = address.host
        self.replies: list[bytes] = []

    def ask(self, question: bytes, accept: Callable[[bytes], bool]) -> bytes:
        """Send it, once, and wait for a datagram that is accepted; others are kept.

        Raises NetError: kind "timeout", "connect" (the cause is ConnectionRefusedError: nothing listens there), "protocol" (more
        came than is waited for). With replies there, it says that the one is missing.
        """
        self._send(question)
        sent = perf_counter()
        while len(self.replies) < MOST and sum(map(len, self.replies)) < LIMIT:
            reply = self._receive()
            if not self.replies:
                self._phases["first_byte"] = perf_counter() - sent
            self.replies.append(reply)
            if accept(reply):
                return reply
        size = sum(map(len, self.replies))
        many = f"{len(self.replies)} datagram{'s' if len(self.replies) != 1 else ''}"
        message = f"no such answer among {many} ({size} bytes) from {self._sock.peer}"
        raise NetError(message, phase="transfer", kind="protocol")

    def _send(self, question: bytes) -> None:
        try:
            self._sock.send(question)
        except NetError as error:
            if getattr(error.__cause__, "errno", None) != errno.EMSGSIZE:
                raise
            message = f"{len(question)} bytes are too many for one datagram to {self._sock.peer}"
            raise NetError(message, phase="send", kind="config", fault="config") from error

    def _receive(self) -> bytes:
        try:
            return self._sock.recv(65_535)
        except NetError as error:
            if isinstance(refused := error.__cause__, ConnectionRefusedError):
                message = f"nothing listens at {self._sock.peer}: ICMP port unreachable"
                raise NetError(message, phase="first_byte", kind="connect") from refused
            if error.kind == "timeout" and self.replies:
                raise self._sock.deadline.error("transfer", f"no such answer from {self._sock.peer}") from None
            raise

    def close(self) -> None:
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def datagrams(
    host: str,
    port: int,
    deadline: Deadline,
    *,
    family: Family = "any",
    address: str | None = None,
    phases: MutableMapping[str, float | None],
) -> Datagrams:
    """Resolve the host and open a socket to its first address, or to the pinned ``address``; nothing is sent yet.

    Writes ``phases["dns"]`` (seconds), also when that fails. Raises NetError.
    """
    started = perf_counter()
    try:
        target = resolve(address or host, port, deadline, family)[0]
    finally:
        phases["dns"] = perf_counter() - started
    peer = peer_name(host, target)
    with mapped("connect", peer):
        sock = DeadlineSocket(target.family, socket.SOCK_DGRAM)
    sock.bound(deadline, peer, "first_byte")
    try:
        sock.connect((target.host, target.port))
    except BaseException:
        sock.close()
        raise
    return Datagrams(sock, target, phases)
