from __future__ import annotations

import random
import socket
import struct

import pytest

from monitorpy.net.icmp import Reply, Trouble, checksum, echo_request, echoed, parse, reason

V4, V6 = socket.AF_INET, socket.AF_INET6
TARGET = {V4: socket.inet_pton(V4, "192.0.2.7"), V6: socket.inet_pton(V6, "2001:db8::7")}


def message(family, kind, code, rest, *ids):
    data = struct.pack("!BBHHH", kind, code, 0, *(ids or (0, 0))) + rest
    return data if family == V6 else data[:2] + struct.pack("!H", checksum(data)) + data[4:]


def packet(family, payload, protocol=None):
    """An IP packet to TARGET; with 8 bytes of options over IPv4."""
    if family == V4:
        return struct.pack("!BBHHHBBH4s4s8s", 0x47, 0, 0, 0, 0, 64, protocol or 1, 0, b"\x0a\0\0\1", TARGET[V4], b"\1" * 8) + payload
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), protocol or 58, 64, bytes(16), TARGET[V6]) + payload


@pytest.mark.parametrize(
    "data, expected",
    [
        (bytes.fromhex("0001f203f4f5f6f7"), 0x220D),  # RFC 1071, 3
        (b"", 0xFFFF),
        (b"\xff", 0x00FF),
        (b"\xff\xff\x00\x01", 0xFFFE),
        (b"\xff" * 70_000, 0),
    ],
)
def test_checksum(data, expected):
    assert checksum(data) == expected


def test_request_over_ipv4():
    request = echo_request(V4, 0x1234, 7, b"payload")
    assert request[:2] == b"\x08\0"
    assert request[4:] == b"\x12\x34\0\x07payload"
    assert checksum(request) == 0


def test_request_over_ipv6_leaves_the_checksum_to_the_system():
    assert echo_request(V6, 0x1234, 7, b"payload") == b"\x80\0\0\0\x12\x34\0\x07payload"


@pytest.mark.parametrize("family, kind", [(V4, 0), (V6, 129)])
def test_reply(family, kind):
    assert parse(family, message(family, kind, 0, b"payload", 0x1234, 7)) == Reply(0x1234, 7, b"payload")


def test_reply_with_the_header_of_ip():
    assert parse(V4, packet(V4, message(V4, 0, 0, b"x", 1, 2))) == Reply(1, 2, b"x")


@pytest.mark.parametrize(
    "family, kind, code, why",
    [
        (V4, 3, 1, "no route to host"),
        (V4, 3, 99, "unreachable (code 99)"),
        (V4, 11, 0, "time to live exceeded"),
        (V4, 12, 0, "parameter problem"),
        (V6, 1, 0, "no route to destination"),
        (V6, 2, 0, "packet too big"),
        (V6, 3, 0, "hop limit exceeded"),
        (V6, 4, 1, "parameter problem (code 1)"),
    ],
)
def test_trouble(family, kind, code, why):
    quoted = packet(family, echo_request(family, 0x1234, 7, b""))
    assert parse(family, message(family, kind, code, quoted)) == Trouble(0x1234, 7, TARGET[family], why)


@pytest.mark.parametrize("family", [V4, V6])
def test_what_is_not_about_our_requests(family):
    unreachable = 3 if family == V4 else 1
    ours = echo_request(family, 1, 2, b"")
    reply = message(family, 0 if family == V4 else 129, 0, b"x", 1, 2)
    for other in (
        b"",
        reply[:7],
        ours,  # a request, as a machine hears its own
        message(family, 200, 0, b"", 1, 2),
        message(family, unreachable, 3, packet(family, ours, protocol=17)),
        message(family, unreachable, 3, packet(family, ours[:7])),
        message(family, unreachable, 3, packet(family, reply)),
        message(family, unreachable, 3, packet(family, ours)[:10]),
        message(family, unreachable, 3, b""),
    ):
        assert parse(family, other) is None


def test_damaged_over_ipv4():
    good = message(V4, 0, 0, b"payload", 1, 2)
    assert parse(V4, good[:-1] + b"X") is None


def test_no_packet_raises():
    chance = random.Random(7)
    for _ in range(3_000):
        data = chance.randbytes(chance.randrange(80))
        parse(V4, message(V4, chance.choice((0, 3, 11)), 0, data))
        parse(V4, b"\x4f" + data)
        parse(V6, bytes([chance.choice((1, 2, 3, 129))]) + data)


def test_echoed():
    assert echoed(V4, echo_request(V4, 5, 6, b"")) == (5, 6)
    assert echoed(V6, echo_request(V6, 5, 6, b"x")) == (5, 6)
    assert echoed(V4, b"\x08\0\0\0\0") is None
    assert echoed(V4, message(V4, 0, 0, b"", 5, 6)) is None


def test_reasons():
    assert reason(V4, 3, 13) == "communication prohibited"
    assert reason(V6, 77, 0) == "ICMP type 77"
    assert reason(V6, 77, 5) == "ICMP type 77 (code 5)"
