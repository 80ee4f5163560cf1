"""A file and all that it includes: the entries of all of them, in order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob, has_magic

from monitorpy.checkfile.entries import Draft, Entries, Setting
from monitorpy.checkfile.events import Document, build
from monitorpy.checkfile.files import STDIN, UnreadableError, checked, read_text
from monitorpy.checkfile.interpolation import Scope
from monitorpy.checkfile.model import Defaults
from monitorpy.checkfile.nodes import START, Map, Pos, Seq
from monitorpy.checkfile.toplevel import TopLevel, scope_of

MAX_DEPTH = 50
"""Files that may include one another in a row."""
MAX_FILES = 5000


@dataclass(frozen=True, slots=True)
class _Place:
    """A file on the way down: its name as shown, and the real path and name of it and of each file above it."""

    file: str
    chain: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, file: str, above: tuple[tuple[str, str], ...] = ()) -> _Place:
        real = file if "\0" in file else os.path.realpath(file)  # reading it will say what is wrong
        return cls(file, (*above, (real, file)))

    @property
    def folder(self) -> str:
        return "" if self.file == STDIN else os.path.dirname(self.file)  # noqa: PTH120 - Path would drop the "./" that the user wrote


class Tree:
    """Reads a file and, before its own checks, those of the files that it includes."""

    def __init__(self, entries: Entries) -> None:
        self.entries = entries
        self.issues = entries.issues
        self._files = 0

    def read(self, file: str, text: str | None) -> list[Draft]:
        """The drafts of a file and its includes, in order; mistakes are reported."""
        return list(self._file(_Place.of(file), text, None))

    def _file(self, place: _Place, text: str | None, outer: Setting | None) -> Iterator[Draft]:
        document = self._document(place.file, text)
        if document is None:
            return
        root = document.root
        parent = outer.scope if outer else None
        if isinstance(root, Seq):
            scope = Scope(self.entries.environment, place.folder, parent=parent)
            setting = Setting(document, scope, outer.defaults if outer else Defaults(), outer.layers if outer else {})
            yield from self._checks(root, root.at, setting)
        elif isinstance(root, Map):
            scope = scope_of(document, place.folder, parent, self.entries)
            setting, patterns = TopLevel(document, scope, self.entries).read(outer)
            seen: set[str] = set()
            for pattern, where in patterns:
                yield from self._included(place, pattern, where, setting, seen)
            if "checks" in root:
                yield from self._checks(root["checks"], root.key_at("checks"), setting)
            elif not root.get("include"):
                self.issues.add(place.file, root.at, "no checks: write checks: and a list of them")
        else:
            self.issues.add(place.file, document.at, "a check file must be a mapping with checks, or a list of checks")

    def _document(self, file: str, text: str | None) -> Document | None:
        try:
            text = read_text(file) if text is None else checked(text)
        except UnreadableError as unreadable:
            self.issues.add(file, unreadable.where, str(unreadable))
            return None
        before = len(self.issues)
        document = build(text, file, self.issues)
        if document.found and document.root is not None:
            return document
        if len(self.issues) == before:
            self.issues.add(file, START, "the file is empty: write checks in it")
        return None

    def _checks(self, checks: object, where: Pos, setting: Setting) -> Iterator[Draft]:
        if isinstance(checks, Seq):
            for position, entry in enumerate(checks):
                yield from self.entries.read(entry, checks.marks[position], setting)
        if checks is None or checks == []:
            self.issues.add(setting.file, where, "no checks: there is nothing in the list of checks")

    def _included(self, place: _Place, pattern: str, where: Pos, setting: Setting, seen: set[str]) -> Iterator[Draft]:
        """The drafts of the files that one pattern names, sorted; a file that an earlier pattern named is not read again."""
        path = os.path.join(place.folder, pattern)  # noqa: PTH118 - as above
        files = [path] if os.path.lexists(path) or not has_magic(pattern) else self._globbed(place.folder, pattern)
        if not files:
            self.issues.add(place.file, where, f"include: no file matches {pattern!r}")
        for file in files:
            inner = _Place.of(file, place.chain)
            if problem := self._refused(inner, pattern):
                self.issues.add(place.file, where, problem)
            elif inner.chain[-1][0] not in seen:
                seen.add(inner.chain[-1][0])
                self._files += 1
                yield from self._file(inner, None, setting)

    @staticmethod
    def _globbed(folder: str, pattern: str) -> list[str]:
        found = (os.path.join(folder, name) for name in glob(pattern, root_dir=folder or None, recursive=True))  # noqa: PTH118, PTH207 - as above
        return sorted(file for file in found if os.path.isfile(file))  # noqa: PTH113 - as above

    def _refused(self, inner: _Place, pattern: str) -> str | None:
        """Why a file cannot be included here."""
        real = inner.chain[-1][0]
        above = [path for path, _ in inner.chain[:-1]]
        if real in above:
            names = [name for _, name in inner.chain[above.index(real) : -1]]
            return f"include: the files include one another in a circle: {' -> '.join([*names, names[0]])}"
        if not os.path.exists(real):  # noqa: PTH110 - as above
            return f"include: there is no file {pattern!r}"
        if os.path.isdir(real):  # noqa: PTH112 - as above
            return f"include: {pattern!r} is a directory: write {pattern.rstrip('/') + '/*.yaml'!r}"
        if len(above) >= MAX_DEPTH or self._files >= MAX_FILES:
            return f"include: more than {MAX_DEPTH} files deep" if len(above) >= MAX_DEPTH else f"include: more than {MAX_FILES} files"
        return None
