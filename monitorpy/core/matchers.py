"""What an expectation may say of one value: each matcher is a row of MATCHERS.

Types are JSON's and are compared, never coerced: true is not 1, "7" is not 7; 1 and 1.0 are the same number, NaN is no number
that anything holds for.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from monitorpy.core.patterns import Pattern
from monitorpy.core.values import JSON_TYPES, described, has_type, is_number, key_of, kind, same, shown

MAX_PATTERN = 2_000
"""Characters of a regular expression."""
MAX_TEXT = 20_000_000
"""Characters of a text to search in; a longer one fails the expectation, it is not cut silently."""


class WrongTypeError(Exception):
    """The value is not of a type that the matcher can judge; the text says which would be ("a number")."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """A row: how the operand is accepted (ValueError if it is not), whether a value holds, and the words for what is expected."""

    accept: Callable[[Any], Any]
    holds: Callable[[Any, Any], bool]
    prose: Callable[[Any], str]
    schema: Mapping[str, Any]
    found: Callable[[Any, Any], str] | None = None  # what there is instead, where the value itself would not show it


def compile_regex(value: object) -> Pattern:
    """The pattern, for `re.search`. Raises ValueError if it is no text, empty (it would match anything), too long, or wrong."""
    if not isinstance(value, str):
        raise ValueError(f"must be a regular expression (text), not {described(value)}")
    if not value:
        raise ValueError("must not be empty: it would match anything")
    if len(value) > MAX_PATTERN:
        raise ValueError(f"may have {MAX_PATTERN} characters, this one has {len(value)}")
    try:
        return Pattern(value)
    except ValueError as wrong:
        raise ValueError(f"is not a regular expression: {wrong}") from None


# operands


def _any(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        raise ValueError("must not be NaN: nothing is equal to it")
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        raise ValueError(f"must be a JSON value, not {described(value)}") from None
    return value


def _number(value: Any) -> float | int:
    if not is_number(value) or (isinstance(value, float) and not math.isfinite(value)):
        hint = ": remove the quotes" if isinstance(value, str) and re.fullmatch(r"-?[0-9.]+", value) else ""
        raise ValueError(f"must be a number, not {described(value)}{hint}")
    return value  # type: ignore[no-any-return]


def _span(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - low and high
        raise ValueError(f"must be a list of two numbers [low, high], not {described(value)}")
    low, high = _number(value[0]), _number(value[1])
    if low > high:
        raise ValueError(f"can never hold: {low} is above {high}")
    return low, high


def _choice(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"must be a list, not empty, not {described(value)}" if value != [] else "must not be empty")
    return [_any(item) for item in value]


def _set(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"must be a list, not {described(value)}")
    seen = set()
    for item in value:
        if (key := key_of(_any(item))) in seen:
            raise ValueError(f"has {shown(item)} twice: in a set it is there once")
        seen.add(key)
    return value


def _part(value: Any) -> Any:
    if value == "":
        raise ValueError("must not be empty: it is contained in any text")
    return _any(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {described(value)}")
    return value


def _types(value: Any) -> list[str]:
    names = value if isinstance(value, list) else [value]
    if not names:
        raise ValueError("must not be empty")
    for name in names:
        if name is None:
            raise ValueError('must be a name: write "null" in quotes')
        if name not in JSON_TYPES:
            near = get_close_matches(str(name), JSON_TYPES, 1) or [_ALIASES.get(str(name), "")]
            hint = f"; did you mean {near[0]!r}?" if near[0] else ""
            raise ValueError(f"must be one of {', '.join(JSON_TYPES)}, not {shown(name)}{hint}")
    return names


_ALIASES = {"text": "string", "int": "integer", "float": "number", "list": "array", "dict": "object", "mapping": "object", "none": "null"}


def _length(value: Any) -> list[tuple[str, Any]]:
    comparisons = value if isinstance(value, dict) else {"equals": value}
    if not comparisons:
        raise ValueError("must be an integer, or a comparison such as {gt: 0}")
    accepted = []
    for name, operand in comparisons.items():
        if name not in _LENGTH_MATCHERS:
            near = get_close_matches(str(name), _LENGTH_MATCHERS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_LENGTH_MATCHERS)}"
            raise ValueError(f"has an unknown comparison {shown(name)}; {hint}")
        if name in {"equals", "not_equals"} and (isinstance(operand, bool) or not isinstance(operand, int) or operand < 0):
            raise ValueError(f"must be an integer, 0 or more, not {described(operand)}")
        try:
            accepted.append((name, MATCHERS[name].accept(operand)))
        except ValueError as wrong:
            raise ValueError(f"{name} {wrong}") from None
    return accepted


# judging


def _need(value: Any, kinds: tuple[str, ...], wanted: str) -> None:
    if kind(value) not in kinds:
        raise WrongTypeError(wanted)


def _same_kind(value: Any, operands: list[Any]) -> None:
    """A negative matcher holds only for a value of a type that was named: "5" is no proof of not being 5."""
    kinds = {kind(operand) for operand in operands}
    if kind(value) not in kinds and "null" not in kinds:
        raise WrongTypeError(" or ".join(sorted(_ARTICLE[k] for k in kinds)) + ",")


_ARTICLE = {"string": "text", "number": "a number", "boolean": "a boolean", "array": "a list", "object": "a mapping", "null": "null"}


def _not_equals(value: Any, operand: Any) -> bool:
    _same_kind(value, [operand])
    return not _is_nan(value) and not same(value, operand)


def _in(value: Any, operand: list[Any]) -> bool:
    return any(same(value, item) for item in operand)


def _not_in(value: Any, operand: list[Any]) -> bool:
    _same_kind(value, operand)
    return not _is_nan(value) and not _in(value, operand)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _compare(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def holds(value: Any, operand: Any) -> bool:
        _need(value, ("number",), "a number")
        return compare(value, operand)  # NaN compares false

    return holds


def _contains(value: Any, operand: Any) -> bool:
    _need(value, ("string", "array", "object"), "text, a list or a mapping")
    if isinstance(value, str | Mapping):
        if not isinstance(operand, str):
            raise WrongTypeError("a list")
        return operand in value
    return any(same(item, operand) for item in value)


def _search(value: Any, operand: Pattern) -> bool:
    _need(value, ("string",), "text")
    if len(value) > MAX_TEXT:
        raise WrongTypeError(f"text of at most {MAX_TEXT} characters")
    return operand.search(value) is not None


def _has_length(value: Any, operand: list[tuple[str, Any]]) -> bool:
    _need(value, ("string", "array", "object"), "text, a list or a mapping of")
    return all(MATCHERS[name].holds(len(value), limit) for name, limit in operand)


def _equal_sets(value: Any, operand: list[Any]) -> bool:
    _need(value, ("array",), "a list,")
    return {key_of(item) for item in value} == {key_of(item) for item in operand}


def _difference(value: list[Any], operand: list[Any]) -> str:
    missing = [item for item in operand if not _in(item, value)]
    extra = [item for item in value if not _in(item, operand)]
    parts = ["a list"] + [f"{word} {shown(items)}" for word, items in (("without", missing), ("with", extra)) if items]
    return " ".join(parts)


def _length_prose(operand: list[tuple[str, Any]]) -> str:
    return "length " + " and ".join(shown(n) if name == "equals" else MATCHERS[name].prose(n) for name, n in operand)


_NUMBER: Mapping[str, Any] = {"type": "number"}
_LIST: Mapping[str, Any] = {"type": "array", "minItems": 1}
_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1, "format": "regex"}
_PAIR: Mapping[str, Any] = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_NAMES: Mapping[str, Any] = {"anyOf": [{"enum": JSON_TYPES}, {"type": "array", "items": {"enum": JSON_TYPES}, "minItems": 1}]}
_LENGTH_MATCHERS = ("equals", "not_equals", "lt", "le", "gt", "ge", "between", "in", "not_in")
_LENGTH: Mapping[str, Any] = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "object", "minProperties": 1}]}

MATCHERS: Mapping[str, Matcher] = {
    "equals": Matcher(_any, same, shown, {}),
    "not_equals": Matcher(_any, _not_equals, lambda o: f"not {shown(o)}", {}),
    "in": Matcher(_choice, _in, lambda o: f"in {shown(o)}", _LIST),
    "not_in": Matcher(_choice, _not_in, lambda o: f"not in {shown(o)}", _LIST),
    "lt": Matcher(_number, _compare(lambda v, o: v < o), lambda o: f"< {o}", _NUMBER),
    "le": Matcher(_number, _compare(lambda v, o: v <= o), lambda o: f"<= {o}", _NUMBER),
    "gt": Matcher(_number, _compare(lambda v, o: v > o), lambda o: f"> {o}", _NUMBER),
    "ge": Matcher(_number, _compare(lambda v, o: v >= o), lambda o: f">= {o}", _NUMBER),
    "between": Matcher(_span, _compare(lambda v, o: o[0] <= v <= o[1]), lambda o: f"between {o[0]} and {o[1]}", _PAIR),
    "contains": Matcher(_part, _contains, lambda o: f"to contain {shown(o)}", {}),
    "not_contains": Matcher(_part, lambda v, o: not _contains(v, o), lambda o: f"not to contain {shown(o)}", {}),
    "matches": Matcher(compile_regex, _search, lambda o: f"to match /{o.pattern}/", _TEXT),
    "not_matches": Matcher(compile_regex, lambda v, o: not _search(v, o), lambda o: f"not to match /{o.pattern}/", _TEXT),
    "exists": Matcher(_flag, lambda _, o: o, lambda o: "to exist" if o else "not to exist", {"type": "boolean"}),
    "length": Matcher(_length, _has_length, _length_prose, _LENGTH, lambda v, _: f"length {len(v)}"),
    "set_equals": Matcher(
        _set, _equal_sets, lambda o: f"exactly {shown(o)} in any order", {"type": "array", "uniqueItems": True}, _difference
    ),
    "type": Matcher(_types, lambda v, o: any(has_type(v, name) for name in o), lambda o: f"type {' or '.join(o)}", _NAMES),
}
