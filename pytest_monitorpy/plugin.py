"""The hooks of the pytest plugin; what they do is in the modules beside this one.

PYTEST_DONT_REWRITE: this module is imported in every pytest run of its environment. It must stay light, and whatever
needs the engine is imported inside the hook that needs it.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_monitorpy import compat, hooks, options, state
from pytest_monitorpy.fixtures import monitorpy_check, monitorpy_config
from pytest_monitorpy.options import SUFFIXES
from pytest_monitorpy.state import STATE

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pytest_monitorpy.collect import CheckFileNode
    from pytest_monitorpy.exports import Exports

__all__ = ["monitorpy_check", "monitorpy_config"]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    compat.stop_rewriting(pluginmanager)
    options.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hooks)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    compat.add_initial_paths(early_config, state.initial_paths(early_config))
    early_config.add_cleanup(partial(state.thaw, early_config))  # the first one runs last: after pytest's own search for garbage


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "monitorpy(type, group): a check of a check file, of that plugin and group")
    state.set_up(config)
    if (path := config.stash[STATE].settings.html) is not None:
        from pytest_monitorpy.page import register

        register(config, path, config.stash[STATE].recording())
    if hasattr(config, "workerinput"):
        return
    config.pluginmanager.register(Recording(config), "monitorpy-recording")
    if config.stash[STATE].settings.github:
        from pytest_monitorpy.github import GitHubReport

        config.pluginmanager.register(GitHubReport(config), "monitorpy-github")
    if config.getoption("htmlpath", None):
        from pytest_monitorpy.html import HtmlReport

        found = config.stash[STATE]
        config.pluginmanager.register(HtmlReport(found.recording(), has_checks=bool(found.wanted)), "monitorpy-html")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a worker of pytest-xdist what it cannot find out itself."""
    node.workerinput["monitorpy_exporters"] = state.exporters(node.config)
    stdin = node.config.stash[STATE].stdin
    if stdin is not None:
        node.workerinput["monitorpy_stdin"] = stdin[0]


def pytest_report_header(config: pytest.Config) -> str | None:
    return config.stash[STATE].header()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CheckFileNode | None:
    if not parent.config.stash[STATE].is_check_file(file_path, parent.session):
        return None
    from pytest_monitorpy.collect import check_file

    return check_file(file_path, parent)


def pytest_collection_modifyitems(config: pytest.Config) -> None:
    config.stash[STATE].all_found()


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport) -> None:
    """Tell of a check that took its whole worker process with it: reporters leave out what has no "call" phase."""
    if crashitem.partition("::")[0].endswith(SUFFIXES):
        from pytest_monitorpy.report import crashed

        report.when = "call"
        if not compat.is_successor(report.node):
            report.longrepr = f"{report.longrepr}, or a check that ran ahead of its turn"
        report.monitorpy_crash = True  # type: ignore[attr-defined]
        report.monitorpy = crashed(crashitem, report.longreprtext)  # type: ignore[attr-defined]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controller of pytest-xdist, which collects nothing."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["monitorpy_dropped"] = session.config.stash[STATE].dropped


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    found = node.config.stash[STATE]
    found.dropped = max(found.dropped, getattr(node, "workeroutput", {}).get("monitorpy_dropped", 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash[STATE]
    if found.recorder is not None:
        from pytest_monitorpy.summary import summarize

        summarize(terminalreporter, found.recorder)
    if found.dropped:
        terminalreporter.write_line(f"monitorpy: {found.dropped} check{'s' if found.dropped > 1 else ''} dropped by hooks", yellow=True)


class Recording:
    """The hooks of the process that sees every report: the only one, or the controller of pytest-xdist."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._state = config.stash[STATE]

    @cached_property
    def _exports(self) -> Exports | None:
        """Asked for when reports come: every conftest.py that is going to be is loaded then."""
        if not self._config.hook.pytest_monitorpy_report_check.get_hookimpls():
            return None
        from pytest_monitorpy.exports import Exports

        return Exports(self._config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        """The category stays "xfailed": every other plugin and pytest's own -rx know what to do with it."""
        if report.when != "call" or not hasattr(report, "monitorpy"):
            return None
        from pytest_monitorpy.report import is_warning

        return ("xfailed", "w", ("WARNED", {"yellow": True})) if is_warning(report) else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        if hasattr(report, "monitorpy"):
            self._state.recording().add(report)
        if self._exports is not None:
            self._exports.add(report)
        yield
        if hasattr(report, "monitorpy_crash"):  # pytest-html shows a test only when its teardown is over
            end = pytest.TestReport(report.nodeid, report.location, {}, "passed", None, "teardown")
            self._config.hook.pytest_runtest_logreport(report=end)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._state.recorder is not None:
            from monitorpy import __version__

            compat.add_suite_property(self._config, "monitorpy.version", __version__)
        if session.exitstatus == pytest.ExitCode.OK and (recorder := self._state.recorder) is not None and recorder.unexplained():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if (path := self._state.settings.json) is not None:
            self._state.recording().write(path)
