"""Names to addresses, bounded by a deadline."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline

Family: TypeAlias = Literal["any", "ipv4", "ipv6"]

_FAMILIES: dict[Family, int] = {"any": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_NAMES: dict[Family, str] = {"any": "", "ipv4": "IPv4", "ipv6": "IPv6"}
_NO_SUCH_ADDRESS = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY", "EAI_FAMILY") if hasattr(socket, name)}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to: ``host`` is numeric, ``family`` one of socket.AF_INET and AF_INET6."""

    host: str
    port: int
    family: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.family == socket.AF_INET6 else f"{self.host}:{self.port}"


def resolve(host: str, port: int, deadline: Deadline, family: Family = "any") -> list[Address]:
    """The addresses of a host in the order of the system's resolver, each once.

    Raises NetError of phase "dns": kind "resolve" for a name without address, "timeout" at the deadline.
    """
    if literal := _literal(host, port):
        if _FAMILIES[family] not in {socket.AF_UNSPEC, literal.family}:
            raise NetError(f"{host} is not an {_NAMES[family]} address", phase="dns", kind="config", fault="config")
        return [literal]
    if not host or "\0" in host:  # getaddrinfo would take what stands before the NUL
        raise NetError(f"cannot resolve {host!r}: not a host name", phase="dns", kind="resolve")
    try:
        found = _lookup(host, port, deadline, family)
    except socket.gaierror as error:
        raise _unresolved(host, family, error) from error
    except UnicodeError as error:
        raise NetError(f"cannot resolve {host!r}: not a host name", phase="dns", kind="resolve") from error
    return list(dict.fromkeys(Address(info[4][0], port, info[0]) for info in found))


def _literal(host: str, port: int) -> Address | None:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return Address(host, port, family)
    return None


def _lookup(host: str, port: int, deadline: Deadline, family: Family) -> list[tuple[Any, ...]]:
    """getaddrinfo; it knows no timeout, so it is left behind on its own thread when the deadline comes first."""
    if host == "localhost":  # in every hosts file: does not wait for a server
        return _getaddrinfo(host, port, family)
    outcome: list[list[tuple[Any, ...]] | Exception] = []
    done = threading.Lock()
    done.acquire()  # a bare lock: an Event takes three times as long

    def work() -> None:
        try:
            outcome.append(_getaddrinfo(host, port, family))
        except Exception as error:  # noqa: BLE001 - raised again below, in the thread that waits
            outcome.append(error)
        finally:
            done.release()

    threading.Thread(target=work, daemon=True, name="monitorpy-resolve").start()
    if not done.acquire(timeout=min(deadline.left(), threading.TIMEOUT_MAX)):
        raise deadline.error("dns", f"cannot resolve {host}: no answer from the resolver")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def _getaddrinfo(host: str, port: int, family: Family) -> list[tuple[Any, ...]]:
    return list(socket.getaddrinfo(host, port, _FAMILIES[family], socket.SOCK_STREAM))


def _unresolved(host: str, family: Family, error: socket.gaierror) -> NetError:
    if family != "any" and error.errno in _NO_SUCH_ADDRESS:
        if not _supported(_FAMILIES[family]):
            message = f"this machine has no {_NAMES[family]}, so {host} cannot be looked at"
            return NetError(message, phase="dns", kind="environment", fault="environment")
        return NetError(f"{host} has no {_NAMES[family]} address ({error.strerror})", phase="dns", kind="resolve")
    return NetError(f"cannot resolve {host}: {error.strerror}", phase="dns", kind="resolve")


def _supported(family: int) -> bool:
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True
