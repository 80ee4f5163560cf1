"""Bytes from a peer, for people: as text or in hexadecimal digits, bounded and without secrets."""

from __future__ import annotations

from monitorpy.utils.masking import MASK, active_masker, excerpt

_SHOWN = 80
"""Characters of an answer in a message: a line's worth."""

_SECRET = 4
"""Bytes that a secret has at least when it is written in hexadecimal digits: "12" is two other characters far more often."""

_MASK = MASK.encode()


def as_text(data: bytes | bytearray) -> str:
    """Bytes from a peer as text; what is not UTF-8 is shown in backslash escapes."""
    return data.decode("utf-8", "backslashreplace")


def bytes_before(data: bytes, characters: int) -> int:
    """How many bytes of ``data`` the first characters of `as_text` stand for; a byte counts when part of its escape is among them."""
    size = 0
    for char in data.decode("utf-8", "surrogateescape"):  # a surrogate for each byte that as_text escapes
        if characters <= 0:
            break
        escaped = "\udc80" <= char <= "\udcff"
        characters -= len(r"\xff") if escaped else 1
        size += 1 if escaped else len(char.encode())
    return size


def as_hex(data: bytes) -> str:
    """Bytes from a peer in hexadecimal digits, without the secrets of the running check: no mask would find them in there."""
    for secret in sorted(active_masker.get().secrets, key=len, reverse=True):
        data = data.replace(secret.encode("utf-8", "surrogateescape"), _MASK)
        if raw := secret_bytes(secret):
            data = data.replace(raw, _MASK)
    return data.hex()


def hex_bytes(text: str) -> bytes | None:
    """The bytes that pairs of hexadecimal digits stand for ("00ff", "00 ff"); None if it is something else."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def secret_bytes(secret: str) -> bytes | None:
    """The bytes that a secret in hexadecimal digits stands for; None if it is of another kind."""
    raw = hex_bytes(secret)
    return raw if raw and len(raw) >= _SECRET else None


def quoted(data: bytes | bytearray) -> str:
    """The beginning of what a peer sent, as text in quotes, for a message."""
    text = as_text(data[:4_000])
    return repr(text if len(text) <= _SHOWN else excerpt(text, _SHOWN) + "...")


def in_hex(data: bytes | bytearray) -> str:
    """The beginning of what a peer sent, in pairs of hexadecimal digits, for a message."""
    digits = as_hex(bytes(data))
    pairs = " ".join(digits[at : at + 2] for at in range(0, min(len(digits), _SHOWN), 2))
    return f"{pairs} ... ({len(data)} bytes)" if len(digits) > _SHOWN else pairs or "no bytes"
