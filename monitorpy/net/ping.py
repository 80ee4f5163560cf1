"""Echo requests to one address, and what comes back. One Deadline bounds all of it, the pauses in between included."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count as counter
from time import perf_counter
from typing import Final

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.faults import mapped, net_error
from monitorpy.net.icmp import REPLY, REQUEST, Trouble, echo_request, echoed, parse, reason
from monitorpy.net.resolve import Address

TOKEN: Final = 8
"""Bytes at the beginning of each payload that tell our requests from those of others; so a payload has at least as many."""

_PROTOCOL: Mapping[int, int] = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
_LINUX = sys.platform == "linux"
_RECVERR: Mapping[int, tuple[int, int]] = {socket.AF_INET: (0, 11), socket.AF_INET6: (41, 25)}
"""Level and option of IP_RECVERR and IPV6_RECVERR on Linux: ip(7), ipv6(7)."""
_EXTENDED: Final = struct.Struct("=IBBBBII")
"""struct sock_extended_err of ip(7): errno, origin, type, code, padding, info, data; the address of who reports it follows."""
_FROM_ICMP = (2, 3)
_ATTACH_FILTER: Final = 26
"""SO_ATTACH_FILTER: socket(7)."""
_LONGEST = 3_600.0
"""Seconds of one wait: socket timeouts cannot be infinite."""

_identifiers = counter(int.from_bytes(os.urandom(2), "big"))
"""One for each socket, so that those of different threads do not take one another's answers; next() is atomic."""


@dataclass(slots=True)
class Pings:
    """What came of echo requests.

    ``times`` has the round trips in seconds, ``troubles`` what a router said of a request, both by sequence number (from 1).
    """

    peer: str
    sent: int = 0
    times: dict[int, float] = field(default_factory=dict)
    troubles: dict[int, str] = field(default_factory=dict)
    duplicates: int = 0

    @property
    def received(self) -> int:
        return len(self.times)

    @property
    def loss_percent(self) -> float:
        return 100.0 * (self.sent - self.received) / self.sent

    @property
    def settled(self) -> bool:
        """Whether something is known of every request."""
        return len(self.times.keys() | self.troubles.keys()) == self.sent

    def silence(self, deadline: Deadline) -> NetError:
        """What to raise when no reply came at all."""
        if self.troubles:
            return NetError(f"{self.peer} is not reached: {self.complaints}", phase="first_byte", kind="connect")
        return deadline.error("first_byte", f"no reply from {self.peer} ({self.sent} sent)")

    @property
    def complaints(self) -> str:
        """What routers said, each once."""
        return "; ".join(dict.fromkeys(self.troubles.values()))


def patience(deadline: Deadline) -> float:
    """Seconds to wait for replies after the last request: a lost one is a result, too, and it must come before the deadline.

    A tenth of the whole time is kept for that, 0.2 s at most, and not more than half of what is left.
    """
    left = deadline.left()
    return left - min(0.1 * deadline.seconds, 0.2, left / 2)


def fits(count: int, interval: float, seconds: float) -> bool:
    """Whether so many requests, so far apart (seconds), can be sent in that time."""
    return (count - 1) * interval < seconds


def ping(pings: Pings, target: Address, deadline: Deadline, *, count: int, interval: float, size: int) -> None:
    """Send ``count`` echo requests with ``size`` bytes of payload, ``interval`` seconds apart, and wait for their replies.

    Ends when something is known of each, or when the `patience` is over. What came of them is in ``pings``, also when
    a NetError is raised: with fault "environment" when this machine permits no ping, "config" when the requests do not fit,
    "target" when they could not be sent.
    """
    if not fits(count, interval, deadline.seconds):
        message = f"{count} echo requests {interval:g} s apart do not fit into {deadline.seconds:g} s"
        raise NetError(message, phase="send", kind="config", fault="config")
    with mapped("connect", pings.peer):
        sock, raw = _open(target.family)
    with sock:
        echo = _Echo(sock, target, deadline, pings, raw=raw, size=size)
        for number in range(1, count + 1):
            due = Deadline((number - 1) * interval - echo.elapsed())
            echo.listen(due.earlier(deadline), until_settled=False)
            if deadline.expired:
                raise deadline.error("send", f"only {pings.sent} of {count} echo requests to {pings.peer} could be sent")
            echo.send(number)
        echo.listen(Deadline(patience(deadline)), until_settled=True)


def _open(family: int) -> tuple[socket.socket, bool]:
    """A socket for echo requests, and whether it is a raw one. Raises OSError, and NetError where neither kind is permitted."""
    with suppress(OSError):  # not permitted, or a system that has none
        return _socket(family, socket.SOCK_DGRAM), False
    try:
        return _socket(family, socket.SOCK_RAW), True
    except PermissionError:
        message = (
            'this machine does not permit ping: set sysctl -w net.ipv4.ping_group_range="0 2147483647" (it counts for IPv6, too), '
            "or run with CAP_NET_RAW"
        )
        raise NetError(message, phase="send", kind="environment", fault="environment") from None


def _socket(family: int, kind: int) -> socket.socket:
    return socket.socket(family, kind, _PROTOCOL[family])


