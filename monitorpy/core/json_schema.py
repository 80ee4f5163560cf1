"""JSON Schema: compiled when the config is read, asserted with every violation that fits on a page, never fetching anything.

The jsonschema package does the work, but for what it would pass over in silence: mistyped keywords, formats it does not
know, references that lead nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from monitorpy.core.json_dialects import TooDeepError, dialect, dialects, formats, regex, until
from monitorpy.core.json_formats import FORMATS
from monitorpy.core.paths import place
from monitorpy.core.result import Failure
from monitorpy.core.values import shown
from monitorpy.net.deadline import Deadline
from monitorpy.utils.masking import excerpt

MOST = 10
"""Violations that are told; there may be one per item of a long list."""
_DEPTH = 50
"""Levels of a schema; the schema of schemas takes ten calls for each."""

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_ANNOTATIONS = {
    "$anchor", "$comment", "$defs", "$dynamicAnchor", "$id", "$recursiveAnchor", "$schema", "$vocabulary", "contentEncoding",
    "contentMediaType", "contentSchema", "default", "definitions", "deprecated", "description", "else", "examples", "id",
    "exclusiveMaximum", "exclusiveMinimum",  # of draft 4, where they belong to other keywords
    "maxContains", "minContains", "readOnly", "then", "title", "writeOnly",
}  # fmt: skip
_EXPECTED = {
    "enum": "one of {}",
    "const": "{}",
    "minimum": ">= {}",
    "maximum": "<= {}",
    "exclusiveMinimum": "> {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "uniqueItems": "items that all differ",
    "minProperties": "at least {} properties",
    "maxProperties": "at most {} properties",
    "format": "format {}",
    "anyOf": "one of the forms of anyOf",
    "oneOf": "exactly one of the forms of oneOf",
}


class JsonSchema:
    """A schema that has been checked itself; `parse` makes one."""

    __slots__ = ("_validator",)

    def __init__(self, validator: Any) -> None:
        self._validator = validator

    @classmethod
    def parse(cls, value: object) -> JsonSchema:
        """Of a mapping, or the path of a JSON file with one. Raises ValueError with what is wrong with it."""
        if isinstance(value, JsonSchema):
            return value
        if isinstance(value, str):
            return _compiled(_read(value))
        if not isinstance(value, Mapping):
            raise ValueError("must be a JSON Schema (a mapping) or the path of a JSON file with one")
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as wrong:
            raise ValueError(f"is not a JSON Schema: {wrong}") from None
        return _compiled(text)

    def failures(self, value: Any, deadline: Deadline) -> list[Failure]:
        """What violates the schema, at most MOST of it and a word that there is more.

        Raises NetError at the deadline, ConfigError for a pattern that backtracks too long.
        """
        try:
            with until(deadline):
                found = [_failure(error) for error in islice(self._validator.iter_errors(value), MOST + 1)]
        except (TooDeepError, RecursionError):
            text = "the JSON body cannot be compared with json_schema: it is nested too deeply, or the schema refers to itself"
            return [Failure("json", "a value that the schema can be applied to", message=text)]
        if len(found) > MOST:
            found[MOST] = Failure("json", "no further violations", message="there are more violations of json_schema")
        return found


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


@lru_cache(maxsize=256)
def _compiled(text: str) -> JsonSchema:
    """The schema of a JSON text: once, as each attempt reads its config anew."""
    from referencing import Registry

    try:
        schema = json.loads(text)
        if not isinstance(schema, dict):
            raise ValueError("it must be a mapping")  # noqa: TRY301 - one place makes the sentence
        draft = dialect(schema.pop("$schema", None))
        if schema.keys().isdisjoint(draft.VALIDATORS):
            raise ValueError("it asserts nothing, so everything would pass")  # noqa: TRY301
        _Inspection(draft).inspect_root(schema)
    except RecursionError:
        raise ValueError("is not a JSON Schema: it is nested too deeply") from None
    except ValueError as wrong:
        raise ValueError(f"is not a JSON Schema: {wrong}") from None
    return JsonSchema(draft(schema, registry=Registry(), format_checker=formats()))


class _Inspection:
    """Looks for mistakes that would show only when a body comes, or never: in every schema that can be reached."""

    def __init__(self, draft: Any) -> None:
        self._draft = draft
        self._seen: set[int] = set()

    def inspect_root(self, schema: dict[str, Any]) -> None:
        """Raises ValueError for the first mistake."""
        from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
        from referencing.jsonschema import specification_with

        if _levels(schema) > _DEPTH:
            raise ValueError(f"it is nested deeper than {_DEPTH} levels")
        self._specification = specification_with(self._draft.META_SCHEMA["$schema"])
        resource = self._specification.create_resource(schema)
        self._check_form(schema)
        self._inspect(resource, REGISTRY.resolver_with_root(resource))

    def _check_form(self, schema: Any) -> None:
        from jsonschema import SchemaError  # type: ignore[import-untyped]

        try:
            self._draft.check_schema(schema, format_checker=None)
        except SchemaError as wrong:
            where = f"{place(wrong.absolute_path)}: " if wrong.absolute_path else ""
            first = wrong.context[0] if wrong.context else wrong  # of several forms the first is the one that people mean
            raise ValueError(f"{where}{excerpt(first.message, 200)}") from None

    def _inspect(self, resource: Any, resolver: Any) -> None:
        """A schema, those it consists of, and those it refers to."""
        schema = resource.contents
        if id(schema) in self._seen or not isinstance(schema, dict):
            return
        self._seen.add(id(schema))
        _check_keywords(schema, self._draft)
        for name in _REFERENCES:
            if name in schema:
                self._follow(name, schema[name], resolver)
        for inner in resource.subresources():
            self._inspect(inner, resolver.in_subresource(inner))

    def _follow(self, name: str, target: str, resolver: Any) -> None:
        from referencing.exceptions import Unresolvable

        try:
            found = resolver.lookup(target)
        except (Unresolvable, ValueError, TypeError):
            raise ValueError(f"{name} {shown(target)} leads nowhere in this schema, and nothing is fetched") from None
        if "json-schema.org" in target or id(found.contents) in self._seen:  # the drafts' own schemas are right
            return
        try:
            self._check_form(found.contents)
        except ValueError as wrong:
            raise ValueError(f"{name} {shown(target)}: {wrong}") from None
        self._inspect(self._specification.create_resource(found.contents), found.resolver)


def _levels(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_levels, inner), default=0)


def _check_keywords(schema: dict[str, Any], draft: Any) -> None:
    if "$schema" in schema:
        raise ValueError("a $schema below the top is not supported")
    known = draft.VALIDATORS.keys() | _ANNOTATIONS
    elsewhere = {name for other in dialects().values() for name in other.VALIDATORS}
    for key in schema.keys() - known:
        near = get_close_matches(key, [name for name in known if len(name) > 3], 1, 0.8)  # noqa: PLR2004 - "note" is no "not"
        if key in elsewhere:
            raise ValueError(f"{key} is not a keyword of {draft.META_SCHEMA['$schema']}, so it would not be looked at")
        if near and near[0] in draft.VALIDATORS:
            raise ValueError(f"unknown keyword {key!r}; did you mean {near[0]!r}?")
    if schema.get("format", "date") not in FORMATS:
        raise ValueError(f"format {shown(schema['format'])} cannot be checked; known are {', '.join(FORMATS)}")
    if "unevaluatedProperties" in schema and "patternProperties" in schema:
        raise ValueError("unevaluatedProperties beside patternProperties is not supported: write additionalProperties")
    for pattern in [*([schema["pattern"]] if "pattern" in schema else []), *schema.get("patternProperties", {})]:
        try:
            regex(pattern)
        except ValueError as wrong:
            raise ValueError(f"{pattern!r} is not a regular expression: {wrong}") from None


def _failure(error: Any) -> Failure:
    where, actual = ["json", *error.absolute_path], error.instance
    keyword, wanted = error.validator, error.validator_value
    if keyword == "required":
        path = place([*where, error.message])
        return Failure(path, "to be there", None, message=f"{path}: it is required, and missing")
    path = place(where)
    if keyword is None:  # the schema "false"
        return Failure(path, "nothing", actual, message=f"{path}: not allowed, got {shown(actual)}")
    if keyword in {"anyOf", "oneOf"}:
        return Failure(path, _EXPECTED[keyword], actual, message=f"{path}: expected {_EXPECTED[keyword]}{_nearest(error)}")
    expected = _expectation(keyword, wanted, error.schema)
    if expected is None:
        return Failure(path, f"{keyword} {shown(wanted)}", actual, message=f"{path}: {excerpt(error.message, 200)} ({keyword})")
    return Failure(path, expected, actual, message=f"{path}: expected {expected}, got {shown(actual)}")


def _expectation(keyword: str, wanted: Any, schema: Mapping[str, Any]) -> str | None:
    if keyword == "type":
        return f"type {' or '.join([wanted] if isinstance(wanted, str) else wanted)}"
    if keyword == "pattern":
        return f"match of /{wanted}/"
    exclusive = f"exclusive{keyword[:1].upper()}{keyword[1:]}"
    template = _EXPECTED.get(exclusive if schema.get(exclusive) is True else keyword)  # true or false in draft 4
    return template.format(wanted if keyword == "format" else shown(wanted)) if template else None


def _nearest(error: Any) -> str:
    """Of a choice between schemas: what the one that fits best wants, if one does; nothing is in the context where too many fit."""
    from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

    if not error.context:
        return f", but more than one fits {shown(error.instance)}"
    best = best_match([error])
    return f", got {shown(error.instance)}" if best is error else f" (nearest: {_failure(best)})"
