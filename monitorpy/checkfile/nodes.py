"""Mappings and lists that know where each of their keys and values is written."""

from __future__ import annotations

from typing import Any, TypeAlias

from monitorpy.errors import Issue

Pos: TypeAlias = int
"""A line and a column from 1, packed into one integer: a file has a million of them."""

Loc: TypeAlias = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""

_SHIFT = 24
_MASK = (1 << _SHIFT) - 1

START: Pos = 1 << _SHIFT | 1


def pos(line: int, column: int) -> Pos:
    """The position of a line and a column, both from 0 as parsers count."""
    return (line + 1) << _SHIFT | (column + 1)


def line_of(where: Pos) -> int:
    return where >> _SHIFT


def column_of(where: Pos) -> int:
    return where & _MASK


class Map(dict[str, Any]):
    """A mapping: ``at`` is where it starts, ``marks`` the positions of key, value, key, value, ... in order."""

    __slots__ = ("_index", "at", "marks")

    def __init__(self, at: Pos) -> None:
        super().__init__()
        self.at = at
        self.marks: list[Pos] = []
        self._index: dict[str, int] | None = None

    def key_at(self, key: str) -> Pos:
        return self.marks[2 * self._place(key)]

    def value_at(self, key: str) -> Pos:
        return self.marks[2 * self._place(key) + 1]

    def _place(self, key: str) -> int:
        # keys are only ever added, so the index of a key never changes; it is built when the first mistake is reported
        if self._index is None or len(self._index) != len(self):
            self._index = {name: place for place, name in enumerate(self)}
        return self._index[key]


class Seq(list[Any]):
    """A list: ``at`` is where it starts, ``marks`` the positions of its items."""

    __slots__ = ("at", "marks")

    def __init__(self, at: Pos) -> None:
        super().__init__()
        self.at = at
        self.marks: list[Pos] = []


def locate(node: Any, loc: Loc, *, on_key: bool = False, default: Pos = START) -> Pos:
    """The position of the value at ``loc`` (or of its key), or of the nearest thing around it that is written."""
    where: Pos = getattr(node, "at", default)
    for depth, step in enumerate(loc):
        if isinstance(node, Map) and isinstance(step, str) and step in node:
            where = node.key_at(step) if on_key and depth == len(loc) - 1 else node.value_at(step)
            node = node[step]
        elif isinstance(node, Seq) and isinstance(step, int) and step < len(node):
            where, node = node.marks[step], node[step]
        else:
            break
    return where


def issue(file: str, where: Pos, message: str) -> Issue:
    return Issue(file, line_of(where), column_of(where), message)
