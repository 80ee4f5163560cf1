"""``${NAME}``, ``${NAME:-default}``, ``${secret:NAME}``, ``${file:path}`` and ``$${`` in the values of a check file.

Only the braced form is special. What a variable holds is not looked at again, with the exception of ``vars``, whose values are texts
of the file and may themselves name variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from monitorpy.checkfile.issues import Issues
from monitorpy.checkfile.nodes import Loc, Map, Pos, Seq
from monitorpy.checkfile.scalars import substituted

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
UNREAD = "***"
"""Stands for a secret that was left unread, and for what could not be filled in."""

_TOKEN = re.compile(r"\$\$\{|\$\{|\}")
_WITH_DEFAULT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*):-")
_SECRET = re.compile(r"secret:([A-Za-z_][A-Za-z0-9_]*)\Z")
_FILE = re.compile(r"file:(.+)\Z")
_SECRET_FILE_LIMIT = 1_000_000
_TEXT_LIMIT = 1_000_000
_TOTAL_LIMIT = 100_000_000
_DEPTH = 20
_SPELLINGS = 'write ${NAME}, ${NAME:-default}, ${secret:NAME}, ${file:path}, or $${ for a plain "${"'


class UnfilledError(ValueError):
    """A text that cannot be filled in; the text says why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One ``${...}``."""

    kind: Literal["name", "secret", "file"]
    name: str
    default: tuple[str | Reference, ...] | None = None


Template = tuple["str | Reference", ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """A text after substitution. ``secret``: some of it is one; ``unread``: some of it stands for a secret that was not read."""

    text: str
    secret: bool = False
    unread: bool = False


@lru_cache(maxsize=4096)
def template(text: str) -> Template:
    """The parts of a text. Raises UnfilledError for a ``${`` that cannot be read."""
    parts, _ = _parts(text, 0, 0)
    return parts


def _parts(text: str, start: int, inner: int) -> tuple[Template, int]:
    """The parts from ``start`` to the end, or to the closing brace of the default they are in; ``inner`` is how many they are in."""
    if inner > _DEPTH:
        raise UnfilledError(f"defaults in defaults, more than {_DEPTH} deep")
    parts: list[str | Reference] = []
    at = start
    while found := _TOKEN.search(text, at):
        mark = found[0]
        if mark == "}":
            if inner:
                parts.append(text[at : found.start()])
                return tuple(filter(None, parts)), found.end()
            parts.append(text[at : found.end()])
            at = found.end()
            continue
        parts.append(text[at : found.start()])
        if mark == "$${":
            parts.append("${")
            at = found.end()
        else:
            reference, at = _reference(text, found.end(), inner)
            parts.append(reference)
    if inner:
        raise UnfilledError(f'"${{" without its "}}": {_SPELLINGS}')
    return tuple(filter(None, [*parts, text[at:]])), len(text)


def _reference(text: str, start: int, inner: int) -> tuple[Reference, int]:
    """The reference whose inside begins at ``start``, and where it ends."""
    if head := _WITH_DEFAULT.match(text, start):
        default, end = _parts(text, head.end(), inner + 1)
        return Reference("name", head[1], default), end
    end = text.find("}", start)
    if end < 0:
        raise UnfilledError(f'"${{" without its "}}": {_SPELLINGS}')
    inside = text[start:end]
    if NAME.match(inside):
        return Reference("name", inside), end + 1
    if match := _SECRET.match(inside):
        return Reference("secret", match[1]), end + 1
    if match := _FILE.match(inside):
        return Reference("file", match[1]), end + 1
    raise UnfilledError(f'"${{{inside:.80}}}" cannot be read: {_SPELLINGS}')


@dataclass(slots=True)
class Environment:
    """What lies outside of the files: variables and secret files.

    ``secrets`` gathers every secret value that was read,
    ``filled`` counts the characters of all texts that were filled in: a few variables can name one another into gigabytes.
    """

    variables: Mapping[str, str]
    read_secrets: bool = True
    secrets: set[str] = field(default_factory=set)
    filled: int = 0

    def secret(self, name: str) -> Filled:
        if not self.read_secrets:
            return Filled(UNREAD, secret=True, unread=True)
        value = self.variables.get(name)
        if not value:
            problem = "is not set in the environment" if value is None else "is empty"
            raise UnfilledError(f"the secret {name!r} {problem}")
        return self._kept(value)

    def file(self, path: str, folder: str) -> Filled:
        if not self.read_secrets:
            return Filled(UNREAD, secret=True, unread=True)
        try:
            with Path(folder, path).open(encoding="utf-8", newline="") as file:
                value = file.read(_SECRET_FILE_LIMIT + 1)
        except UnicodeDecodeError:
            raise UnfilledError(f"the file {path!r} is not UTF-8 text") from None
        except (OSError, ValueError) as error:
            raise UnfilledError(f"the file {path!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
        if len(value) > _SECRET_FILE_LIMIT:
            raise UnfilledError(f"the file {path!r} is larger than 1 MB: that is no secret")
        value = value.rstrip("\r\n")
        if not value:
            raise UnfilledError(f"the file {path!r} is empty")
        return self._kept(value)

    def _kept(self, value: str) -> Filled:
        self.secrets.add(value)
        return Filled(value, secret=True)


class Scope:
    """Where names are looked up: the axes of a matrix, the file's ``vars``, those of the files that include it, the environment.

    ``folder`` is where relative paths begin. A variable that cannot be filled in is noted in ``failures``, by name; whoever uses
    it gets something unread, so that the mistake is told once, where it is.
    """

    def __init__(self, environment: Environment, folder: str, texts: Mapping[str, str] | None = None, parent: Scope | None = None) -> None:
        self.environment = environment
        self.folder = folder
        self.parent = parent
        self._texts = texts or {}
        self.failures: dict[str, str] = {}
        self._values: dict[str, Filled] = {}
        self._open: list[str] = []

    def with_axes(self, axes: Mapping[str, str | None]) -> Scope:
        """The scope of one expansion of a matrix; None is a value that is not known."""
        inner = Scope(self.environment, self.folder, parent=self)
        inner._values = {name: Filled(UNREAD, unread=True) if text is None else Filled(text) for name, text in axes.items()}
        return inner

    def fill(self, text: str) -> Filled:
        """The text with every reference replaced. Raises UnfilledError with all that is wrong."""
        return self._fill(template(text))

    def _fill(self, parts: Template) -> Filled:
        filled: list[Filled] = []
        problems: list[str] = []
        for part in parts:
            try:
                filled.append(Filled(part) if isinstance(part, str) else self._value(part))
            except UnfilledError as problem:
                problems.append(str(problem))
        if problems:
            raise UnfilledError("; ".join(dict.fromkeys(problems)))
        length = sum(len(f.text) for f in filled)
        self.environment.filled += length
        if length > _TEXT_LIMIT or self.environment.filled > _TOTAL_LIMIT:
            raise UnfilledError("the variables make too much text of this")
        return Filled("".join(f.text for f in filled), any(f.secret for f in filled), any(f.unread for f in filled))

    def _value(self, reference: Reference) -> Filled:
        if reference.kind == "secret":
            return self.environment.secret(reference.name)
        if reference.kind == "file":
            return self.environment.file(reference.name, self.folder)
        found = self.lookup(reference.name)
        if found is None or (not found.text and reference.default is not None):
            if reference.default is not None:
                return self._fill(reference.default)
            raise UnfilledError(f"the variable {reference.name!r} is not set: set it, or write ${{{reference.name}:-default}}")
        return found

    def lookup(self, name: str) -> Filled | None:
        """The value of a name, or None where nobody has it. A variable that names itself means the one outside."""
        if name in self._values:
            return self._values[name]
        if name in self._texts and self._open[-1:] != [name]:
            return self._resolved(name)
        if self.parent is not None:
            return self.parent.lookup(name)
        value = self.environment.variables.get(name)
        return None if value is None else Filled(value)

    def _resolved(self, name: str) -> Filled:
        if name in self._open:
            chain = " -> ".join([*self._open[self._open.index(name) :], name])
            raise UnfilledError(f"the variables name one another in a circle: {chain}")
        if len(self._open) > _DEPTH:
            raise UnfilledError(f"variables that name variables, more than {_DEPTH} deep")
        self._open.append(name)
        try:
            value = self.fill(self._texts[name])
        except UnfilledError as problem:
            self.failures[name] = str(problem)
            value = Filled(UNREAD, unread=True)
        self._open.pop()
        self._values[name] = value
        return value


class Filling:
    """One walk over a tree of the file, making plain values of it.

    Remembered by place: ``texts``, what a value that was typed after substitution had been as text; ``whole``, the reference that a value
    stands for; ``secrets``, the places of
    secrets; ``holes``, the places whose value is not known, so that nothing more is said about it.
    """

    __slots__ = ("_file", "_issues", "_scope", "holes", "secrets", "texts", "whole")

    def __init__(self, scope: Scope, file: str, issues: Issues) -> None:
        self._scope = scope
        self._file = file
        self._issues = issues
        self.texts: dict[Loc, str] = {}
        self.whole: dict[Loc, str] = {}
        self.secrets: set[Loc] = set()
        self.holes: set[Loc] = set()

    def mapping(self, node: Map, loc: Loc = (), without: str | None = None) -> dict[str, Any]:
        """The mapping as a plain dict; ``without`` leaves one key out."""
        plain: dict[str, Any] = {}
        for key, value in node.items():
            kind = type(value)
            if kind is str:
                plain[key] = self.text(value, (*loc, key), node.value_at(key)) if "${" in value else value
            elif kind is Map:
                if key != without:
                    plain[key] = self.mapping(value, (*loc, key))
            elif kind is Seq:
                plain[key] = self.items(value, (*loc, key))
            else:
                plain[key] = value
        if without is not None:
            plain.pop(without, None)
        return plain

    def items(self, node: Seq, loc: Loc = ()) -> list[Any]:
        """The list as a plain one."""
        return [self.value(value, (*loc, place), node.marks[place]) for place, value in enumerate(node)]

    def value(self, value: Any, loc: Loc, where: Pos) -> Any:
        if isinstance(value, str):
            return self.text(value, loc, where) if "${" in value else value
        if isinstance(value, Map):
            return self.mapping(value, loc)
        return self.items(value, loc) if isinstance(value, Seq) else value

    def text(self, text: str, loc: Loc, where: Pos) -> Any:
        """The text after substitution; typed, where it is one reference and nothing else."""
        try:
            parts = template(text)
            filled = self._scope.fill(text)
        except UnfilledError as problem:
            self._issues.spoil(self._file, where, str(problem))
            self.holes.add(loc)
            return UNREAD
        if filled.secret:
            self.secrets.add(loc)
        if filled.unread:
            self.holes.add(loc)
            return filled.text
        if len(parts) != 1 or isinstance(parts[0], str):
            return filled.text
        self.whole[loc] = text
        value = substituted(filled.text)
        if value is None and filled.secret:
            return filled.text  # a password that reads "null" is still one
        if not isinstance(value, str):
            self.texts[loc] = filled.text
        return value


def untyped(plain: Any, texts: Mapping[Loc, str], wanted: Iterator[Loc]) -> None:
    """Put the texts of typed values back, in place, where text is wanted."""
    for loc in list(wanted):
        parent = plain
        for step in loc[:-1]:
            parent = parent[step]
        parent[loc[-1]] = texts[loc]
