"""The way through a proxy: HTTP's CONNECT (RFC 9110, 9.3.6) and SOCKS 5 (RFC 1928, with the passwords of RFC 1929)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urlsplit

from monitorpy.errors import NetError
from monitorpy.net.connect import Connection, connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.http_wire import Answer, basic, request_bytes
from monitorpy.net.resolve import Family, resolve
from monitorpy.net.sockets import DeadlineSocket, DeadlineSSLSocket
from monitorpy.utils.masking import excerpt

PORTS = {"http": 80, "socks5": 1080, "socks5h": 1080}
"""The schemes of proxies, and their ports where the URL names none."""

_NO_PASSWORD, _PASSWORD = 0, 2  # RFC 1928, 3
_IPV4, _NAME, _IPV6 = 1, 3, 4  # RFC 1928, 5
_WHO_ARE_YOU = {401, 407}  # tinyproxy answers a wrong password with 401
_REPLIES = {
    1: "general failure",
    2: "connection not allowed by ruleset",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}
_OF_THE_TARGET = {3, 4, 5, 6}  # of these replies the proxy is only the messenger


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy; ``scheme`` is one of PORTS. ``socks5`` resolves names here, ``socks5h`` and ``http`` leave that to the proxy."""

    scheme: str
    host: str
    port: int
    username: str | None = None
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str, username: str | None = None, password: str | None = None) -> Proxy:
        """Of a URL whose scheme is one of PORTS."""
        parts = urlsplit(url)
        return cls(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme], username, password or "")

    def __str__(self) -> str:
        return f"the proxy {_place(self.host, self.port)}"

    @property
    def forwards(self) -> bool:
        """Whether plain HTTP needs no tunnel: the proxy takes the whole URL."""
        return self.scheme == "http"

    @property
    def headers(self) -> dict[str, str]:
        """What tells an HTTP proxy who asks; never for the target."""
        return {} if self.username is None else {"Proxy-Authorization": basic(self.username, self.password)}

    def connect(
        self,
        host: str,
        port: int,
        deadline: Deadline,
        *,
        tunnel: bool = True,
        family: Family = "any",
        phases: MutableMapping[str, float | None],
    ) -> Connection:
        """A connection that leads to the host; without ``tunnel`` one to the proxy itself.

        ``family`` is for the address that is looked up here: with ``socks5`` the host's, else the proxy's. All of it counts as
        "connect", looking up the host as "dns". Raises NetError that tells the proxy's faults from those of the target.
        """
        resolves = tunnel and self.scheme == "socks5"
        try:
            connection = connect(self.host, self.port, deadline, family="any" if resolves else family, phases=phases)
        except NetError as error:
            raise NetError(f"no way to {self}: {error}", phase=error.phase, kind=error.kind, fault=error.fault) from error
        connection.sock.peer = str(self)
        try:
            if tunnel:
                address = _resolved(host, port, deadline, family, phases) if resolves else host
                self._tunnel(connection, address, host, port)
        except BaseException:
            connection.close()
            raise
        return connection

    def _tunnel(self, connection: Connection, address: str, host: str, port: int) -> None:
        place = _place(host, port)
        with _connecting(connection):
            if self.scheme == "http":
                _ask_http(connection, self, place)
            else:
                _ask_socks(connection, self, address, port, place)
        connection.sock.peer = f"{place} (through {self})"

    def refusal(self, what: str, why: str) -> NetError:
        """``the proxy 127.0.0.1:3128 refused a tunnel to example.org:443: ...``."""
        return NetError(f"{self} refused {what}: {why}", phase="connect", kind="connect")

    def unknown_client(self, what: str, answer: str) -> NetError:
        """The same where it wants to know who asks."""
        told = "it did not accept the user name and password" if self.username is not None else "it wants credentials"
        return self.refusal(what, f"{told} ({answer})")


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _resolved(host: str, port: int, deadline: Deadline, family: Family, phases: MutableMapping[str, float | None]) -> str:
    started = perf_counter()
    try:
        return resolve(host, port, deadline, family)[0].host
    finally:
        phases["dns"] = (phases["dns"] or 0.0) + perf_counter() - started


@contextmanager
def _connecting(connection: Connection) -> Iterator[None]:
    """The time and the faults of a conversation with the proxy are those of connecting."""
    started = perf_counter()
    try:
        yield
    except NetError as error:
        error.phase = "connect"
        raise
    finally:
        connection.phases["connect"] = (connection.phases["connect"] or 0.0) + perf_counter() - started


def _ask_http(connection: Connection, proxy: Proxy, place: str) -> None:
    connection.sock.sendall(request_bytes("CONNECT", place, place, proxy.headers.items()))
    answer = Answer(connection.sock, "CONNECT")
    if answer.status // 100 == 2:  # noqa: PLR2004 - 2xx
        return
    answer.close()
    what, said = f"a tunnel to {place}", f"{answer.status} {excerpt(answer.reason, 80)}".rstrip()
    raise (proxy.unknown_client if answer.status in _WHO_ARE_YOU else proxy.refusal)(what, said)


def _ask_socks(connection: Connection, proxy: Proxy, address: str, port: int, place: str) -> None:
    sock = connection.sock
    methods = bytes([_NO_PASSWORD] if proxy.username is None else [_NO_PASSWORD, _PASSWORD])
    sock.sendall(bytes([5, len(methods)]) + methods)
    version, method = _receive(sock, 2)
    if version != 5:  # noqa: PLR2004 - of SOCKS
        raise NetError(f"{proxy} does not speak SOCKS 5: it answered {bytes([version, method])!r}", phase="connect", kind="protocol")
    if method not in methods:
        raise proxy.unknown_client("to talk", f"SOCKS method {method}")
    if method == _PASSWORD:
        sock.sendall(b"\1" + _counted(proxy.username or "") + _counted(proxy.password))
        if status := _receive(sock, 2)[1]:
            raise proxy.unknown_client("to talk", f"SOCKS status {status}")
    sock.sendall(b"\5\1\0" + _address(address) + port.to_bytes(2, "big"))
    _, reply, _, kind = _receive(sock, 4)
    if reply:
        why = f"{_REPLIES.get(reply, 'unknown reason')} (SOCKS reply {reply})"
        if reply in _OF_THE_TARGET:
            raise NetError(f"{proxy} cannot reach {place}: {why}", phase="connect", kind="connect")
        raise proxy.refusal(f"a connection to {place}", why)
    _receive(sock, {_IPV4: 4, _IPV6: 16}.get(kind) or _receive(sock, 1)[0])  # the address it connects from, and its port
    _receive(sock, 2)


def _receive(sock: DeadlineSocket | DeadlineSSLSocket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        if not (piece := sock.recv(size - len(data))):
            raise NetError(f"{sock.peer} closed the connection before it answered", phase="connect", kind="reset")
        data += piece
    return data


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bytes([_NAME]) + _counted(host)
    return bytes([_IPV4 if address.version == 4 else _IPV6]) + address.packed  # noqa: PLR2004


def _counted(text: str) -> bytes:
    """A text with its length before it."""
    data = text.encode()
    if len(data) > 255:  # noqa: PLR2004 - what a byte can say
        raise NetError(f"SOCKS takes texts of 255 bytes, not {excerpt(text, 40)}...", phase="connect", kind="config", fault="config")
    return bytes([len(data)]) + data
