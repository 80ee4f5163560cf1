"""The report files of a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from monitorpy.errors import UsageError

STDOUT = "-"


def refuse_clashes(outputs: Mapping[str, str], inputs: Iterable[str]) -> None:
    """Raises UsageError where two outputs (paths by option), or an output and an input, are the same."""
    taken = {_place(path): f"the check file {path}" for path in inputs}
    for option, path in outputs.items():
        place = _place(path)
        if place in taken:
            raise UsageError(f"{option}: {'standard output' if path == STDOUT else path} is {taken[place]} already")
        if path == STDOUT or not Path(place).exists() or Path(place).is_file():  # a device or a pipe takes what several write
            taken[place] = f"that of {option}"


class Output:
    """A report to write; "-" is standard output. A context manager.

    The file is opened and emptied at once: what cannot be written is found out before anything runs, and an earlier report
    is not taken for that of a run which broke off. Raises UsageError when it cannot be opened or written.
    """

    def __init__(self, option: str, path: str) -> None:
        self._name = f"{option}: {path!r}"
        self._stdout = path == STDOUT
        try:
            self._file: IO[str] = sys.stdout if self._stdout else Path(path).open("w", encoding="utf-8")  # noqa: SIM115 - see __exit__
        except (OSError, ValueError) as error:
            raise self._refused(error) from None

    def write(self, text: str) -> None:
        if self._stdout:  # its character set need not be UTF-8; JSON is ASCII, so this is for XML
            self._file.write(text.encode("ascii", "xmlcharrefreplace").decode())
            self._file.flush()
            return
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            raise self._refused(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._stdout:
            with suppress(OSError):  # it was said when it was written
                self._file.close()

    def _refused(self, error: Exception) -> UsageError:
        return UsageError(f"{self._name} cannot be written: {getattr(error, 'strerror', None) or error}")


def _place(path: str) -> str:
    return path if path == STDOUT or "\0" in path else os.path.realpath(path)
