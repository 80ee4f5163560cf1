"""Plain JSON, bounded and masked: the one conversion at the boundary."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from json.encoder import encode_basestring_ascii
from typing import Any

from monitorpy.core.result import CheckResult, Failure
from monitorpy.utils.masking import Masker, excerpt

RAW_LIMIT = 64_000
"""Characters of JSON text that a result's raw data may hold."""

_DEPTH = 50

_BITS = 1_000
"""Of an integer; Python refuses to write one of more than 4300 digits in decimal, so no report could be written."""


def to_plain(value: Any, _depth: int = 0) -> Any:
    """The value in exact builtin JSON types; lone surrogates and bytes are backslash-escaped.

    A subclass of str, an Enum or a lone surrogate on a pytest report would end a whole xdist run.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _BITS else hex(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return _text(bytes(value).decode("utf-8", "backslashreplace"))
    if _depth >= _DEPTH:
        return f"<nested deeper than {_DEPTH}>"
    if isinstance(value, Mapping):
        return {_text(k) if isinstance(k, str) else _text(str(to_plain(k))): to_plain(v, _depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(v, _depth + 1) for v in value]
    if isinstance(value, set | frozenset):
        return sorted((to_plain(v, _depth + 1) for v in value), key=repr)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return _text(str(value))


def _text(value: str) -> str:
    text = str.__str__(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "backslashreplace").decode()
    return text if type(text) is str else "".join(text)


def cut(value: Any, limit: int = RAW_LIMIT) -> Any:
    """Plain data with its texts cut so that all together hold at most ``limit`` characters; says what was cut."""
    if isinstance(value, dict) and _size(value) > limit:
        cutter = _Cutter(limit)
        return {**cutter.cut(value), "truncated": f"raw data was cut at {limit} characters"}
    return value


class _Cutter:
    """Gives each text what is left of the budget, in order; small items first so that one huge body does not hide the rest."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def cut(self, value: Any) -> Any:
        if isinstance(value, str):
            fits = _size(value) <= self.left
            kept = value if fits else _start(value, max(self.left, 0))
            self.left -= _size(kept)
            return kept if fits else f"{kept}... ({len(value)} characters)"
        if isinstance(value, dict):
            done = {k: self.cut(v) for k, v in sorted(value.items(), key=lambda item: _size(item[1])) if self._pay(len(k) + 4)}
            return {k: done[k] for k in value if k in done}
        if isinstance(value, list):
            return [self.cut(v) for v in value if self._pay(2)]
        return value if self._pay(8) else None

    def _pay(self, size: int) -> bool:
        self.left -= size
        return self.left > 0


def _start(text: str, limit: int) -> str:
    """The first characters of a text, at most so many in JSON."""
    kept = excerpt(text, limit)
    while (size := _size(kept)) > limit:
        kept = kept[: len(kept) * limit // size]
    return kept


def _size(value: Any) -> int:
    """Characters in JSON, roughly; of a text exactly, as its escapes may be six times as long."""
    if isinstance(value, str):
        return len(value) if len(value) > RAW_LIMIT else len(encode_basestring_ascii(value)) - 2
    if isinstance(value, dict):
        return sum(len(k) + 4 + _size(v) for k, v in value.items())
    if isinstance(value, list):
        return sum(2 + _size(v) for v in value)
    return 8


def masked(result: CheckResult, masker: Masker) -> CheckResult:
    """The result without the masker's secrets in its message, raw data and failures."""
    if not masker:
        return result
    return replace(
        result,
        message=masker.text(result.message),
        raw_data=masker.plain(to_plain(result.raw_data)),
        failures=tuple(masked_failure(f, masker) for f in result.failures),
    )


def masked_failure(failure: Failure, masker: Masker) -> Failure:
    return replace(
        failure,
        path=masker.text(failure.path),
        expected=masker.text(failure.expected),
        actual=masker.plain(to_plain(failure.actual)),
        message=masker.text(failure.message),
    )
