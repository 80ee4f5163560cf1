"""From a CheckResult to what pytest reports: passed, WARNED, failed, skipped.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from monitorpy.core.plain import to_plain
from monitorpy.core.plugin_base import MonitorPlugin, target_in
from monitorpy.core.result import CheckResult, SkippedCheck
from monitorpy.reporting.explain import explain, full_masker, harmless, printable, shown_config
from pytest_monitorpy import compat, user_hooks
from pytest_monitorpy.prefetch import prefetcher
from pytest_monitorpy.state import STATE

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from pytest_monitorpy.fixtures import Warned
    from pytest_monitorpy.item import CheckItem

_LINE = 470
"""Characters: pytest cuts a message in JUnit's XML at 500, with "failed on teardown with" around it."""

_COMMAND = re.compile(r"(?<=\s):(?=:[\w-]+.*::)")
"""One of GitHub within a line: ``pytest -vv`` breaks lines where there is a space. An address such as ::1 is none."""


class CheckFailed(AssertionError):  # noqa: N818 - the name is what people read in their reports
    """A check found its target bad. An AssertionError, or reports such as Allure's would call it broken."""

    __module__ = "monitorpy"


class CheckBroken(Exception):  # noqa: N818 - as above
    """A check could not tell how its target is: a plugin crashed, the config is wrong, there is no network here. Allure says "broken"."""

    __module__ = "monitorpy"


class CheckWarning(Exception):  # noqa: N818 - it is no error: the test counts as passed with a warning
    """A check ended in a warning; nobody outside this package sees it."""

    __module__ = "monitorpy"


OURS = CheckFailed | CheckBroken | CheckWarning


def judge(item: CheckItem, result: CheckResult) -> None:
    """Raise what makes pytest report the result; nothing for a success."""
    _set_properties(item, result)
    message = first_line(result)
    if result.is_warning():
        raise (CheckFailed if item.config.stash[STATE].settings.strict else CheckWarning)(message)
    if result.is_error():
        if result.fault == "blocked" and prefetcher(item.session).root_is_reported(item.spec, result):
            pytest.skip(message)
        raise failure(result, message)


def failure(result: CheckResult, message: str) -> Exception:
    """What to raise for an error."""
    return (CheckFailed if result.fault in {None, "target", "blocked"} else CheckBroken)(message)


def first_line(result: CheckResult) -> str:
    """The message on one line: what summaries show."""
    return one_line(result.message) or result.status


def one_line(text: str) -> str:
    """The text on one line that is not too long for a summary or for JUnit, and holds nothing that a terminal or a CI would obey."""
    line = _COMMAND.sub(r"\\x3a", harmless(printable(" ".join(text.split()))[: _LINE + 1]))
    return line if len(line) <= _LINE else f"{line[: _LINE - 3]}..."


