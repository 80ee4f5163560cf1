"""What the controller makes of the reports: the summary on the terminal and the JSON document.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from monitorpy.core.result import CheckResult, counted, document

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest


class Recorder:
    """Collects the results from the reports of the items, wherever those ran.

    ``started`` is when the run began, on the monotonic clock.
    """

    def __init__(self, started: float) -> None:
        self._started = started
        self._found: dict[str, dict[str, Any]] = {}

    def add(self, report: pytest.TestReport) -> None:
        """Keep what a check's report carries; that of a rerun replaces the one before."""
        data = report.monitorpy
        if "result" in data:  # a Python test with warnings has none
            self._found[report.nodeid] = data

    @property
    def results(self) -> list[tuple[str, dict[str, Any]]]:
        """(node id, result) of each check, in the order of the files."""
        return [(nodeid, data["result"]) for nodeid, data in sorted(self._found.items(), key=lambda found: found[1]["order"])]

    def document(self) -> dict[str, Any]:
        """The document of ``monitorpy batch --json``."""
        return document([result for _, result in self.results], monotonic() - self._started)

    def write(self, path: Path) -> None:
        from monitorpy.reporting.json_report import rendered

        path.write_text(rendered(self.document()), encoding="utf-8")


def counts(results: Iterable[dict[str, Any]]) -> dict[str, int]:
    """How many ended how; a blocked check counts as blocked only."""
    return counted((result["status"], result["fault"]) for result in results)


def summarize(terminal: pytest.TerminalReporter, recorder: Recorder) -> None:
    """List the warnings, unless -rx does, and tell in one line how the checks went."""
    if terminal.config.get_verbosity() < -1:
        return
    warned = [r for r in terminal.stats.get("xfailed", []) if is_warning(r)]
    if warned and not terminal.hasopt("x"):
        terminal.section("monitorpy warnings", yellow=True, bold=True)
        for report in warned:
            terminal.write("WARNED", yellow=True)
            terminal.write(f" {report.nodeid} - {report.wasxfail.removeprefix('warning: ')}\n")
    if line := _line(recorder.results):
        terminal.write_line(line)


def crashed(nodeid: str, message: str) -> dict[str, Any]:
    """What the report of a check would have carried, had its worker process lived to send it."""
    text = f"the worker process crashed: {' '.join(message.split())}"
    result = CheckResult.error(text, id=nodeid.rpartition("::")[2], fault="plugin").to_dict()
    return {"order": float("inf"), "target": "", "result": result}


def is_warning(report: Any) -> bool:
    """Whether the report of a check, or of a Python test with checks in it, is one of a warning."""
    return hasattr(report, "monitorpy") and getattr(report, "wasxfail", "").startswith("warning: ") and bool(report.skipped)


def _line(results: list[tuple[str, dict[str, Any]]]) -> str:
    if not results:
        return ""
    told = [f"{number} {name}" for name, number in counts(result for _, result in results).items() if number]
    nodeid, slowest = max(results, key=lambda found: found[1]["response_time"] or 0)
    seconds = slowest["response_time"] or 0
    end = f"; slowest {nodeid} {seconds * 1000:.0f} ms" if seconds else ""
    return f"monitorpy: {len(results)} check{'s' if len(results) > 1 else ''}: {', '.join(told)}{end}"
