"""Plain scalars by the core rules of YAML 1.2, and those that YAML 1.1 reads differently."""

from __future__ import annotations

import math
import re
from typing import Any

_INT = re.compile(r"[-+]?[0-9]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_WORDS = {word: "true" for name in ("y", "yes", "on") for word in (name, name.title(), name.upper())} | {
    word: "false" for name in ("n", "no", "off") for word in (name, name.title(), name.upper())
}
_FLOAT_1_1 = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?\Z")
_STARTS = frozenset("+-.0123456789")

_OCTAL = re.compile(r"([-+]?)0o?([0-7_]+)\Z")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+\Z")
_BINARY = re.compile(r"([-+]?)0b([01_]+)\Z")
_HEX = re.compile(r"([-+]?)0x([0-9a-fA-F_]+)\Z")
_SEXAGESIMAL = re.compile(r"([-+]?)([0-9][0-9_]*(?::[0-5]?[0-9])+)(\.[0-9_]*)?\Z")
_UNDERSCORES = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:[eE][-+][0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*)?\Z")
_MAX_DIGITS = 4300


class ScalarError(ValueError):
    """A scalar that must not stand there as it is; the text says what to write instead."""


def resolve(text: str) -> Any:
    """The value of a plain scalar: None, a bool, a number or the text itself.

    Raises ScalarError for a number too large to be one, and for what YAML 1.1 and 1.2 read differently.
    """
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] in _STARTS:
        return _number(text)
    if text in _WORDS:
        raise ScalarError(f'{text} is {_WORDS[text]} in YAML 1.1 and text in YAML 1.2: write {_WORDS[text]} or "{text}"')
    if text == "=":
        raise ScalarError('= has a meaning of its own in YAML 1.1: write "="')
    return text


def substituted(text: str) -> Any:
    """The value of a text that stands for a whole scalar: as `resolve`, but what is doubtful or empty stays text."""
    if not text:
        return text
    try:
        return resolve(text)
    except ScalarError:
        return text


def doubtful_exponent(text: str, value: float) -> str | None:
    """What is wrong with a plain ``1e3``, which is text in YAML 1.1; JSON has such numbers, so the file decides whether to ask."""
    if not _FLOAT.match(text) or _FLOAT_1_1.match(text):
        return None
    mantissa, exponent, power = repr(value).partition("e")
    number = f"{mantissa}{'' if '.' in mantissa else '.0'}{exponent}{power}"
    return f'{text} is text in YAML 1.1 and {number} in YAML 1.2: write {number} or "{text}"'


def doubtful_key(text: str) -> str | None:
    """What is wrong with a plain scalar as a key; None if it is text. ``on`` is a fine key: nobody means true by it."""
    if text in _WORDS:
        return None
    try:
        value = resolve(text)
    except ScalarError:
        value = None
    return None if isinstance(value, str) else f'a key must be text: write "{text}"'


def _number(text: str) -> Any:
    if _LEADING_ZERO.match(text) or text.startswith(("0o", "-0o", "+0o", "0b", "-0b", "+0b")):
        return _odd_integer(text)
    if _INT.match(text):
        if len(text) > _MAX_DIGITS:
            raise ScalarError(f"a number of {len(text)} digits is too long: quote it if it is text")
        return int(text, 16) if text[:2] == "0x" else int(text)
    if _FLOAT.match(text):
        value = float(text)
        if math.isinf(value):
            raise ScalarError(f"{text:.40} is too large for a number: write .inf, or quote it if it is text")
        return value
    if ":" in text and (match := _SEXAGESIMAL.match(text)):
        raise ScalarError(_differs(text, _sexagesimal(*match.groups()), "text"))
    if "_" in text or text[0] in "+-":
        return _underscored(text)
    if "-" in text and _DATE.match(text):
        raise ScalarError(f'{text} is a date in YAML 1.1 and text in YAML 1.2: write "{text}"')
    return text


def _odd_integer(text: str) -> str:
    """Octal, binary and zero-padded integers; never returns a number."""
    if match := _BINARY.match(text):
        raise ScalarError(_differs(text, _based(match, 2), "text"))
    if match := _OCTAL.match(text):
        octal = _based(match, 8)
        if "o" in text:
            raise ScalarError(f'{text} is text in YAML 1.1 and {octal} in YAML 1.2: write {octal} or "{text}"')
        decimal = "text" if "_" in text else str(_shortened(text))
        raise ScalarError(_differs(text, octal, decimal))
    if "_" not in text and _LEADING_ZERO.match(text):
        decimal = _shortened(text)
        raise ScalarError(f'{text:.40} is text in YAML 1.1 and {decimal:.40} in YAML 1.2: write {decimal:.40} or "{text:.40}"')
    return text


def _underscored(text: str) -> str:
    """Numbers with underscores, and signed hexadecimal ones, which only YAML 1.1 has."""
    if match := _HEX.match(text):
        raise ScalarError(_differs(text, _based(match, 16), "text"))
    if _UNDERSCORES.match(text):
        raise ScalarError(_differs(text, text.replace("_", ""), "text"))
    return text


def _based(match: re.Match[str], base: int) -> str:
    sign, digits = match.groups()
    plain = digits.replace("_", "")
    if not plain or len(plain) > _MAX_DIGITS:
        return "a number"
    return f"{int(sign + plain, base)}"


def _shortened(text: str) -> str:
    sign = "-" if text[0] == "-" else ""
    return sign + (text.lstrip("+-").lstrip("0") or "0")


def _sexagesimal(sign: str, parts: str, fraction: str | None) -> str:
    total = 0
    for part in parts.replace("_", "").split(":")[:20]:
        total = total * 60 + int(part[:20])
    return f"{'-' if sign == '-' else ''}{total}{(fraction or '').replace('_', '').rstrip('.')}"


def _differs(text: str, old: str, new: str) -> str:
    numbers = old if new in {"text", old} else f"{old}, {new}"
    return f'{text:.40} is {old:.40} in YAML 1.1 and {new:.40} in YAML 1.2: write {numbers:.80} or "{text:.40}"'
