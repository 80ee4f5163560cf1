"""Secrets never leave: one masker for results, logs and exceptions."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

MASK = "***"

_SECRET_WORDS = ("password", "passwd", "secret", "token", "passphrase", "api_key", "credential", "bearer", "authorization", "cookie")

_BASE64_PART = 8
"""Characters that a part of a base64 text must have to tell a secret by it."""
_MARGIN = 1_000
"""Characters beyond a cut in which the rest of a secret is looked for, at least: see `Masker.margin`."""
_LONGEST_ESCAPE = 6
"""Characters for one byte: ``&#x2f;``."""


def sounds_secret(key: str) -> bool:
    """Whether the value under a key of that name is better not shown, declared secret or not."""
    return any(word in key.lower() for word in _SECRET_WORDS)


class Masker:
    """Replaces secret values in texts and plain values.

    A secret is also found percent-encoded, base64-encoded and escaped as in JSON, Python or HTML, as servers like to echo it.
    """

    __slots__ = ("_pattern", "secrets")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = frozenset(s for s in secrets if s)
        # longest first: a secret that contains another one is masked whole
        forms = [form for secret in sorted(self.secrets, key=len, reverse=True) for form in _forms(secret)]
        self._pattern = re.compile("|".join(forms)) if forms else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    @property
    def margin(self) -> int:
        """Characters that one secret may take in a text; access tokens have thousands."""
        longest = max((len(secret.encode("utf-8", "surrogateescape")) for secret in self.secrets), default=0)
        return max(_MARGIN, longest * _LONGEST_ESCAPE)

    def __or__(self, more: Iterable[str]) -> Masker:
        extra = frozenset(more) - self.secrets
        return Masker(self.secrets | extra) if extra else self

    def text(self, value: str) -> str:
        return self._pattern.sub(MASK, value) if self._pattern else value

    def plain(self, value: Any) -> Any:
        """Mask inside dicts (keys too), lists, texts and numbers that read as a secret."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(k) if isinstance(k, str) else k: self.plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.plain(v) for v in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in self.secrets:
            return MASK
        return value


def _forms(secret: str) -> list[str]:
    """Patterns of what a secret may look like, the longest first."""
    raw = secret.encode("utf-8", "surrogateescape")
    return [
        "".join(map(_character, secret)),
        *(re.sub(r"\\[+]|/", lambda c: _BASE64_MARKS[c[0][-1]], re.escape(t)) for t in _in_base64(raw)),
    ]


_BASE64_MARKS = {"+": r"(?:[+-]|%2[bB])", "/": r"(?:\\?[/_]|%2[fF])"}


@lru_cache(maxsize=1024)
def _character(char: str) -> str:
    """A pattern of one character as it is, and as URLs, JSON, Python and HTML escape it: they differ in which ones they do."""
    if char.isascii() and (char.isalnum() or char in "_-."):
        return re.escape(char)
    if char == "\\":
        return r"(?:\\+|%5[cC]|&#92;)"
    utf8 = char.encode("utf-8", "surrogateescape")
    latin = char.encode("latin-1") if ord(char) < 256 else utf8  # noqa: PLR2004 - where latin-1 ends
    forms = {char, repr(char)[1:-1], json.dumps(char)[1:-1], html.escape(char), f"&#{ord(char)};", f"&#x{ord(char):x};"}
    forms |= {"".join(f"{mark}{byte:02x}" for byte in data) for data in (utf8, latin) for mark in ("%", "\\x")} | (
        {"+"} if char == " " else set()
    )
    either = "|".join(_any_case(form) if len(form) > 1 else re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return rf"\\*(?:{either})" if char in "\"'/" else f"(?:{either})"


def _any_case(text: str) -> str:
    """The hexadecimal digits of an escape in capitals or not, and backslashes doubled or not."""
    return "".join(f"[{c}{c.upper()}]" if c in "abcdef" else r"\\+" if c == "\\" else re.escape(c) for c in text)


def _in_base64(raw: bytes) -> Iterator[str]:
    """The encoding of the secret, and what is always the same of it where it stands in a longer text, at each of three offsets."""
    if len(raw) > 2:  # noqa: PLR2004 - "YQ==" would be found in all kinds of texts
        yield base64.b64encode(raw).decode()
    for offset, mixed in enumerate((0, 2, 3)):
        own = base64.b64encode(b"\0" * offset + raw).decode()[mixed : 8 * (offset + len(raw)) // 6]
        if len(own) >= _BASE64_PART:
            yield own


active_masker: ContextVar[Masker] = ContextVar("active_masker", default=Masker())  # noqa: B039 - a Masker never changes
"""The masker of the check that runs in this thread: the logging filter reads it."""


def excerpt(text: str, limit: int) -> str:
    """The first characters of a text, without the secrets of the running check: of one that the cut goes through, the rest would show."""
    masker = active_masker.get()
    return masker.text(text[: limit + masker.margin])[:limit]
