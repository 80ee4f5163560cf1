"""Final results for those who implement pytest_monitorpy_report_check.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import Any

import pytest

from monitorpy.core.result import CheckResult, Outcome, SkippedCheck
from pytest_monitorpy import compat
from pytest_monitorpy.state import exporters
from pytest_monitorpy.user_hooks import OUTCOMES

_FINAL = ("passed", "failed", "skipped")
"""Outcomes of pytest itself; "rerun" is one of pytest-rerunfailures."""


def must_be_heard(config: pytest.Config) -> None:
    """Fail, in a worker of pytest-xdist, where an implementation has been found that the controller does not know."""
    known = getattr(config, "workerinput", {}).get("monitorpy_exporters")
    if known is not None and (unheard := [name for name in exporters(config) if name not in known]):
        pytest.fail(
            f"pytest_monitorpy_report_check in {', '.join(unheard)} would not be called: with pytest-xdist the results are seen by plugins "
            "and by the conftest.py files that pytest reads at its start only; move it to the conftest.py of the root directory",
            pytrace=False,
        )


class Exports:
    """Hands final results to pytest_monitorpy_report_check: when a test is over, and will not be run again."""

    def __init__(self, config: pytest.Config) -> None:
        self._hook = config.hook.pytest_monitorpy_report_check
        self._style = config.getoption("tbstyle", "auto")
        self._waiting: dict[str, list[tuple[pytest.TestReport, Outcome]]] = {}
        self._again: set[str] = set()

    def add(self, report: pytest.TestReport) -> None:
        """Take what the report carries; at the end of the test, what an implementation raises makes the report one of a failure."""
        if report.when == "setup":
            self._waiting.pop(report.nodeid, None)
            self._again.discard(report.nodeid)
        if report.outcome not in _FINAL:
            self._again.add(report.nodeid)
        data = getattr(report, "monitorpy", {})
        results = [data["result"]] if "result" in data else data.get("results", ())
        self._waiting.setdefault(report.nodeid, []).extend((report, _outcome(result)) for result in results)
        if report.when == "teardown":
            for earlier, result in self._waiting.pop(report.nodeid) if report.nodeid not in self._again else ():
                self._hand_over(earlier, result, report)

    def _hand_over(self, earlier: pytest.TestReport, result: Outcome, report: pytest.TestReport) -> None:
        try:
            self._hook(report=earlier, result=result)
        except OUTCOMES as crash:  # it must not end the run, nor get lost
            report.outcome = "failed"
            report.longrepr = compat.crash_repr(crash, self._style)


def _outcome(data: dict[str, Any]) -> Outcome:
    return SkippedCheck.from_dict(data) if data["status"] == "skipped" else CheckResult.from_dict(data)
