"""Which check files are wanted: `--monitorpy`, ini `monitorpy_files` and positional paths become pytest's own arguments.

PYTEST_DONT_REWRITE: under xdist every worker repeats this on the same command line, so everything here is sorted.
"""

from __future__ import annotations

import glob
import os
import sys
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitorpy.checkfile.discovery import check_files_in, looks_like_checks
from monitorpy.checkfile.files import MAX_BYTES
from pytest_monitorpy import compat
from pytest_monitorpy.options import SUFFIXES


@dataclass(frozen=True, slots=True)
class Wanted:
    """One check file that the user named, with the NAME that follows it behind ``::`` ("" for all of the file)."""

    path: Path
    name: str = ""


def arranged(args: list[str], wanted: list[Wanted], base: Path) -> tuple[dict[Path, frozenset[str]], list[str], set[Path]]:
    """The names wanted of each check file (none: all of it), pytest's arguments, and the check files that are inside of one.

    Each file becomes one argument: pytest 8 collects one that is given twice two times. A file inside of a folder that is an
    argument becomes none: pytest 8 would leave out the rest of the folder, and pytest 9 goes through the folder only.
    """
    places = [_check_file(arg, base) or arg for arg in args] + list(wanted)
    folders = [path for arg in args if os.path.isdir(path := _absolute(base, arg))]  # noqa: PTH112 - Path raises for a name that is too long
    names: dict[Path, set[str]] = {}
    inside: set[Path] = set()
    arguments: list[str] = []
    for place in places:
        if isinstance(place, str):
            arguments.append(place)
        elif place.path in names:
            names[place.path].add(place.name)
        else:
            names[place.path] = {place.name}
            if any(place.path.is_relative_to(folder) for folder in folders):
                inside.add(place.path)
            else:
                arguments.append(str(place.path))
    return {path: frozenset() if "" in found else frozenset(found) for path, found in names.items()}, arguments, inside


def _check_file(arg: str, base: Path) -> Wanted | None:
    file, _, name = arg.partition("::")
    path = _absolute(base, file)
    return Wanted(path, name) if file.endswith(SUFFIXES) and os.path.isfile(path) and looks_like_checks(path) else None  # noqa: PTH113 - as above


class WayIn:
    """Lets pytest into folders that it leaves out (norecursedirs, --ignore) where a wanted file is in them: for that file only."""

    def __init__(self, files: set[Path]) -> None:
        self._way = {*files, *(folder for file in files for folder in file.parents)}
        self._opened: set[Path] = set()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> Generator[None, bool | None, bool]:
        ignored = bool((yield)) or collection_path.parent in self._opened
        if ignored and collection_path in self._way:
            self._opened.add(collection_path)
            return False
        return ignored


def find(selectors: list[str], base: Path, option: str) -> list[Wanted]:
    """The files that the selectors name, in their order. Raises pytest.UsageError for one that names none."""
    return [wanted for selector in selectors for wanted in _expand(selector, base, option)]


def _expand(selector: str, base: Path, option: str) -> Iterator[Wanted]:
    file, _, name = selector.partition("::")
    path = _absolute(base, file)
    if not file:
        raise pytest.UsageError(f"{option}: expected FILE[::NAME], not {selector!r}")
    if os.path.isfile(path):  # noqa: PTH113 - as above
        yield Wanted(path, name)
        return
    folder = os.path.isdir(path)  # noqa: PTH112 - as above
    paths = check_files_in(path) if folder else _matching(path)
    if not paths:
        what = "no check file in directory" if folder else "file or directory not found"
        raise pytest.UsageError(f"{option}: {what}: {file}")
    yield from (Wanted(found, name) for found in paths)


def _absolute(base: Path, file: str) -> Path:
    return Path(os.path.abspath(base / file))  # noqa: PTH100 - pytest does not resolve symbolic links either


def _matching(pattern: Path) -> list[Path]:
    found = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207 - absolute patterns
    return sorted((path for path in found if path.is_file()), key=lambda path: (path.parent, path.name))


def spool_stdin(config: pytest.Config) -> tuple[bytes, Path]:
    """Standard input, and a file that holds it: pytest collects only what exists. Raises pytest.UsageError where there is none.

    A worker of pytest-xdist has no standard input; it gets the bytes from the controller.
    """
    workerinput = getattr(config, "workerinput", None)
    data = workerinput["monitorpy_stdin"] if workerinput is not None else _read_stdin(config)
    folder = tempfile.TemporaryDirectory(prefix="monitorpy-")
    config.add_cleanup(folder.cleanup)
    path = Path(folder.name).resolve() / "stdin.yaml"
    path.write_bytes(data)
    return data, path


def _read_stdin(config: pytest.Config) -> bytes:
    compat.let_go_of_stdin(config)
    try:
        given: str | bytes = getattr(sys.stdin, "buffer", sys.stdin).read(MAX_BYTES + 1)
    except (AttributeError, OSError, ValueError):  # there is none, or it is closed
        raise pytest.UsageError("--monitorpy=-: there is no standard input") from None
    return (
        given.encode("utf-8", "surrogateescape") if isinstance(given, str) else given
    )  # a program that calls pytest may put a StringIO there
