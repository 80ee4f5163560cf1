"""The drafts of JSON Schema as we assert them: with keywords of ours where jsonschema's may take for ever, all of them bounded.

What bounds them is a deadline, and a depth at which Python's own limit is still far: reached inside of jsonschema, it would
end in a panic of a library written in Rust, which is no Exception.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, TypeAlias

from monitorpy.core.json_formats import FORMATS
from monitorpy.core.patterns import Pattern
from monitorpy.core.values import key_of, shown
from monitorpy.net.deadline import Deadline

DEPTH = 120
"""Keywords inside of keywords; Python has room for 1000 calls, of which each takes five at most."""

Keyword: TypeAlias = Callable[[Any, Any, Any, Any], Any]


class TooDeepError(Exception):
    """The value, or the schema that refers to itself, is nested too deeply to be judged."""


class _State(threading.local):
    """Of the comparison that runs in this thread."""

    until = Deadline.never()
    depth = 0


_state = _State()


@contextmanager
def until(deadline: Deadline) -> Iterator[None]:
    """What is compared inside ends by then: with a NetError, or a TooDeepError."""
    _state.until, _state.depth = deadline, 0
    try:
        yield
    finally:
        _state.until = Deadline.never()


@cache
def dialects() -> dict[str, Any]:
    """The drafts, by their $schema without a trailing #."""
    import jsonschema  # type: ignore[import-untyped]

    drafts = ("Draft4", "Draft6", "Draft7", "Draft201909", "Draft202012")
    return {_bare(draft.META_SCHEMA["$schema"]): _own(draft) for draft in (getattr(jsonschema, f"{name}Validator") for name in drafts)}


def dialect(name: object) -> Any:
    known = dialects()
    if name is None:
        return list(known.values())[-1]
    if not isinstance(name, str) or _bare(name) not in known:
        raise ValueError(f"$schema must be one of {', '.join(known)}, not {shown(name)}")
    return known[_bare(name)]


def _bare(url: str) -> str:
    return url.removesuffix("#")


def _own(draft: Any) -> Any:
    """The draft with our keywords in place of those that may take for ever, all of them under the deadline."""
    from jsonschema import validators

    own = {
        "additionalProperties": _additional_properties,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "required": _required,
        "uniqueItems": _unique_items,
    }
    return validators.extend(draft, {name: _bounded(keyword) for name, keyword in {**draft.VALIDATORS, **own}.items()})


def _bounded(keyword: Keyword) -> Keyword:
    def judge(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _in_time()
        _state.depth += 1
        try:
            if _state.depth > DEPTH:
                raise TooDeepError
            yield from keyword(validator, value, instance, schema) or ()
        finally:
            _state.depth -= 1

    return judge


def _in_time() -> None:
    _state.until.timeout("transfer", "the JSON body was not compared with json_schema")


@lru_cache(maxsize=1_000)
def regex(pattern: str) -> Pattern:
    return Pattern(pattern)


def _found(pattern: str, text: str) -> bool:
    _in_time()
    return regex(pattern).search(text) is not None


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    if validator.is_type(instance, "string") and not _found(pattern, instance):
        yield _violation()


def _pattern_properties(validator: Any, patterns: Mapping[str, Any], instance: Any, _schema: Any) -> Iterator[Any]:
    if validator.is_type(instance, "object"):
        for pattern, inner in patterns.items():
            for name in [name for name in instance if _found(pattern, name)]:
                yield from validator.descend(instance[name], inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, inner: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if validator.is_type(instance, "object"):
        known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for name in instance:
            if name not in known and not any(_found(pattern, name) for pattern in patterns):
                if inner is False:
                    yield _violation(path=[name], instance=instance[name], validator=None)
                else:
                    yield from validator.descend(instance[name], inner, path=name)


def _required(validator: Any, names: list[str], instance: Any, _schema: Any) -> Iterator[Any]:
    if validator.is_type(instance, "object"):
        yield from (_violation(name) for name in names if name not in instance)


def _unique_items(validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[Any]:
    if wanted and validator.is_type(instance, "array") and len(set(map(key_of, instance))) < len(instance):
        yield _violation()


def _violation(message: str = "", **details: Any) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message, **details)


@cache
def formats() -> Any:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, is_right in FORMATS.items():
        checker.checks(name)(lambda value, is_right=is_right: not isinstance(value, str) or is_right(value))
    return checker
