"""Check files as the command line names them: several, folders, globs, ``-``."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from monitorpy.checkfile import CheckFile, load
from monitorpy.errors import CheckFileError, Issue, UsageError

_SUFFIXES = {".yaml", ".yml", ".json"}


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
    if name == "-":
        return [name]
    if Path(name).is_dir():
        paths = sorted(str(path) for path in Path(name).rglob("*") if path.suffix in _SUFFIXES and path.is_file())
        if not paths:
            raise UsageError(f"{name}: there is no .yaml, .yml or .json file in this folder")
        return paths
    if not Path(name).exists() and glob.has_magic(name):
        paths = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        if not paths:
            raise UsageError(f"{name}: no file matches")
        return paths
    return [name]


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CheckFileError([Issue("<stdin>", 1, 1, f"is not UTF-8 text: byte {error.start}")]) from None
