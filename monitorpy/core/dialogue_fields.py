"""Parts of the Configs of checks that send something and expect something back. Importing this module imports pydantic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from monitorpy.core.fields import RegexField
from monitorpy.core.patterns import Pattern
from monitorpy.core.plugin_config import ConfigSection
from monitorpy.core.tls_options import Text
from monitorpy.net.received import as_text, bytes_before, hex_bytes, in_hex, secret_bytes
from monitorpy.utils.masking import active_masker


def _hex(value: str) -> str:
    if not hex_bytes(value):
        raise ValueError('must be hexadecimal digits in pairs, such as "00 ff"')
    return value


HexField = Annotated[Text, AfterValidator(_hex), Field(json_schema_extra={"pattern": r"^(\s*[0-9A-Fa-f]{2})+\s*$"})]
"""Bytes, each as two hexadecimal digits; spaces in between are for the reader."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where something was found in ``data``: ``end`` is the byte after it, ``match`` that of a regular expression."""

    data: bytes
    end: int
    match: Any = None

    def group(self, name: str) -> bytes | None:
        """The bytes that a group captured, None if it took no part in the match."""
        start, end = self.match.span(int(name) if name.isdecimal() else name)
        return None if start < 0 else self.data[bytes_before(self.data, start) : bytes_before(self.data, end)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something to find in what a peer sends; ``what`` names it in messages, where ``binary`` answers are better shown in hex."""

    what: str
    find: Callable[[bytes], Found | None]
    binary: bool = False

    @classmethod
    def of_text(cls, text: str) -> Wanted:
        return cls(repr(text), _finder(text.encode()))

    @classmethod
    def of_hex(cls, digits: str) -> Wanted:
        data = bytes.fromhex(digits)
        return cls(f"the bytes {in_hex(data)}", _finder(data), binary=True)

    @classmethod
    def of_regex(cls, pattern: Pattern, what: str = "a match of") -> Wanted:
        def find(data: bytes) -> Found | None:
            match = pattern.search(as_text(data))
            return Found(data, bytes_before(data, match.end()), match) if match else None

        return cls(f"{what} {pattern.pattern!r}", find)


def _finder(wanted: bytes) -> Callable[[bytes], Found | None]:
    def find(data: bytes) -> Found | None:
        at = data.find(wanted)
        return Found(data, at + len(wanted)) if at >= 0 else None

    return find


class ExpectOptions(ConfigSection):
    """What must be found in an answer; all of it that is given."""

    expect: Text | None = Field(None, description="Text to find in what comes back.")
    expect_regex: RegexField | None = Field(None, description="Regular expression to find in what comes back.")
    expect_hex: HexField | None = Field(None, description='Bytes to find in what comes back, in hexadecimal digits ("00 ff").')

    @property
    def wanted(self) -> list[Wanted]:
        found = [Wanted.of_text(self.expect)] if self.expect else []
        found += [Wanted.of_regex(self.expect_regex)] if self.expect_regex else []
        return found + ([Wanted.of_hex(self.expect_hex)] if self.expect_hex else [])


class TalkOptions(ExpectOptions):
    """What to send, and what must come back."""

    send: Text | None = Field(None, description='Text to send; line ends are yours ("PING\\r\\n").')
    send_hex: HexField | None = Field(None, description='Bytes to send, in hexadecimal digits ("00 ff").')

    @property
    def payload(self) -> bytes:
        """The bytes to send, if any."""
        return (self.send or "").encode() or bytes.fromhex(self.send_hex or "")

    def hex_secrets(self) -> set[str]:
        """What the secrets in ``send_hex`` look like where the peer sends them back."""
        sent = [secret for secret in active_masker.get().secrets if secret in (self.send_hex or "")]
        return {as_text(data) for secret in sent if (data := secret_bytes(secret))}
