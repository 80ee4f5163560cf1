"""Our own HTML page, and what it has to tell beside the results: checks that did not run, and what else went wrong.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from monitorpy.checkfile.discovery import looks_like_checks
from monitorpy.checkfile.files import STDIN
from pytest_monitorpy.options import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_monitorpy.report import Recorder

_UNSELECTED = "monitorpy_unselected"
_SOME = 10
"""Failures of other tests that are named."""

_ENDS: dict[int, str] = {
    pytest.ExitCode.INTERRUPTED: "The run was interrupted.",
    pytest.ExitCode.INTERNAL_ERROR: "The run ended with an internal error of pytest.",
    pytest.ExitCode.USAGE_ERROR: "The run ended with a usage error.",
}


def register(config: pytest.Config, path: Path, recorder: Recorder) -> None:
    """Make the page at the end of the run; a worker of pytest-xdist helps the process that does."""
    hooks = WorkerPage(config) if hasattr(config, "workeroutput") else Page(path, recorder, config.rootpath)
    config.pluginmanager.register(hooks, "monitorpy-page")


class WorkerPage:
    """Tells the controller, which collects nothing itself, how many checks were not selected."""

    def __init__(self, config: Any) -> None:
        self._output: dict[str, Any] = config.workeroutput

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._output[_UNSELECTED] = self._output.get(_UNSELECTED, 0) + len(_checks(items))


class Page:
    """The hooks of the process that sees every report."""

    def __init__(self, path: Path, recorder: Recorder, rootpath: Path) -> None:
        self._path = path
        self._recorder = recorder
        self._rootpath = rootpath
        self._selected: dict[str, None] = {}
        self._unselected = 0
        self._broken: dict[str, str] = {}
        self._others: dict[str, None] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._selected.update(dict.fromkeys(_checks(session.items)))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._unselected += len(_checks(items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        ours = {file for file in {nodeid.partition("::")[0] for nodeid in ids} if self._has_checks(file)}
        self._selected.update((nodeid, None) for nodeid in ids if nodeid.partition("::")[0] in ours)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._unselected = max(self._unselected, getattr(node, "workeroutput", {}).get(_UNSELECTED, 0))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._broken[report.nodeid] = report.longreprtext

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and "result" not in getattr(report, "monitorpy", {}):  # a test in Python, or what comes after a check
            self._others[report.nodeid if report.when == "call" else f"{report.nodeid} ({report.when})"] = None

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        from monitorpy.reporting.html_report import html_report

        document = self._recorder.document()
        ran = {nodeid for nodeid, _ in self._recorder.results}
        unrun = [nodeid for nodeid in self._selected if nodeid not in ran]
        notes = self._notes(exitstatus)
        if exitstatus and not notes and not any(document["summary"][bad] for bad in ("warning", "error", "blocked")):
            notes.append(f"pytest ended with exit code {int(exitstatus)}.")
        page = html_report(document, unrun=unrun, notes=notes, unselected=self._unselected)
        self._path.write_text(page, encoding="utf-8")

    def _has_checks(self, file: str) -> bool:
        return file == STDIN or (file.endswith(SUFFIXES) and looks_like_checks(self._rootpath / file))

    def _notes(self, exitstatus: int) -> list[str]:
        notes = [_ENDS[exitstatus]] if exitstatus in _ENDS else []
        notes += [f"{nodeid or 'The tests'} could not be collected:\n{text.strip()}" for nodeid, text in self._broken.items()]
        if self._others:
            more = f", and {len(self._others) - _SOME} more" if len(self._others) > _SOME else ""
            notes.append(f"Failed in the same run, and not shown below: {', '.join([*self._others][:_SOME])}{more}")
        return notes


def _checks(items: Sequence[pytest.Item]) -> list[str]:
    """The node ids of those that are checks."""
    return [item.nodeid for item in items if getattr(item, "is_monitorpy_check", False)]
