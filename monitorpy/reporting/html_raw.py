"""Raw data in a page: readable, and bounded for each check and for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitorpy.reporting.explain import shown_value
from monitorpy.reporting.html_parts import block

EACH = 4_000
"""Characters of one check's raw data."""

_DEEPEST = "  " * 5
_PLAIN = frozenset({int, float})


class RawData:
    """Gives each check that asks its raw data, until ``room`` (characters) is used up; ``left_out`` counts those that got none."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.left_out = 0

    def of(self, data: Mapping[str, Any]) -> str:
        """As a <pre>; "" where there is nothing to show or no room."""
        if self._room <= 0:
            self.left_out += bool(data)
            return ""
        lines: list[str] = []
        left = EACH
        for line in _lines({key: value for key, value in data.items() if key != "traceback"}, ""):
            lines.append(line[:left])
            left -= len(line) + 1
            if left <= 0:
                lines.append("... cut here; the results in JSON have all of it")
                break
        text = f"<pre class=raw>{block(lines)}</pre>" if lines else ""
        self._room -= len(text)
        return text


def _lines(value: Mapping[Any, Any], pad: str) -> Iterator[str]:
    """A line for each key; mappings, also in lists, and texts of many lines are indented below theirs."""
    for key, inner in value.items():
        if isinstance(inner, list) and any(isinstance(item, dict) for item in inner):
            inner = dict(enumerate(inner))  # noqa: PLW2901 - the same value, as a mapping
        if isinstance(inner, dict) and inner and pad != _DEEPEST:
            yield f"{pad}{key}:"
            yield from _lines(inner, pad + "  ")
        elif isinstance(inner, str) and "\n" in inner.strip():
            yield f"{pad}{key}: |"
            yield from (f"{pad}  {line}" for line in inner.splitlines())
        else:
            yield f"{pad}{key}: {inner if type(inner) in _PLAIN else shown_value(inner, details=True)}"
