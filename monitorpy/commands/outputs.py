"""The report files of a run: refused before anything runs where they cannot be written, whole or not there at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from monitorpy.errors import UsageError

STDOUT = "-"


def check_outputs(outputs: Mapping[str, str], inputs: Iterable[str]) -> None:
    """Find out what will not work. ``outputs`` are paths by option. Raises UsageError."""
    taken = {os.path.realpath(name): f"the check file {name}" for name in inputs if name != STDOUT}
    for option, path in outputs.items():
        place = path if path == STDOUT else os.path.realpath(path)
        if place in taken and (path == STDOUT or _is_plain(path)):
            raise UsageError(f"{option}: {'standard output' if path == STDOUT else path} is {taken[place]} already")
        taken[place] = f"that of {option}"
        if path != STDOUT and (why := _obstacle(path)):
            raise UsageError(f"{option}: {path} cannot be written: {why}")


def _is_plain(path: str) -> bool:
    """Whether it is, or will be, a regular file: a device or a pipe takes what several write."""
    return not Path(path).exists() or Path(path).is_file()


def _obstacle(path: str) -> str | None:
    if Path(path).is_dir():
        return "it is a folder"
    if Path(path).exists() and not os.access(path, os.W_OK):
        return "no permission"
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    return None if not _is_plain(path) or os.access(folder, os.W_OK) else "no permission"


class Lines:
    """A file that grows line by line while the checks run; "-" is standard output. A context manager."""

    def __init__(self, option: str, path: str) -> None:
        self._option = option
        self._path = path
        try:
            self._file: IO[str] = sys.stdout if path == STDOUT else Path(path).open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{option}: {path} cannot be written: {error.strerror}") from None

    def __call__(self, line: str) -> None:
        self._guarded(lambda: self._file.write(line))
        self._guarded(self._file.flush)

    def close(self) -> None:
        if self._path != STDOUT:
            self._guarded(self._file.close)

    def _guarded(self, act: Callable[[], object]) -> None:
        if self._path == STDOUT:
            act()  # main() knows what to do when nobody reads on
            return
        try:
            act()
        except OSError as error:
            raise UsageError(f"{self._option}: {self._path} cannot be written: {error.strerror}") from None


def write_whole(option: str, path: str, text: str) -> None:
    """Write a report; a regular file is there whole or not at all. Raises UsageError if it cannot be written."""
    if path == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        if _is_plain(path):
            _replace(Path(os.path.realpath(path)), text)
        else:
            Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{option}: {path} cannot be written: {error.strerror}") from None


def _replace(path: Path, text: str) -> None:
    with NamedTemporaryFile("w", dir=path.parent, prefix=".monitorpy-", delete=False, encoding="utf-8") as file:
        draft = Path(file.name)
        try:
            file.write(text)
            file.flush()
            draft.chmod(_mode(path))
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def _mode(path: Path) -> int:
    """That of the file which is replaced, or what the umask leaves: a temporary file is for its owner only."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
