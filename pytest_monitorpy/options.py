"""The options, their ini twins, and the one place where the two meet: command line, then ini, then default.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

SUFFIXES = (".yaml", ".yml", ".json")
"""Of files that may be check files without being named by an option."""


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("monitorpy", "monitoring checks (MonitorPy)")

    def flag(name: str, dest: str, text: str, **more: Any) -> None:
        group.addoption(f"--monitorpy{name}", dest=f"monitorpy{dest}", default=None, help=text, **more)

    flag("", "", "run the checks of FILE as tests; FILE is a check file, a directory, a quoted glob, or - for standard input. "
         "May be repeated. Without other paths only the checks run.", action="append", metavar="FILE[::NAME]")  # fmt: skip
    flag("-strict", "_strict", "warnings fail", action="store_true")
    flag("-workers", "_workers", "run up to N checks at a time, ahead of the tests that report them (default 32)", metavar="N")
    flag("-per-host", "_per_host", "at most N checks at a time on one target host (default 10, 0 = no limit)", metavar="N")
    flag("-deadline", "_deadline", "seconds for all checks together; what has not ended by then fails", metavar="SECONDS")
    flag("-json", "_json", "write the results to FILE, as `monitorpy batch --json` does", metavar="FILE")
    flag("-html", "_html", "write the results to FILE as one HTML page, as `monitorpy batch --html` does", metavar="FILE")
    flag("-github", "_github", "annotate check files and write a step summary, in GitHub Actions", action="store_true")
    parser.addini("monitorpy_files", "check files (globs) to run beside the tests when no path is given", type="args", default=[])
    parser.addini("monitorpy_strict", "as --monitorpy-strict", type="bool", default=False)
    typed = pytest.version_tuple >= (8, 4)  # with these types, pytest 9 takes TOML's own numbers
    kinds: dict[str, Any] = {"workers": "int", "per_host": "int", "deadline": "float"}
    for name, kind in kinds.items():
        parser.addini(f"monitorpy_{name}", f"as --monitorpy-{name.replace('_', '-')}", type=kind if typed else None, default=None)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for; ``deadline`` in seconds, ``json`` and ``html`` the files to write, if any."""

    strict: bool
    workers: int
    per_host: int
    deadline: float | None
    json: Path | None
    html: Path | None
    github: bool


def read_settings(config: pytest.Config) -> Settings:
    """Raises pytest.UsageError for a value that is no number or out of range."""
    return Settings(
        strict=bool(config.getoption("monitorpy_strict") or config.getini("monitorpy_strict")),
        workers=_number(config, "workers", int, 1, 32),
        per_host=_number(config, "per_host", int, 0, 10),
        deadline=_number(config, "deadline", float, 0.001, None),
        json=_file(config, "json"),
        html=_file(config, "html"),
        github=bool(config.getoption("monitorpy_github")),
    )


def _file(config: pytest.Config, name: str) -> Path | None:
    given = config.getoption(f"monitorpy_{name}")
    return None if given is None else config.invocation_params.dir / given  # "" is the folder: cannot be written


def _number(config: pytest.Config, name: str, kind: Callable[[Any], Any], least: float, default: T) -> Any | T:
    where, given = f"--monitorpy-{name.replace('_', '-')}", config.getoption(f"monitorpy_{name}")
    try:
        if given is None:
            where = f"ini monitorpy_{name}"
            given = config.getini(f"monitorpy_{name}")
        if given in (None, ""):  # pytest gives "" for a text that is not set, whatever the default, in some versions
            return default
        value, shown = kind(given), repr(given)
    except (ValueError, TypeError, pytest.UsageError) as error:  # the last two are pytest's, for a value of another type
        value, shown = None, str(error).rpartition(": ")[2]  # what was given is told at the end
    if value is None or not least <= value < float("inf"):
        raise pytest.UsageError(f"{where}: expected {'a whole number' if kind is int else 'seconds'}, {least:g} or more, not {shown}")
    return value