def shape_report(item: CheckItem, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Put the check's own time, data and, for a warning, outcome on pytest's report; mask what was printed meanwhile, by any check."""
    if report.sections:
        masker = item.config.stash[STATE].masker
        report.sections = [(name, masker.text(text)) for name, text in report.sections]
    if report.passed and report.when != "call":
        return
    result = item.result if report.when == "call" else None
    if result is not None:
        report.duration = result.response_time
        report.stop = report.start + report.duration
    if call.excinfo is not None and isinstance(call.excinfo.value, CheckWarning):
        as_warning(report, str(call.excinfo.value))
    if report.skipped and isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        if path.startswith(compat.INTERNAL):  # our own pytest.skip(), not that of a fixture
            path, line = str(item.reportinfo()[0]), item.reportinfo()[1] + 1
        report.longrepr = (path, line, one_line(reason))
    if report.when == "call" or (report.when == "setup" and not report.passed):
        report.monitorpy = {"order": item.order, "excused": item.excused, **_data(item, call, report)}  # type: ignore[attr-defined]


def shape_python_report(warned: Warned, report: pytest.TestReport) -> None:
    """Report a Python test as WARNED when its checks warned and nothing failed; each of its subtests is reported before it."""
    if report.failed:
        warned.failed = True
    elif report.passed and warned.over and warned.texts and not warned.failed:
        as_warning(report, "; ".join(warned.texts))
        report.monitorpy = {"warnings": warned.texts}  # type: ignore[attr-defined]


def add_results(judged: list[CheckResult], report: pytest.TestReport) -> None:
    """Put on the report of a phase of a Python test what its checks found."""
    results = [result.to_dict() for result in judged]
    report.monitorpy = {**getattr(report, "monitorpy", {}), "results": results}  # type: ignore[attr-defined]
    judged.clear()


def as_warning(report: pytest.TestReport, message: str) -> None:
    """Report as pytest reports an expected failure: exit code 0, and every other plugin knows what it is.

    ``pytest.xfail()`` would not do: --runxfail makes a success of it.
    """
    report.outcome = "skipped"
    report.wasxfail = f"warning: {message}"


def text(item: CheckItem, result: CheckResult, message: str) -> TerminalRepr:
    """The failure as it is shown: what was asked, the verdict, the place in the check file; no Python frames but a crashed plugin's own."""
    style = item.config.getoption("tbstyle", "auto")  # -p no:terminal
    failed = result.is_error() or item.config.stash[STATE].settings.strict
    own, crash = user_hooks.failure_text(item, item.spec, result) if failed else ([], [])
    lines = [*crash, *([f"E   {line}" for line in own] or _lines(item, result, style))]
    return compat.failure_repr([] if style == "line" else lines, *place(item), message, result.status)


def place(item: CheckItem) -> tuple[str, int]:
    """The place in the check file."""
    source = item.spec.source
    return (source.file, source.line) if source is not None else (str(item.path), 1)


def _lines(item: CheckItem, result: CheckResult, style: str) -> list[str]:
    parts = explain(result, shown_config(item.spec), details=item.config.get_verbosity() > 1)
    config = [] if style == "short" else [f"    {line}" for line in parts.config]
    lines = [*config, *(f"E   {line}" for line in parts.verdict), *(f"    {line}" for line in parts.raw)]
    return [*parts.crash, *map(harmless, lines)]


def target_of(item: CheckItem, result: CheckResult | None) -> str:
    """What the check looks at, in one word."""
    seen = result.target if result is not None else None
    return item.spec.masker.text(seen or target_in(item.spec.config, MonitorPlugin.target_keys) or "")


def without_secrets(item: CheckItem, error: BaseException) -> BaseException:
    """The exception, or one that looks like it, with a message that can be shown as it is."""
    if isinstance(error, OURS):  # the message of a result is masked
        return error
    masker, message = full_masker(item.spec), "\n".join([str(error), *getattr(error, "__notes__", ())])
    if not masker or masker.text(message) == message:
        return error
    if isinstance(error, pytest.skip.Exception | pytest.fail.Exception | pytest.xfail.Exception):
        error.msg = masker.text(str(error.msg))
        return error
    base = AssertionError if isinstance(error, AssertionError) else Exception
    hidden: BaseException = type(type(error).__name__, (base,), {"__module__": type(error).__module__})(masker.text(message))
    hidden.__cause__, hidden.__context__, hidden.__suppress_context__ = error.__cause__, error.__context__, error.__suppress_context__
    return hidden.with_traceback(error.__traceback__)


def _data(item: CheckItem, call: pytest.CallInfo[None], report: pytest.TestReport) -> dict[str, Any]:
    """What travels on the report, from an xdist worker too: plain JSON only."""
    spec, result = item.spec, item.result if report.when == "call" else None
    raised = None if call.excinfo is None else call.excinfo.value
    signature: dict[str, Any] = {"plugin": spec.plugin, "tags": spec.tags, "group": spec.group, "source": spec.source}
    if result is not None:
        found = result.to_dict()
    elif report.skipped or isinstance(raised, pytest.xfail.Exception):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(raised)
        found = SkippedCheck(spec.id, message=reason.removeprefix("Skipped: "), **signature).to_dict()
    else:
        message = f"the test failed in {report.when}: {_crash_message(report)}"
        found = CheckResult.error(message, id=spec.id, fault="plugin", **signature).to_dict()
    plain = found if result is not None else to_plain(spec.masker.plain(found))  # execute() gives plain, masked data
    return {"target": to_plain(target_of(item, result)), "result": plain}


def _crash_message(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message) if crash is not None else report.longreprtext.strip()
    return printable(text.splitlines()[-1] if text else "no reason given")


def _set_properties(item: CheckItem, result: CheckResult) -> None:
    """JUnit properties; set anew by a rerun."""
    target = target_of(item, result)
    values = {
        "type": result.plugin,
        "status": result.status,
        "message": first_line(result),
        "response_time": result.response_time,
        "target": target or None,
        "fault": result.fault,
    }
    item.user_properties[:] = [p for p in item.user_properties if not p[0].startswith("monitorpy.")]
    item.user_properties += [(f"monitorpy.{name}", value) for name, value in values.items() if value is not None]