class _Echo:
    """Requests over one socket, and what is heard of them.

    A datagram socket gets the identifier from the system, and only what belongs to it. A raw one gets all ICMP of the machine.
    """

    def __init__(self, sock: socket.socket, target: Address, deadline: Deadline, pings: Pings, *, raw: bool, size: int) -> None:
        self._sock = sock
        self._raw = raw
        self._keeps_errors = _LINUX and not raw
        self._deadline = deadline
        self._target = target
        self._family = target.family
        self._packed = _packed(target.family, target.host)
        self._identifier = next(_identifiers) & 0xFFFF
        self._token = os.urandom(TOKEN)
        self._payload = self._token + bytes(i & 0xFF for i in range(size - TOKEN))
        self._sent_at: dict[int, float] = {}
        self._pings = pings
        self._began = perf_counter()
        if raw and _LINUX:
            _only_answers(sock, self._family, self._identifier, deadline)
        elif self._keeps_errors:
            sock.setsockopt(*_RECVERR[self._family], 1)  # tells what routers say

    def elapsed(self) -> float:
        return perf_counter() - self._began

    def send(self, sequence: int) -> None:
        packet = echo_request(self._family, self._identifier, sequence, self._payload)
        with mapped("send", self._pings.peer, self._deadline):
            while not self._passed(sequence, packet):
                pass
        self._pings.sent += 1

    def _passed(self, sequence: int, packet: bytes) -> bool:
        """Whether the system took the packet; if not, it told of the trouble of an earlier one instead, which is noted."""
        self._sock.settimeout(min(self._deadline.timeout("send", f"could not send to {self._pings.peer}"), _LONGEST))
        self._sent_at[sequence] = perf_counter()
        try:
            self._sock.sendto(packet, (self._target.host, 0))
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                message = f"a payload of {len(self._payload)} bytes is too large for an echo request to {self._pings.peer}"
                raise NetError(message, phase="send", kind="config", fault="config") from error
            if not self._told():
                raise
            return False
        return True

    def listen(self, end: Deadline, *, until_settled: bool) -> None:
        """Take what comes until then, or until something is known of every request."""
        while (left := end.left()) > 0 and not (until_settled and self._pings.settled):
            self._sock.settimeout(min(left, _LONGEST))
            try:
                packet, sender = self._sock.recvfrom(65_535)
            except TimeoutError:
                continue
            except OSError as error:
                if not self._told():
                    raise net_error(error, "first_byte", self._pings.peer) from error
                continue
            self._take(packet, sender[0], perf_counter())

    def _take(self, packet: bytes, sender: str, arrived: float) -> None:
        heard = parse(self._family, packet)
        if heard is None or (self._raw and heard.identifier != self._identifier) or heard.sequence not in self._sent_at:
            return
        if isinstance(heard, Trouble):
            if heard.destination == self._packed:
                self._pings.troubles.setdefault(heard.sequence, f"{heard.reason}, says {sender}")
        elif heard.payload.startswith(self._token) and _packed(self._family, sender) == self._packed:
            if heard.sequence in self._pings.times:
                self._pings.duplicates += 1
            else:
                self._pings.times[heard.sequence] = arrived - self._sent_at[heard.sequence]

    def _told(self) -> bool:
        """Take what Linux keeps of errors for a datagram socket; whether a router, or the host, has sent one."""
        if not self._keeps_errors:
            return False
        told = False
        self._sock.settimeout(0)
        with suppress(BlockingIOError):
            while True:
                packet, control, _, destination = self._sock.recvmsg(65_535, 512, socket.MSG_ERRQUEUE)
                for level, option, data in control:
                    if (level, option) == _RECVERR[self._family]:
                        told = self._tell(packet, destination[0], data) or told
        return told

    def _tell(self, packet: bytes, destination: str, data: bytes) -> bool:
        _, origin, kind, code, _, _, _ = _EXTENDED.unpack_from(data)
        if origin not in _FROM_ICMP:
            return False
        at = _EXTENDED.size + (4 if self._family == socket.AF_INET else 8)  # after family and port, and IPv6's flow
        router = socket.inet_ntop(self._family, data[at : at + len(self._packed)])
        if (found := echoed(self._family, packet)) and _packed(self._family, destination) == self._packed:
            self._pings.troubles.setdefault(found[1], f"{reason(self._family, kind, code)}, says {router}")
        return True


def _packed(family: int, host: str) -> bytes:
    return socket.inet_pton(family, host.partition("%")[0])


def _only_answers(sock: socket.socket, family: int, identifier: int, deadline: Deadline) -> None:
    """Have Linux drop the replies to others, and all requests: a raw socket gets the ICMP of the whole machine, and its queue is short."""
    program = b"".join(struct.pack("=HBBI", *line) for line in _filter(family, identifier))
    kept = ctypes.create_string_buffer(program)
    with suppress(OSError):  # it only saves work
        sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("@HP", len(program) // 8, ctypes.addressof(kept)))
        sock.settimeout(0)
        while not deadline.expired:  # what came before it may have filled the queue
            sock.recv(1)


def _filter(family: int, identifier: int) -> Iterator[tuple[int, int, int, int]]:
    """Instructions of a BPF: code, lines to jump over when true and when false, operand. Those of IPv4 begin with the header of IP."""
    headed = family == socket.AF_INET
    if headed:
        yield (0xB1, 0, 0, 0)  # X = the length of that header
    yield (0x50 if headed else 0x30, 0, 0, 0)  # A = the type
    yield (0x15, 0, 2, REPLY[family])  # no reply: on to the request
    yield (0x48 if headed else 0x28, 0, 0, 4)  # A = the identifier
    yield (0x15, 1, 2, identifier)
    yield (0x15, 1, 0, REQUEST[family])
    yield (0x06, 0, 0, 0xFFFF)  # take it
    yield (0x06, 0, 0, 0)  # drop it
