"""Which check files are wanted: `--monitorpy`, ini `monitorpy_files` and positional paths become pytest's own arguments.

PYTEST_DONT_REWRITE: under xdist every worker repeats this on the same command line, so everything here is sorted.
"""

from __future__ import annotations

import glob
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitorpy.checkfile.discovery import check_files_in
from pytest_monitorpy import compat

STDIN = "<stdin>"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One check file that the user named, with the ``::NAME`` that follows it ("" for all of the file)."""

    path: Path
    name: str = ""

    def __str__(self) -> str:
        return str(self.path) + self.name


def find(selectors: list[str], base: Path, option: str) -> list[Wanted]:
    """The files that the selectors name, in their order. Raises pytest.UsageError for one that names none."""
    return [wanted for selector in selectors for wanted in _expand(selector, base, option)]


def _expand(selector: str, base: Path, option: str) -> Iterator[Wanted]:
    file, separator, rest = selector.partition("::")
    path = Path(os.path.abspath(base / file))  # noqa: PTH100 - pytest does not resolve symbolic links either
    if not file:
        raise pytest.UsageError(f"{option}: expected FILE[::NAME], not {selector!r}")
    if path.is_file():
        yield Wanted(path, separator + rest)
        return
    paths = check_files_in(path) if path.is_dir() else _matching(path)
    if not paths:
        what = "no check file in directory" if path.is_dir() else "file or directory not found"
        raise pytest.UsageError(f"{option}: {what}: {file}")
    yield from (Wanted(found, separator + rest) for found in paths)


def _matching(pattern: Path) -> list[Path]:
    found = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207 - absolute patterns
    return sorted((path for path in found if path.is_file()), key=lambda path: (path.parent, path.name))


def spool_stdin(config: pytest.Config) -> tuple[str, Path]:
    """Standard input, and a file that stands for it: pytest collects only what exists.

    A worker of pytest-xdist has no standard input; it gets the text from the controller.
    """
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        text = workerinput["monitorpy_stdin"]
    else:
        compat.let_go_of_stdin(config)
        text = sys.stdin.read()
    folder = tempfile.TemporaryDirectory(prefix="monitorpy-")
    config.add_cleanup(folder.cleanup)
    path = Path(folder.name).resolve() / "stdin.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return text, path
