"""Reading a check file: bytes to text, or a reason with a position."""

from __future__ import annotations

import re
from pathlib import Path

from monitorpy.checkfile.nodes import START, Pos, pos

MAX_BYTES = 10_000_000
STDIN = "<stdin>"

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class UnreadableError(Exception):
    """A file that cannot be read as text."""

    def __init__(self, message: str, where: Pos = START) -> None:
        self.where = where
        super().__init__(message)


def read_text(path: str) -> str:
    """The text of a check file. Raises UnreadableError for one that is missing, no file, too large, or not UTF-8 text."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableError("no such file") from None
    except IsADirectoryError:
        raise UnreadableError("this is a directory, not a check file") from None
    except (OSError, ValueError) as error:
        raise UnreadableError(f"the file cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return decoded(data)


def decoded(data: bytes) -> str:
    """UTF-8 bytes as checked text."""
    if len(data) > MAX_BYTES:
        raise UnreadableError("the file is larger than 10 MB: split it and use include")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace").removeprefix("\ufeff")
        raise UnreadableError(f"byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8 text", _end_of(before)) from None
    return checked(text)


def checked(text: str) -> str:
    """Text without the characters that YAML forbids."""
    if len(text) > MAX_BYTES:
        raise UnreadableError("the file is larger than 10 MB: split it and use include")
    text = text.removeprefix("\ufeff")
    if (nul := text.find("\0")) >= 0:
        raise UnreadableError("the character U+0000: this is a binary file, not YAML", _end_of(text[:nul]))
    if found := _FORBIDDEN.search(text):
        problem = f'the character U+{ord(found[0]):04X} is not allowed in YAML: write it as an escape in "double quotes"'
        raise UnreadableError(problem, _end_of(text[: found.start()]))
    return text


def _end_of(text: str) -> Pos:
    line = text.count("\n")
    return pos(line, len(text) - (text.rfind("\n") + 1))
