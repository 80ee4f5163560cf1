"""Check files as the command line names them: several, folders, globs, ``-``."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from monitorpy.checkfile import CheckFile, load
from monitorpy.checkfile.discovery import check_files_in
from monitorpy.checkfile.files import MAX_BYTES, STDIN, UnreadableError, decoded
from monitorpy.checkfile.nodes import issue
from monitorpy.errors import CheckFileError, Issue, UsageError


def load_all(names: Sequence[str], *, read_secrets: bool = True) -> list[CheckFile]:
    """Every check file that the names stand for. Raises CheckFileError with the mistakes of all of them."""
    files: list[CheckFile] = []
    issues: list[Issue] = []
    for path in _paths(names):
        try:
            files.append(load(path, text=_stdin() if path == "-" else None, read_secrets=read_secrets))
        except CheckFileError as refused:
            issues += refused.issues
    if issues:
        raise CheckFileError(issues)
    return files


def _paths(names: Iterable[str]) -> list[str]:
    """The paths in order, each once. Raises UsageError for a name that nothing matches."""
    found: dict[str, str] = {}
    for name in names:
        for path in _matches(name):
            found.setdefault(path if path == "-" else os.path.realpath(path), path)
    return list(found.values())


def _matches(name: str) -> list[str]:
    if os.path.isdir(name):  # noqa: PTH112 - Path raises for a name that is too long
        paths = [str(path) for path in check_files_in(Path(name))]
        if not paths:
            raise UsageError(f"{name}: there is no check file in this folder (*.yaml, *.yml or *.json with checks in it)")
        return paths
    if glob.has_magic(name) and not os.path.lexists(name):
        paths = sorted(path for path in glob.glob(name, recursive=True) if os.path.isfile(path))  # noqa: PTH113, PTH207 - as above
        if not paths:
            raise UsageError(f"{name}: no file matches")
        return paths
    return [name]


def _stdin() -> str:
    if sys.stdin is None:
        raise UsageError("-: there is no standard input")
    given = getattr(sys.stdin, "buffer", sys.stdin).read(MAX_BYTES + 1)  # a program that calls main() may put a StringIO there
    try:
        return given if isinstance(given, str) else decoded(given)
    except UnreadableError as refused:
        raise CheckFileError([issue(STDIN, refused.where, str(refused))]) from None
