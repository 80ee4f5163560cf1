"""What the terminal says of the checks at the end: root causes, warnings, the slowest, and in one line how they went.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING, Any, TypeAlias

from monitorpy.reporting.causes import behind, headline
from monitorpy.reporting.explain import duration, harmless, printable
from pytest_monitorpy.report import counts, is_warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from monitorpy.reporting.causes import Cause
    from pytest_monitorpy.report import Recorder

Found: TypeAlias = "tuple[str, dict[str, Any]]"
"""Node id and result of a check."""

_CAUSES, _WARNINGS, _SLOWEST = 10, 50, 5
"""Lines of each section, at most."""

_ENOUGH = 10
"""Checks from which on it is of use to list the slowest."""

_WIDTH = 300
"""Characters of a message that are shown; all of it is in the failure's own text, or comes with -rx."""


def summarize(terminal: pytest.TerminalReporter, recorder: Recorder) -> None:
    """Write it all; with -q not the slowest, with -q -q nothing."""
    results = recorder.results
    if terminal.config.get_verbosity() < -1:
        return
    _write_causes(terminal, results, recorder.causes())
    _write_unexplained(terminal, recorder.unexplained())
    _write_warnings(terminal)
    if terminal.config.get_verbosity() > -1:
        _write_slowest(terminal, results)
    if results:
        terminal.write_line(_shown(_line(results)))


def _write_causes(terminal: pytest.TerminalReporter, results: Sequence[Found], causes: Sequence[Cause]) -> None:
    """Nothing where each failure stands for itself: pytest lists those anyway."""
    if not (told := headline(causes)):
        return
    names = {id(result): nodeid for nodeid, result in results}
    terminal.write_sep("=", "monitorpy root causes", red=True, bold=True)
    terminal.write_line(told)
    for cause in causes[:_CAUSES]:
        more = f" ({told})" if (told := behind(cause)) else ""
        _write(terminal, "CAUSE", f"{names[id(cause.result)]} - {_cut(cause.result['message'])}{more}", red=True)
    _write_rest(terminal, len(causes) - _CAUSES)


def _write_unexplained(terminal: pytest.TerminalReporter, names: Sequence[str]) -> None:
    """The checks that were not looked at though what they need passed in the end: they fail the run."""
    if not names:
        return
    terminal.write_sep("=", "monitorpy checks that nobody looked at", red=True, bold=True)
    terminal.write_line("What blocked them failed where no test tells of it: in another process of pytest-xdist, or behind a skip.")
    for name in names[:_CAUSES]:
        _write(terminal, "BLOCKED", name, red=True)
    _write_rest(terminal, len(names) - _CAUSES)


def _write_warnings(terminal: pytest.TerminalReporter) -> None:
    """The warnings, unless -rx lists them."""
    warned = [report for report in terminal.stats.get("xfailed", []) if is_warning(report)]
    if not warned or terminal.hasopt("x"):
        return
    terminal.write_sep("=", "monitorpy warnings", yellow=True, bold=True)
    for report in warned[:_WARNINGS]:
        _write(terminal, "WARNED", f"{report.nodeid} - {_cut(report.wasxfail.removeprefix('warning: '))}", yellow=True)
    _write_rest(terminal, len(warned) - _WARNINGS, " (-rx lists all)")


def _write_slowest(terminal: pytest.TerminalReporter, results: Sequence[Found]) -> None:
    """The slowest checks, unless there are few or --durations lists the slowest of all tests."""
    timed = [(result["response_time"], nodeid) for nodeid, result in results if result["attempts"]]
    if len(timed) < _ENOUGH or terminal.config.getoption("durations") is not None:
        return
    terminal.write_sep("=", "monitorpy slowest checks")
    for seconds, nodeid in nlargest(_SLOWEST, timed):
        terminal.write_line(f"{duration(seconds):>8} {_shown(nodeid)}")


def _line(results: Sequence[Found]) -> str:
    told = [f"{number} {name}" for name, number in counts(result for _, result in results).items() if number]
    nodeid, slowest = max(results, key=lambda found: found[1]["response_time"] or 0)
    seconds = slowest["response_time"] or 0
    end = f"; slowest {nodeid} {seconds * 1000:.0f} ms" if seconds else ""
    return f"monitorpy: {len(results)} check{'s' if len(results) > 1 else ''}: {', '.join(told)}{end}"


def _write(terminal: pytest.TerminalReporter, word: str, text: str, **colour: bool) -> None:
    terminal.write(word, **colour)
    terminal.write_line(f" {_shown(text)}")


def _write_rest(terminal: pytest.TerminalReporter, number: int, hint: str = "") -> None:
    if number > 0:
        terminal.write_line(f"... and {number} more{hint}")


def _cut(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]}..."


def _shown(text: str) -> str:
    """The text as it can neither steer a terminal nor form a command of a CI's log."""
    return harmless(printable(text))
