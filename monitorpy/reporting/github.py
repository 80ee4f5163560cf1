"""Reports for GitHub Actions: annotations beside the lines of check files, and the summary of the step.

Workflow commands: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from pathlib import Path
from typing import Any, TextIO, TypeVar

from monitorpy.errors import UsageError
from monitorpy.reporting.causes import Cause, Result, behind, headline
from monitorpy.reporting.explain import check_name, duration, harmless, printable
from monitorpy.reporting.text import totals

T = TypeVar("T")

_SHOWN = 10
"""Annotations of each level that GitHub shows of a step."""

_LIMIT = 1024 * 1024
"""Bytes of a step's summary; GitHub drops all of a larger one."""

_ROWS, _MORE_ROWS, _SLOWEST = 50, 200, 10
"""Rows of a table that is seen at once, of one that is folded, and slowest checks. With _NAME and _MESSAGE they keep below _LIMIT."""

_NAME, _MESSAGE = 100, 300
"""Characters that are shown."""

_STRUCTURE = re.compile(r"[\\`*\[\]<>&|~@$]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE)
"""What Markdown or HTML, or GitHub (mentions, links, formulas), would act upon inside of a line."""


def publish(
    document: Mapping[str, Any],
    causes: Sequence[Cause],
    stream: TextIO,
    *,
    strict: bool = False,
    annotated: bool = False,
    notes: Sequence[str] = (),
) -> None:
    """Print the annotations, and append the summary of the JSON document to that of the step.

    ``strict``: warnings are errors; ``annotated``: errors have their annotations already; ``notes`` are sentences for the
    summary. Outside of GitHub there is no summary, which is said. Raises UsageError when it cannot be written.
    """
    warned = [result for result in document["results"] if result["status"] == "warning"]
    errors = [*causes, *(Cause(result) for result in warned if strict)]
    encoding = stream.encoding or "utf-8"
    lines = workflow_commands([] if annotated else errors, [] if strict else warned)
    stream.writelines(f"{line}\n".encode(encoding, "backslashreplace").decode(encoding) for line in lines)
    path = summary_file()
    if path is None:
        stream.write("monitorpy: no step summary: GITHUB_STEP_SUMMARY is not set, as it is in GitHub Actions\n")
    else:
        _append(path, step_summary(document, causes, notes=notes))


def summary_file() -> Path | None:
    """The file that the runner takes the step's summary from; None outside of GitHub. Raises UsageError if it cannot be written."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return None
    try:
        Path(name).open("a").close()
    except (OSError, ValueError) as error:
        raise _refused(name, error) from None
    return Path(name)


def workflow_commands(causes: Iterable[Cause], warnings: Iterable[Result]) -> Iterator[str]:
    """The annotations, as many as GitHub shows, and one that counts the others."""
    errors = [("error", cause.result, behind(cause)) for cause in causes]
    mild = [("warning", result, "") for result in warnings]
    for level, result, more in (*errors[:_SHOWN], *mild[:_SHOWN]):
        yield _annotation(level, result, more)
    left = [f"{len(of) - _SHOWN} more {word}s" for word, of in (("error", errors), ("warning", mild)) if len(of) > _SHOWN]
    if left:
        yield f"::notice title=monitorpy::{' and '.join(left)}: GitHub shows {_SHOWN} annotations of each kind"


def step_summary(document: Mapping[str, Any], causes: Sequence[Cause], *, notes: Sequence[str] = ()) -> str:
    """The results of the JSON document as GitHub-flavoured Markdown, at most so much that GitHub takes it."""
    results = document["results"]
    told = headline(causes)
    behind_them = [(result, cause.result) for cause in causes for result in (*cause.failing, *cause.blocked)]
    timed = [result for result in results if result["attempts"] and result["response_time"]]
    slowest = nlargest(_SLOWEST, timed, key=lambda result: result["response_time"])
    return "\n\n".join(
        (
            f"### MonitorPy: {totals(document['summary'])}",
            *map(_escaped, notes),
            *([f"**{told}**"] if told else []),
            *_table("Check | Error | Behind it | Where", causes, _error_row, _ROWS),
            *_table("Check | Warning | Where", [r for r in results if r["status"] == "warning"], _warning_row, _ROWS),
            *_folded("Blocked or failing behind them", _table("Check | Because of", behind_them, _behind_row, _MORE_ROWS)),
            *_folded("Slowest checks", _table("Check | Time", slowest, _time_row, _SLOWEST)),
            "",
        )
    )


def _append(path: Path, text: str) -> None:
    try:
        with path.open("ab") as file:
            room = _LIMIT - file.tell()
            if len(data := f"\n{text}".encode()) > room:
                raise UsageError(
                    f"the step summary of {len(data)} bytes was left out: there is room for {room}, and GitHub drops all beyond"
                )
            file.write(data)
    except OSError as error:
        raise _refused(str(path), error) from None


def _refused(name: str, error: Exception) -> UsageError:
    return UsageError(f"GITHUB_STEP_SUMMARY: {name!r} cannot be written: {getattr(error, 'strerror', None) or error}")


def _annotation(level: str, result: Result, more: str) -> str:
    properties = {"title": harmless(_line(check_name(result["group"], result["id"]), _NAME))}
    if (source := result["source"]) and not source["file"].startswith("<"):  # standard input is no file
        properties = {"file": harmless(printable(_in_workspace(source["file"]))), "line": str(source["line"]), **properties}
    given = ",".join(f"{name}={_command_text(value, ',:')}" for name, value in properties.items())
    message = [harmless(printable(line)) for line in _cut(result["message"] or result["status"], _MESSAGE * 10).splitlines()]
    return f"::{level} {given}::{_command_text(chr(10).join([*message, *([more] if more else [])]), '')}"


def _command_text(text: str, more: str) -> str:
    """As the runner reads it; in a property colon and comma are special, too."""
    return re.sub(f"[%\r\n{more}]", lambda found: f"%{ord(found[0]):02X}", text)


def _in_workspace(file: str) -> str:
    """The path as the repository has it, where the file is inside of it."""
    workspace = os.environ.get("GITHUB_WORKSPACE", "")
    for absolute in (os.path.abspath, os.path.realpath) if workspace else ():
        shown: str = os.path.relpath(absolute(file), absolute(workspace))
        if not shown.startswith(os.pardir):
            return Path(shown).as_posix()
    return file


def _table(header: str, things: Sequence[T], row: Callable[[T], tuple[str, ...]], limit: int) -> list[str]:
    """The table in an item, or no item; what is beyond the limit is counted."""
    if not things:
        return []
    rows = [f"| {' | '.join(row(thing))} |" for thing in things[:limit]]
    more = [f"... and {len(things) - limit} more"] if len(things) > limit else []
    return ["\n".join([f"| {header} |", "|---" * (header.count("|") + 1) + "|", *rows]), *more]


def _folded(title: str, parts: list[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", *parts, "</details>"] if parts else []


def _error_row(cause: Cause) -> tuple[str, ...]:
    return _named(cause.result), _code(cause.result["message"], _MESSAGE), behind(cause), _place(cause.result)


def _warning_row(result: Result) -> tuple[str, ...]:
    return _named(result), _code(result["message"], _MESSAGE), _place(result)


def _behind_row(pair: tuple[Result, Result]) -> tuple[str, ...]:
    return _named(pair[0]), _named(pair[1])


def _time_row(result: Result) -> tuple[str, ...]:
    return _named(result), duration(result["response_time"])


def _named(result: Result) -> str:
    return _code(check_name(result["group"], result["id"]), _NAME)


def _place(result: Result) -> str:
    source = result["source"]
    return _code(f"{source['file']}:{source['line']}", _NAME) if source else ""


def _code(text: str, limit: int) -> str:
    """Foreign text as code, where GitHub looks for no names, numbers of issues or smileys."""
    return f"<code>{_escaped(_line(text, limit))}</code>" if text else ""


def _escaped(text: str) -> str:
    return _STRUCTURE.sub(lambda found: f"&#{ord(found[0])};", text)


def _line(text: str, limit: int) -> str:
    return _cut(printable(_cut(" ".join(text.split()), limit)), limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}..."
