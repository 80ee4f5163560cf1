"""The exceptions of MonitorPy, one tree.

::

    MonitorPyError
    ├── UsageError            asked for something that does not exist (exit 3)
    ├── CheckFileError        mistakes in check files, all of them, each with file:line:column (exit 3)
    ├── ConfigError           a plugin refuses its configuration        (also a ValueError)
    ├── ExpectationError      an expectation that cannot be compiled    (also a ValueError)
    ├── MissingExtraError     an optional package is not installed; names the pip command
    └── NetError              no usable answer came from the target; carries phase and kind

A check that finds its target bad raises nothing: that is a result. ``NetError`` is how the ``net`` room
tells a plugin that the conversation broke off; the framework turns one that a plugin lets through into an error result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Fault: TypeAlias = Literal["target", "config", "plugin", "environment", "blocked", "not_run"]
"""Whose fault an error is: see docs/results.md."""

Kind: TypeAlias = Literal["resolve", "connect", "tls", "timeout", "reset", "protocol", "expectation", "environment", "plugin", "config"]
"""How a check failed, in one word; what ``retries: {on: [...]}`` names."""


class MonitorPyError(Exception):
    """The root: catches everything that MonitorPy raises on purpose."""


class UsageError(MonitorPyError):
    """The caller asked for something that cannot be done; the text says what to ask instead."""


@dataclass(frozen=True, slots=True, order=True)
class Issue:
    """One mistake in a check file: ``file:line:column: message``; lines and columns count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class CheckFileError(MonitorPyError):
    """Mistakes in check files, in the order of files and lines."""

    def __init__(self, issues: list[Issue]) -> None:
        self.issues = sorted(set(issues))
        super().__init__("\n".join(map(str, self.issues)))


@dataclass(frozen=True, slots=True)
class ConfigIssue:
    """One mistake in a plugin's configuration.

    ``loc`` is the path of keys and indexes below ``config`` (empty for the whole); ``on_key`` tells
    that the key itself is wrong (unknown) and not its value.
    """

    loc: tuple[str | int, ...]
    message: str
    on_key: bool = False

    def __str__(self) -> str:
        path = ".".join(map(str, self.loc))
        return self.message if self.on_key or not path else f"{path}: {self.message}"


class ConfigError(MonitorPyError, ValueError):
    """A plugin's configuration is refused; ``issues`` has every reason."""

    def __init__(self, *issues: ConfigIssue) -> None:
        self.issues = list(issues)
        super().__init__("; ".join(map(str, issues)))


class ExpectationError(MonitorPyError, ValueError):
    """An expectation that cannot be compiled; ``key`` is the one to blame ("path", "matches", ...), or None for the whole."""

    def __init__(self, message: str, key: str | None = None) -> None:
        self.key = key
        super().__init__(message)


class MissingExtraError(MonitorPyError):
    """An optional package is needed: ``pip install 'monitorpy[EXTRA]'`` is in the text."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional package: pip install 'monitorpy[{extra}]'")


class NetError(MonitorPyError):
    """The conversation with a target broke off.

    ``phase`` is where ("dns", "connect", "tls", "first_byte", "transfer", "send", ...); ``kind`` is how; ``fault`` is
    "target", or "environment" when this machine cannot look (no route of that family, no permission).
    The text is a sentence for a person: what was tried, with whom, what happened.
    """

    def __init__(self, message: str, *, phase: str, kind: Kind, fault: Fault = "target") -> None:
        self.phase = phase
        self.kind = kind
        self.fault = fault
        super().__init__(message)
