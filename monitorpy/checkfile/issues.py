"""The mistakes found so far, over all files."""

from __future__ import annotations

from monitorpy.checkfile.nodes import Pos, issue
from monitorpy.errors import CheckFileError, Issue
from monitorpy.utils.masking import Masker

LIMIT = 1000
"""Mistakes that are collected; a file with more of them is no check file."""


class TooManyIssuesError(Exception):
    """The limit is reached: nobody reads on."""


class Issues:
    """Collects mistakes. A value that was reported as unusable is not complained about again for its type."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._found: dict[Issue, Pos] = {}
        self._spoiled: set[tuple[str, Pos]] = set()
        self._limit = limit

    @property
    def found(self) -> list[Issue]:
        return list(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, file: str, where: Pos, message: str) -> None:
        """Report a mistake, unless its place was spoiled before. Raises TooManyIssuesError at the limit."""
        if (file, where) in self._spoiled:
            return
        self._found[issue(file, where, message)] = where
        if len(self._found) >= self._limit:
            raise TooManyIssuesError

    def spoil(self, file: str, where: Pos, message: str) -> None:
        """Report a value that cannot be used at all."""
        self.add(file, where, message)
        self._spoiled.add((file, where))

    def settle(self) -> None:
        """Report nothing more at the places reported so far: the next expansion of a matrix has the same mistakes."""
        self._spoiled.update((found.file, where) for found, where in self._found.items())

    def error(self, masker: Masker) -> CheckFileError:
        """All of them, without any secret."""
        found = [Issue(i.file, i.line, i.column, masker.text(i.message)) for i in self._found]
        if len(found) >= self._limit:
            last = max(found)
            found.append(Issue(last.file, last.line, last.column + 1, f"more than {self._limit} mistakes; the rest is not shown"))
        return CheckFileError(found)
