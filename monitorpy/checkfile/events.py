"""A safe, strict and iterative builder over the events of PyYAML's C parser.

It keeps the line and column of every key and value, types scalars by YAML 1.2, refuses what 1.1 reads differently, and goes on
after a mistake as long as the syntax allows. Aliases share the object they name, so nothing expands while a file is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from sys import intern
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from monitorpy.checkfile.issues import Issues
from monitorpy.checkfile.nodes import START, Map, Pos, Seq, line_of, pos
from monitorpy.checkfile.parser import parser_for, syntax_mistake
from monitorpy.checkfile.scalars import ScalarError, doubtful_exponent, doubtful_key, resolve

MAX_DEPTH = 100
MAX_KEYS = 10_000
MAX_ALIASED = 1_000_000
"""Values that all aliases of a file may stand for together."""

_TAG = "tag:yaml.org,2002:"
_CORE: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool, "null": type(None)}
_MERGE: Any = object()


@dataclass(slots=True)
class Document:
    """What is written in a file. ``literals`` has the text of numbers that Python would spell differently, by position."""

    file: str
    root: Any = None
    at: Pos = START
    literals: dict[Pos, str] = field(default_factory=dict)
    found: bool = False


@dataclass(slots=True)
class _Anchored:
    value: Any
    size: int
    height: int


class _Frame:
    """A mapping or list that is still open."""

    __slots__ = ("anchor", "height", "key", "key_at", "lines", "merges", "node", "size")

    def __init__(self, node: Map | Seq, anchor: str | None, size: int) -> None:
        self.node = node
        self.anchor = anchor
        self.size = size  # what had been counted when it began
        self.height = 1
        self.key: Any = None
        self.key_at: Pos = 0  # 0: the next value is a key
        self.merges: list[tuple[Any, Pos]] = []


class _StopError(Exception):
    """Nothing after this can be trusted; it has been reported."""


def build(text: str, file: str, issues: Issues) -> Document:
    """Read one document; mistakes go into ``issues``. ``found`` is False where the file holds nothing or cannot be read to its end."""
    builder = _Builder(file, issues)
    try:
        builder.run(parser_for(text))
    except _StopError:
        builder.document.found = False
    except yaml.YAMLError as broken:
        issues.add(file, *syntax_mistake(broken, text))
        builder.document.found = False
    return builder.document


class _Builder:
    def __init__(self, file: str, issues: Issues) -> None:
        self.file = file
        self.issues = issues
        self.document = Document(file)
        self.stack: list[_Frame] = []
        self.anchors: dict[str, _Anchored] = {}
        self.size = 0
        self.aliased = 0

    def run(self, parser: Any) -> None:
        handlers = {
            ScalarEvent: self.scalar,
            MappingStartEvent: self.start,
            SequenceStartEvent: self.start,
            MappingEndEvent: self.end,
            SequenceEndEvent: self.end,
            AliasEvent: self.alias,
            DocumentStartEvent: self.document_start,
        }
        get = parser.get_event
        while (kind := type(event := get())) is not StreamEndEvent:
            if handler := handlers.get(kind):
                handler(event)

    def report(self, where: Pos, message: str) -> None:
        self.issues.spoil(self.file, where, message)

    def stop(self, where: Pos, message: str) -> None:
        self.report(where, message)
        raise _StopError

    def document_start(self, event: Any) -> None:
        if self.document.found:
            mark = event.start_mark
            self.stop(pos(mark.line, mark.column), "a second document begins here: write one document per file")
        self.document.found = True

    def scalar(self, event: Any) -> None:
        mark = event.start_mark
        where = (mark.line + 1) << 24 | (mark.column + 1)
        self.size += 1
        frame = self.stack[-1] if self.stack else None
        if frame is not None and not frame.key_at and type(frame.node) is Map:
            value: Any = self.key(event, where)
            frame.key, frame.key_at = value, where
        else:
            value = event.value
            if event.implicit[0] or event.tag is not None:
                value = self.typed(event, value, where)
            self.put(value, where)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, 1, 0)

    def key(self, event: Any, where: Pos) -> Any:
        text: str = event.value
        if event.tag not in {None, "!", _TAG + "str"}:
            self.report(where, f"a key must be text: leave out the tag {_shown_tag(event.tag)}")
        elif event.tag is None and event.implicit[0]:
            if text == "<<":
                return _MERGE
            if problem := doubtful_key(text):
                self.report(where, problem)
        if "${" in text:
            self.report(where, "${...} is not filled in in keys: write the key out")
        return intern(text)

    def typed(self, event: Any, text: str, where: Pos) -> Any:
        tag = event.tag
        if tag == "!" or tag == _TAG + "str":
            return text
        wanted = None
        if tag is not None:
            wanted = _CORE.get(tag.removeprefix(_TAG))
            if wanted is None or not tag.startswith(_TAG):
                self.report(where, f"the tag {_shown_tag(tag)} is not known here: leave it out")
                return text
        try:
            value = resolve(text)
        except ScalarError as doubtful:
            self.report(where, str(doubtful))
            return text
        if type(value) is float and tag is None and not self.file.endswith(".json") and (problem := doubtful_exponent(text, value)):
            self.report(where, problem)
        if wanted is not None and (not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool)):
            self.report(where, f"{text!r:.80} is not of the type {_shown_tag(tag)}: leave the tag out")
        elif (type(value) is int or type(value) is float) and str(value) != text:
            self.document.literals[where] = text
        return value

    def start(self, event: Any) -> None:
        mark = event.start_mark
        where = pos(mark.line, mark.column)
        mapping = type(event) is MappingStartEvent
        if event.tag not in {None, "!", _TAG + ("map" if mapping else "seq")}:
            self.report(where, f"the tag {_shown_tag(event.tag)} is not known here: leave it out")
        if len(self.stack) >= MAX_DEPTH:
            self.stop(where, f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor is not None:
            self.anchors.pop(event.anchor, None)  # until it ends, an alias would be a reference to itself
        self.stack.append(_Frame(Map(where) if mapping else Seq(where), event.anchor, self.size))
        self.size += 1

    def end(self, _event: Any) -> None:
        frame = self.stack.pop()
        node = frame.node
        if frame.merges and type(node) is Map:
            self.merge(node, frame.merges)
        if frame.anchor is not None:
            self.anchors[frame.anchor] = _Anchored(node, self.size - frame.size, frame.height)
        if self.stack and self.stack[-1].height <= frame.height:
            self.stack[-1].height = frame.height + 1
        self.put(node, node.at)

    def alias(self, event: Any) -> None:
        mark = event.start_mark
        where = pos(mark.line, mark.column)
        known = self.anchors.get(event.anchor)
        if known is None:
            inside = any(frame.anchor == event.anchor for frame in self.stack)
            self.report(
                where, f"*{event.anchor} refers to itself" if inside else f"*{event.anchor} is not defined: no &{event.anchor} before it"
            )
            self.put(None, where)
            return
        self.size += known.size
        self.aliased += known.size
        if self.aliased > MAX_ALIASED:
            self.stop(where, f"the aliases of this file stand for more than {MAX_ALIASED:,} values")
        if len(self.stack) + known.height > MAX_DEPTH:
            self.stop(where, f"nested deeper than {MAX_DEPTH} levels, by aliases")
        self.stack[-1].height = max(self.stack[-1].height, known.height + 1)
        self.put(known.value, where)

    def put(self, value: Any, where: Pos) -> None:
        """A finished value goes into what is open around it."""
        if not self.stack:
            self.document.root, self.document.at = value, where
            return
        frame = self.stack[-1]
        node = frame.node
        if type(node) is Seq:
            node.append(value)
            node.marks.append(where)
        elif not frame.key_at:
            frame.key, frame.key_at = self.odd_key(value, where), where
        else:
            key, key_at = frame.key, frame.key_at
            frame.key_at = 0
            if key is _MERGE:
                self.merge_later(frame, value, key_at, where)
            elif key in node:
                first = line_of(node.key_at(key))  # type: ignore[union-attr]
                self.issues.add(self.file, key_at, f"repeated key {key!r:.80} on line {line_of(key_at)}: it is already on line {first}")
            else:
                node[key] = value
                node.marks += (key_at, where)
                if len(node) > MAX_KEYS:
                    self.stop(key_at, f"a mapping of more than {MAX_KEYS:,} keys")

    def odd_key(self, value: Any, where: Pos) -> str:
        """A key that is no scalar, or an alias."""
        if isinstance(value, str):
            return value
        self.report(
            where, "a key must be text, not a mapping or a list" if isinstance(value, dict | list) else "a key must be text: quote it"
        )
        return f"\0{where}"  # a key that nothing else can have

    def merge_later(self, frame: _Frame, value: Any, key_at: Pos, where: Pos) -> None:
        if frame.merges:
            first = line_of(frame.merges[0][1])
            self.issues.add(
                self.file, key_at, f"repeated key '<<' on line {line_of(key_at)}: it is already on line {first}; write <<: [*a, *b]"
            )
            return
        parts = value if type(value) is Seq else [value]
        for place, part in enumerate(parts):
            at = value.marks[place] if type(value) is Seq else where
            if type(part) is not Map:
                self.report(at, "<< takes a mapping or a list of mappings")
            frame.merges.append((part, key_at))

    def merge(self, node: Map, merges: list[tuple[Any, Pos]]) -> None:
        """Take over the keys of merged mappings; own keys win, then earlier mappings."""
        for part, _ in merges:
            if type(part) is Map:
                for key, value in part.items():
                    if key not in node:
                        node[key] = value
                        node.marks += (part.key_at(key), part.value_at(key))


def _shown_tag(tag: str) -> str:
    return f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag
