"""Which check files are wanted: `--monitorpy`, ini `monitorpy_files` and positional paths become pytest's own arguments.

PYTEST_DONT_REWRITE: under xdist every worker repeats this on the same command line, so everything here is sorted.
"""

from __future__ import annotations

import glob
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_monitorpy import compat
from pytest_monitorpy.options import SUFFIXES

STDIN = "<stdin>"

_LOOK_LIMIT = 10_000_000
_CHECKS_KEY = re.compile(r"""(?:^|\A\s*\{(?:[^}]*,)?\s*)["']?checks["']?\s*:""", re.MULTILINE)
_BARE_LIST = re.compile(r"^-\s|\A\s*\[", re.MULTILINE)
_PLUGIN_KEY = re.compile(r"""(?:^\s+|[-{,]\s*)["']?plugin(?:_type)?["']?\s*:""", re.MULTILINE)


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
    paths = _in_directory(path) if path.is_dir() else _matching(path)
    if not paths:
        what = "no check file in directory" if path.is_dir() else "file or directory not found"
        raise pytest.UsageError(f"{option}: {what}: {file}")
    yield from (Wanted(found, separator + rest) for found in paths)


def _in_directory(directory: Path) -> list[Path]:
    """Check files below a directory, depth first: pytest 9.1 loses conftest fixtures in any other order."""
    entries = sorted(entry for entry in directory.iterdir() if not entry.name.startswith("."))
    files = [entry for entry in entries if entry.is_file() and entry.suffix in SUFFIXES and looks_like_checks(entry)]
    return [*files, *(found for entry in entries if entry.is_dir() for found in _in_directory(entry))]


def _matching(pattern: Path) -> list[Path]:
    found = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207 - absolute patterns
    return sorted((path for path in found if path.is_file()), key=lambda path: (path.parent, path.name))


def looks_like_checks(path: Path) -> bool:
    """Whether a YAML or JSON file is one of ours, at a glance: other tools have such files too."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_LOOK_LIMIT)
    except OSError:
        return False
    return bool(_CHECKS_KEY.search(text) or (_BARE_LIST.search(text) and _PLUGIN_KEY.search(text)))


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
