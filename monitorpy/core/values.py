"""JSON values: their types, when two are the same, and how they read in a message."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from monitorpy.utils.masking import excerpt

JSON_TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
SHOWN = 80
"""Characters of a value in a message."""


def is_number(value: Any) -> bool:
    """Whether it is a JSON number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def kind(value: Any) -> str:
    """The JSON type; of a value that JSON does not have, the name of its Python type."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if value is None:
        return "null"
    if isinstance(value, list | tuple):
        return "array"
    return "object" if isinstance(value, Mapping) else type(value).__name__


def has_type(value: Any, name: str) -> bool:
    """Whether the value is of that JSON type; "integer" as in JSON Schema, so 1.0 is one."""
    if name == "integer":
        return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    return kind(value) == name


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same JSON types all the way down; NaN equals nothing."""
    what = kind(one)
    if what != kind(other):
        return False
    if what == "array":
        return len(one) == len(other) and all(map(same, one, other))
    if what == "object":
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    return bool(one == other)


def key_of(value: Any) -> Any:
    """Something hashable: that of two values is equal if and only if they are the same."""
    what = kind(value)
    if what == "array":
        return what, tuple(map(key_of, value))
    if what == "object":
        return what, frozenset((key, key_of(item)) for key, item in value.items())
    if isinstance(value, float) and math.isnan(value):
        return object()
    return what, value


def shown(value: Any, limit: int = SHOWN) -> str:
    """The value as JSON, cut where it is long."""
    if isinstance(value, str):
        if len(value) <= limit:
            return json.dumps(value, ensure_ascii=False)
        return f'{json.dumps(excerpt(value, limit), ensure_ascii=False)[:limit]}..." ({len(value)} characters)'
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = f"{type(value).__name__}"
    return text if len(text) <= limit else f"{excerpt(text, limit)}..."


def described(value: Any) -> str:
    """The value with its type: ``the text "7"``, ``the number 5``."""
    what = kind(value)
    if what in {"boolean", "null"}:
        return shown(value)
    words = {"string": "the text", "number": "the number", "array": "the list", "object": "the mapping"}
    return f"{words.get(what, what)} {shown(value)}"
