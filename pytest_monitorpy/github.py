"""--monitorpy-github: annotations and a summary of the step, when the run has ended.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import sys

import pytest

from monitorpy.errors import UsageError
from monitorpy.reporting.github import publish, summary_file
from pytest_monitorpy.state import STATE

_OTHERS = ("pytest_github_actions_annotate_failures", "annotate_errors")
"""Names of a plugin that annotates each failure when it happens."""


class GitHubReport:
    """The hook of the process that sees every report. Raises pytest.UsageError when the step's summary could not be written."""

    def __init__(self, config: pytest.Config) -> None:
        self._state = config.stash[STATE]
        self._recorder = self._state.recording()
        try:
            summary_file()
        except UsageError as error:
            raise pytest.UsageError(f"--monitorpy-github: {error}") from None

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if session.config.option.collectonly or not (self._recorder.results or exitstatus):  # nothing was to run
            return
        document, causes, strict = self._recorder.document(), self._recorder.causes(), self._state.settings.strict
        annotated = any(map(session.config.pluginmanager.hasplugin, _OTHERS)) and os.environ.get("GITHUB_ACTIONS") == "true"
        failed = bool(causes) or (strict and document["summary"]["warning"] > 0)
        sys.stdout.write("\n")  # a command is one at the start of a line only
        try:
            publish(document, causes, sys.stdout, strict=strict, annotated=annotated, notes=_notes(exitstatus, failed=failed))
        except UsageError as error:
            sys.stdout.write(f"ERROR: --monitorpy-github: {error}\n")
            session.exitstatus = session.exitstatus or pytest.ExitCode.USAGE_ERROR


def _notes(exitstatus: int, *, failed: bool) -> list[str]:
    """What the results do not tell; ``failed``: a check did."""
    if exitstatus == pytest.ExitCode.INTERRUPTED:  # by Ctrl-C, or by a check file with mistakes
        return ["The run was interrupted; the output of pytest tells why."]
    return [f"pytest ended with exit code {int(exitstatus)}; its output tells why."] if exitstatus and not failed else []
