"""The folder that `monitorpy demo` writes: a copy of ``template/``, marked as the demo's."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from monitorpy.errors import UsageError

MARKER = ".monitorpy-demo"
_OLD = PurePosixPath("backup/last-week.sql")
_WEEK = 7 * 24 * 3600.0


def write_files(folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write the demo's files and, by name, ``more``; one of them that was changed is kept as NAME.bak.

    Raises UsageError if the folder holds anything and was not made by the demo, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / MARKER).exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty and was not made by `monitorpy demo`: name another folder with --dir")
        (folder / MARKER).touch()
        for path, content in (*_template(), *((PurePosixPath(name), text.encode()) for name, text in more.items())):
            _write(folder / path, content)
        old = time.time() - _WEEK
        os.utime(folder / _OLD, (old, old))
    except OSError as refused:
        raise UsageError(f"cannot write the demo's files to {folder}: {refused.strerror}") from None


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(exist_ok=True)
    if target.exists() and target.read_bytes() != content:
        target.replace(target.with_name(f"{target.name}.bak"))
    target.write_bytes(content)


def _template() -> Iterator[tuple[PurePosixPath, bytes]]:
    def walk(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, bytes]]:
        for entry in folder.iterdir():
            if entry.is_file():
                yield path / entry.name, entry.read_bytes()
            elif entry.name != "__pycache__":
                yield from walk(entry, path / entry.name)

    return walk(files("monitorpy.lab") / "template", PurePosixPath())
