"""What the controller makes of the reports: the results of the run, and the JSON document.

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

    from monitorpy.reporting.causes import Cause


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
            self._found[report.nodeid] = {**data, "failed": report.failed}

    @property
    def results(self) -> list[tuple[str, dict[str, Any]]]:
        """(node id, result) of each check, in the order of the files."""
        return [(nodeid, data["result"]) for nodeid, data in sorted(self._found.items(), key=lambda found: found[1]["order"])]

    def causes(self) -> list[Cause]:
        """The root causes of what failed; an error that was expected, or that a hook excused, is none."""
        from monitorpy.reporting.causes import root_causes

        failed = {id(data["result"]) for data in self._found.values() if data["failed"]}
        found = root_causes([result for _, result in self.results if id(result) in failed or result["fault"] == "blocked"])
        return [cause for cause in found if id(cause.result) in failed]

    def unexplained(self) -> list[str]:
        """The checks that are skipped as blocked though nothing that blocks them failed in the end.

        With pytest-xdist the check they need may have failed in one process and passed in another; nobody has looked at their targets.
        """
        from monitorpy.reporting.causes import root_causes

        ends = [(nodeid, data["result"]) for nodeid, data in self._found.items() if not data["failed"]]
        names = {id(result): nodeid for nodeid, result in ends if result["fault"] == "blocked"}
        if not names:
            return []
        excused = {"status": "error", "fault": "target"}
        found = root_causes([{**data["result"], **excused} if data.get("excused") else data["result"] for data in self._found.values()])
        rootless = [cause for cause in found if cause.result["fault"] == "blocked"]
        return [names[id(each)] for cause in rootless for each in (cause.result, *cause.failing, *cause.blocked) if id(each) in names]

    def document(self) -> dict[str, Any]:
        """The document of ``monitorpy batch --json``."""
        return document([result for _, result in self.results], monotonic() - self._started)

    def write(self, path: Path) -> None:
        from monitorpy.reporting.json_report import rendered

        path.write_text(rendered(self.document()), encoding="utf-8")


def counts(results: Iterable[dict[str, Any]]) -> dict[str, int]:
    """How many ended how; a blocked check counts as blocked only."""
    return counted((result["status"], result["fault"]) for result in results)


def crashed(nodeid: str, message: str) -> dict[str, Any]:
    """What the report of a check would have carried, had its worker process lived to send it."""
    text = f"the worker process crashed: {' '.join(message.split())}"
    result = CheckResult.error(text, id=nodeid.rpartition("::")[2], fault="plugin").to_dict()
    return {"order": float("inf"), "target": "", "result": result}


def is_warning(report: Any) -> bool:
    """Whether the report of a check, or of a Python test with checks in it, is one of a warning."""
    return hasattr(report, "monitorpy") and getattr(report, "wasxfail", "").startswith("warning: ") and bool(report.skipped)
