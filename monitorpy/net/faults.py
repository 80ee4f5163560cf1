"""What went wrong on a socket, in one place: OSError and ssl.SSLError become NetError with phase, kind and fault."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from monitorpy.errors import Fault, Kind, NetError
from monitorpy.net.deadline import Deadline

_DURING = {
    "connect": "while connecting",
    "tls": "during the TLS handshake",
    "send": "while sending",
    "first_byte": "before it answered",
    "transfer": "in the middle of its answer",
}
_OVERDUE = {
    "connect": "no connection to {}",
    "tls": "no TLS handshake with {}",
    "send": "could not send to {}",
    "transfer": "no complete answer from {}",
}
_REASONS: dict[int, tuple[str, Kind, Fault]] = {
    errno.ECONNREFUSED: ("{} refused the connection", "connect", "target"),
    errno.ECONNRESET: ("{} reset the connection", "reset", "target"),
    errno.ECONNABORTED: ("the connection to {} was aborted", "reset", "target"),
    errno.EPIPE: ("{} closed the connection", "reset", "target"),
    errno.ENOTCONN: ("{} closed the connection", "reset", "target"),
    errno.ETIMEDOUT: ("{} did not answer: the system gave up", "timeout", "target"),
    errno.EHOSTUNREACH: ("{} is unreachable: no route to host", "connect", "target"),
    errno.EHOSTDOWN: ("{} is unreachable: host is down", "connect", "target"),
    errno.ENETUNREACH: ("this machine has no route to {}: network is unreachable", "environment", "environment"),
    errno.EADDRNOTAVAIL: ("this machine has no address from which to reach {}", "environment", "environment"),
    errno.EAFNOSUPPORT: ("this machine does not support the address family of {}", "environment", "environment"),
    errno.EACCES: ("this machine does not permit a connection to {}", "environment", "environment"),
    errno.EPERM: ("this machine does not permit a connection to {}", "environment", "environment"),
    errno.EMFILE: ("no connection to {}: this process has too many open files", "environment", "environment"),
    errno.ENFILE: ("no connection to {}: this machine has too many open files", "environment", "environment"),
}


def net_error(error: OSError, phase: str, peer: str, deadline: Deadline | None = None) -> NetError:
    """The NetError for an OSError; ``peer`` names the other side, the deadline is for the text of a timeout."""
    if isinstance(error, ssl.SSLError):
        from monitorpy.net.tls_faults import tls_error

        return tls_error(error, phase, peer)
    if isinstance(error, socket.gaierror):
        return NetError(f"cannot resolve {peer}: {error.strerror}", phase="dns", kind="resolve")
    if isinstance(error, TimeoutError) and error.errno is None:
        return overdue(phase, peer, deadline)
    text, kind, fault = _REASONS.get(error.errno or 0, (f"the connection to {{}} failed: {_strerror(error)}", "connect", "target"))
    return NetError(f"{text.format(peer)}{_during(phase, fault)}", phase=phase, kind=kind, fault=fault)


def overdue(phase: str, peer: str, deadline: Deadline | None = None) -> NetError:
    """What to raise when the deadline is reached in that phase."""
    what = _OVERDUE.get(phase, "no answer from {}").format(peer)
    return deadline.error(phase, what) if deadline else NetError(f"{what} in time", phase=phase, kind="timeout")


@contextmanager
def mapped(phase: str, peer: str = "the server", deadline: Deadline | None = None) -> Iterator[None]:
    """Turns an OSError (timeouts and TLS errors too) raised inside into a NetError; a NetError passes."""
    try:
        yield
    except OSError as error:
        raise net_error(error, phase, peer, deadline) from error


def _during(phase: str, fault: Fault) -> str:
    if phase == "connect" or fault == "environment":
        return ""
    return f" {_DURING.get(phase, f'({phase})')}"


def _strerror(error: OSError) -> str:
    return error.strerror or (os.strerror(error.errno) if error.errno else str(error) or type(error).__name__)
