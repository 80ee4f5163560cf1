"""Secrets never leave: one masker for results, logs and exceptions."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"


class Masker:
    """Replaces secret values in texts and plain values.

    A secret is also found percent-encoded, base64-encoded and escaped as in JSON, as servers like to echo it.
    """

    __slots__ = ("_pattern", "secrets")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = frozenset(s for s in secrets if s)
        forms = {form for secret in self.secrets for form in _forms(secret)}
        # longest first: a secret that contains another one is masked whole
        self._pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None

    def __bool__(self) -> bool:
        return self._pattern is not None

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


def _forms(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "surrogateescape")
    # a base64 text of which the secret is only a part starts at one of three bit offsets, but its own encoding is the common echo
    encoded = base64.b64encode(raw).decode()
    escaped = json.dumps(secret)[1:-1]
    return {secret, quote(raw, safe=""), quote(raw), quote_plus(raw), escaped, repr(secret)[1:-1], *([encoded] if len(secret) > 2 else [])}  # noqa: PLR2004


active_masker: ContextVar[Masker] = ContextVar("active_masker", default=Masker())  # noqa: B039 - a Masker never changes
"""The masker of the check that runs in this thread: the logging filter reads it."""
