"""One TCP connection to one address, and TLS on top of it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import MutableMapping
from time import perf_counter
from types import TracebackType
from typing import Self

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.faults import mapped, net_error
from monitorpy.net.resolve import Address, Family, resolve
from monitorpy.net.sockets import DeadlineSocket, DeadlineSSLSocket
from monitorpy.net.tls import TlsSettings, context

__all__ = ["Connection", "connect", "mapped", "peer_name"]


class Connection:
    """An open connection; a context manager that closes it.

    ``sock`` is ready for the standard library's clients: each operation is bounded by the deadline and fails with a NetError.
    ``phases`` gets the seconds of "dns", "connect" and "tls". Set ``phase`` to what the next reads belong to: errors name it.
    """

    def __init__(
        self, sock: DeadlineSocket | DeadlineSSLSocket, address: Address, deadline: Deadline, phases: MutableMapping[str, float | None]
    ) -> None:
        self.sock = sock
        self.address = address.host
        self.port = address.port
        self.deadline = deadline
        self.phases = phases

    @property
    def phase(self) -> str:
        return self.sock.phase

    @phase.setter
    def phase(self, name: str) -> None:
        self.sock.phase = name

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The socket, if TLS is on: ask it for version, cipher and certificates."""
        return self.sock if isinstance(self.sock, ssl.SSLSocket) else None

    def start_tls(self, settings: TlsSettings, server_hostname: str) -> None:
        """Do the handshake; adds to ``phases["tls"]``. ``server_hostname`` is sent as SNI and compared with the certificate."""
        plain = self.sock
        prepared, name = context(settings), _sni(server_hostname)
        started = perf_counter()
        try:
            wrapped = prepared.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False, suppress_ragged_eofs=False)
            assert isinstance(wrapped, DeadlineSSLSocket)
            wrapped.bound(self.deadline, plain.peer, plain.phase)
            self.sock = wrapped  # from here on close() finds it, whatever the handshake does
            wrapped.do_handshake()
        except OSError as error:
            raise net_error(error, "tls", plain.peer, self.deadline) from error
        finally:
            self.phases["tls"] = (self.phases.get("tls") or 0.0) + perf_counter() - started

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def connect(
    host: str,
    port: int,
    deadline: Deadline,
    *,
    family: Family = "any",
    address: str | None = None,
    phases: MutableMapping[str, float | None],
) -> Connection:
    """Resolve the host and connect to its first address, or to the pinned ``address``; one attempt, no fallback.

    Writes ``phases["dns"]`` and ``phases["connect"]`` (seconds), also when the phase fails. Raises NetError.
    """
    started = perf_counter()
    try:
        target = resolve(address or host, port, deadline, family)[0]
    finally:
        resolved = perf_counter()
        phases["dns"] = resolved - started
    try:
        sock = _open(target, peer_name(host, target), deadline)
    finally:
        phases["connect"] = perf_counter() - resolved
    return Connection(sock, target, deadline, phases)


def _open(target: Address, peer: str, deadline: Deadline) -> DeadlineSocket:
    with mapped("connect", peer):
        sock = DeadlineSocket(target.family, socket.SOCK_STREAM)
    sock.bound(deadline, peer, "first_byte")
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect((target.host, target.port))
    except BaseException:
        sock.close()
        raise
    return sock


def peer_name(host: str, target: Address) -> str:
    """How messages name the other side: the name asked for, and the address tried."""
    return str(target) if host == target.host else f"{host} ({target})"


def _sni(name: str) -> str:
    """The name without a root dot, which certificates do not have. Checked here: the ssl module loses the socket of a bad one."""
    asked = name.rstrip(".")
    try:
        sendable = asked.encode("idna")
    except UnicodeError:
        sendable = b""
    if not sendable or sendable.startswith(b".") or b"\0" in sendable:
        raise NetError(f"{name!r} is not a name to ask for in TLS", phase="tls", kind="config", fault="config")
    return asked
