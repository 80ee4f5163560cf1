"""Field types for the Configs of plugins: they compile when the config is read, so that a mistake has a place in the file.

Write them as annotations: ``max_response_time: ThresholdField | None = Field(None, description="...")``. Importing this
module imports pydantic.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from monitorpy.core.matchers import compile_regex
from monitorpy.core.paths import Path, PathError, compile_path
from monitorpy.core.patterns import Pattern
from monitorpy.core.ranges import Threshold
from monitorpy.core.spans import Span
from monitorpy.core.values import described

_STATUS = re.compile(r"([1-9])[xX]{2}|([1-9]\d\d)-([1-9]\d\d)")
_STATUS_WANTED = 'must be a status such as 200, "2xx" or "200-299", or a list of those'


@dataclass(frozen=True, slots=True)
class StatusSpec:
    """Which status codes are expected: spans, both ends included, and the words they were written in."""

    spans: tuple[tuple[int, int], ...]
    text: str

    @classmethod
    def parse(cls, value: object) -> StatusSpec:
        """Of 200, "2xx", "200-299", or a list of those. Raises ValueError."""
        items = value if isinstance(value, list) else [value]
        if not items:
            raise ValueError(f"{_STATUS_WANTED}; the list is empty")
        return cls(tuple(map(_span, items)), " or ".join(map(str, items)))

    def accepts(self, code: int) -> bool:
        """Whether that status code is expected."""
        return any(low <= code <= high for low, high in self.spans)

    def __str__(self) -> str:
        return self.text


def _span(item: object) -> tuple[int, int]:
    if isinstance(item, int) and not isinstance(item, bool):
        if not 100 <= item <= 999:  # noqa: PLR2004 - three digits, RFC 9110 section 15
            raise ValueError(f"a status has three digits, {item} has not")
        return item, item
    found = _STATUS.fullmatch(item) if isinstance(item, str) else None
    if not found:
        hint = ": remove the quotes" if isinstance(item, str) and item.isdecimal() else ""
        raise ValueError(f"{_STATUS_WANTED}, not {described(item)}{hint}")
    if found[1]:
        return int(found[1]) * 100, int(found[1]) * 100 + 99
    low, high = int(found[2]), int(found[3])
    if low > high:
        raise ValueError(f"{item!r} starts above its end")
    return low, high


def _json_path(value: object) -> Path:
    if not isinstance(value, str):
        raise ValueError(f"must be a JSONPath (text), not {described(value)}")
    try:
        return compile_path(value)
    except PathError as wrong:
        raise ValueError(str(wrong)) from None


def _field(parse: Callable[[Any], Any], made: type, schema: dict[str, Any]) -> tuple[Any, Any]:
    """What turns plain YAML into that type; a value that already is one (a default) passes."""
    return PlainValidator(lambda value: value if isinstance(value, made) else parse(value)), WithJsonSchema(schema)


_LEVEL: dict[str, Any] = {"anyOf": [{"type": "number"}, {"type": "string"}]}
_LEVELS: dict[str, Any] = {
    "type": "object",
    "properties": {"warning": _LEVEL, "error": _LEVEL},
    "minProperties": 1,
    "additionalProperties": False,
}
_ONE_STATUS = [{"type": "integer", "minimum": 100, "maximum": 999}, {"type": "string", "pattern": f"^({_STATUS.pattern})$"}]

ThresholdField = Annotated[Threshold, *_field(Threshold.parse, Threshold, {"anyOf": [*_LEVEL["anyOf"], _LEVELS]})]
"""A number (an error above it), a Nagios range (an error outside it), or ``{warning: ..., error: ...}``."""

StatusField = Annotated[
    StatusSpec,
    *_field(StatusSpec.parse, StatusSpec, {"anyOf": [*_ONE_STATUS, {"type": "array", "items": {"anyOf": _ONE_STATUS}, "minItems": 1}]}),
]
"""200, "2xx", "200-299", or a list of those."""

RegexField = Annotated[Pattern, *_field(compile_regex, Pattern, {"type": "string", "minLength": 1, "format": "regex"})]
"""A regular expression in the syntax of `re`, searched for with a time limit."""

JsonPathField = Annotated[Path, *_field(_json_path, Path, {"type": "string", "minLength": 1})]
"""An RFC 9535 JSONPath, the leading ``$.`` optional; also as the keys of a mapping."""

SpanField = Annotated[
    Span,
    *_field(Span.parse, Span, {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^(\d{1,2}(\.\d+)?|100)%$"}]}),
]
"""Days, or a share of a certificate's lifetime such as "33%"."""
