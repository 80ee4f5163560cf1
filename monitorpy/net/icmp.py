"""ICMP echo in bytes, for IPv4 (RFC 792) and IPv6 (RFC 4443): requests, and what comes because of them. No sockets here."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_ECHO: Final = struct.Struct("!BBHHH")
"""Type, code, checksum, identifier, sequence number; other messages have eight bytes before what they are about, too."""

REQUEST: Mapping[int, int] = {socket.AF_INET: 8, socket.AF_INET6: 128}
REPLY: Mapping[int, int] = {socket.AF_INET: 0, socket.AF_INET6: 129}
"""Types of the messages, by address family."""

_UNREACHABLE_4 = {
    0: "no route to network",
    1: "no route to host",
    2: "protocol unreachable",
    3: "port unreachable",
    4: "it is too large, and must not be fragmented",
    5: "source route failed",
    6: "network unknown",
    7: "host unknown",
    9: "network prohibited",
    10: "host prohibited",
    13: "communication prohibited",
}
_UNREACHABLE_6 = {
    0: "no route to destination",
    1: "communication prohibited",
    2: "beyond the scope of the source address",
    3: "address unreachable",
    4: "port unreachable",
    5: "source address failed policy",
    6: "reject route",
}
_EXCEEDED = {0: "time to live exceeded", 1: "fragments missing"}
_HOPS = {0: "hop limit exceeded", 1: "fragments missing"}

_TROUBLES: Mapping[int, Mapping[int, tuple[str, Mapping[int, str]]]] = {
    socket.AF_INET: {3: ("unreachable", _UNREACHABLE_4), 11: ("time exceeded", _EXCEEDED), 12: ("parameter problem", {})},
    socket.AF_INET6: {
        1: ("unreachable", _UNREACHABLE_6),
        2: ("packet too big", {}),
        3: ("time exceeded", _HOPS),
        4: ("parameter problem", {}),
    },
}
"""Types of messages about a packet of ours; a word for each, and one for each code that is known."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An echo reply."""

    identifier: int
    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Trouble:
    """A router, or the host itself, says why an echo request was not delivered; ``destination`` is where it went (packed)."""

    identifier: int
    sequence: int
    destination: bytes
    reason: str


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071); 0 for data that holds its own."""
    total: int = sum(struct.unpack(f"!{len(data + b'x') // 2}H", data + b"\0" * (len(data) % 2)))
    while total > 0xFFFF:  # noqa: PLR2004 - 16 bits; what is above is added to them
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_request(family: int, identifier: int, sequence: int, payload: bytes) -> bytes:
    """The message. For IPv6 the checksum is the system's: it covers addresses that only the system knows (RFC 3542, 3.1)."""
    head = _ECHO.pack(REQUEST[family], 0, 0, identifier, sequence)
    if family == socket.AF_INET6:
        return head + payload
    return _ECHO.pack(REQUEST[family], 0, checksum(head + payload), identifier, sequence) + payload


def parse(family: int, packet: bytes) -> Reply | Trouble | None:
    """What a packet says about an echo request; None for anything else, and for what is cut short or damaged.

    Over IPv4 the header of IP may come with it.
    """
    message = _without_header(packet) if family == socket.AF_INET else packet
    if len(message) < _ECHO.size or (family == socket.AF_INET and checksum(message)):
        return None
    kind, code, _, identifier, sequence = _ECHO.unpack_from(message)
    if kind == REPLY[family]:
        return Reply(identifier, sequence, message[_ECHO.size :])
    if kind in _TROUBLES[family]:
        return _trouble(family, reason(family, kind, code), message[_ECHO.size :])
    return None


def reason(family: int, kind: int, code: int) -> str:
    """Why a request was not delivered, in words."""
    word, codes = _TROUBLES[family].get(kind, (f"ICMP type {kind}", {}))
    return codes.get(code, f"{word} (code {code})" if code else word)


def echoed(family: int, message: bytes) -> tuple[int, int] | None:
    """Identifier and sequence number of a request of ours that is quoted in an error; None if it is something else."""
    if len(message) < _ECHO.size or message[0] != REQUEST[family]:
        return None
    _, _, _, identifier, sequence = _ECHO.unpack_from(message)
    return identifier, sequence


def _trouble(family: int, why: str, quoted: bytes) -> Trouble | None:
    """Of the packet that is quoted: header of IP and at least eight bytes after it. One with IPv6 extension headers is not ours."""
    if family == socket.AF_INET:
        destination, protocol, message = quoted[16:20], quoted[9:10], _without_header(quoted)
    else:
        destination, protocol, message = quoted[24:40], quoted[6:7], quoted[40:]
    expected = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    found = echoed(family, message) if protocol == bytes([expected]) else None
    return Trouble(*found, destination, why) if found else None


def _without_header(packet: bytes) -> bytes:
    """An IPv4 packet without its header, which has a 4 and its length (in words) in the first byte; no ICMP message begins so."""
    return packet[(packet[0] & 0x0F) * 4 :] if packet and packet[0] >> 4 == 4 else packet  # noqa: PLR2004 - the version
