"""Which hosts a certificate is for."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

_COMMON_NAME = re.compile(r"(?:^|(?<!\\)[,+])CN=((?:[^,+\\]|\\.)*)")


def covers(sans: Iterable[str], host: str) -> bool:
    """Whether one of the names (as `describe` has them) is that host or address.

    RFC 9525, 6.3, and as OpenSSL compares: a ``*`` stands for exactly the first label, and not before a top-level domain; an
    address must be named as an address.
    """
    if (wanted := address(host)) is not None:
        return any(address(san) == wanted for san in sans)
    name = _ascii(host)
    return any(_is_host(san.lower(), name) for san in sans)


def address(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a text is, if it is one."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def common_name(subject: str) -> str | None:
    """The first common name in a subject (RFC 4514), which named the host before there were alternative names."""
    return found[1] if (found := _COMMON_NAME.search(subject)) else None


def _ascii(host: str) -> str:
    with contextlib.suppress(UnicodeError):  # what cannot be encoded matches nothing
        host = host if host.isascii() else host.encode("idna").decode()
    return host.lower().removesuffix(".")


def _is_host(san: str, host: str) -> bool:
    if san.startswith("*."):
        label, _, parent = host.partition(".")
        return san.count(".") > 1 and parent == san[2:] and bool(label)
    return san == host
