"""Calls of the hooks that users implement (hooks.py); what they return is taken only if it is what was asked for.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, cast

import pytest

from monitorpy.core.execution import finished
from monitorpy.core.result import CheckResult, Outcome, SkippedCheck
from monitorpy.core.spec import CheckSpec
from monitorpy.errors import Issue
from monitorpy.reporting.explain import full_masker, harmless, printable
from pytest_monitorpy import compat

if TYPE_CHECKING:
    from pluggy import HookCaller

CollectError = pytest.Collector.CollectError

OUTCOMES = (Exception, pytest.skip.Exception, pytest.fail.Exception)
"""What an implementation may raise that is about its check; anything else (Ctrl-C) is about the run."""

_FINAL = ("passed", "failed", "skipped")
"""Outcomes of pytest itself; "rerun" is one of pytest-rerunfailures."""


def checks_of(node: pytest.Collector, loaded: list[CheckSpec]) -> list[CheckSpec]:
    """The checks of a file as the hooks want them. Raises CollectError for what could not be run."""
    collect, modify = node.ihook.pytest_monitorpy_collect_check, node.ihook.pytest_monitorpy_modify_checks
    if not (collect.get_hookimpls() or modify.get_hookimpls()):
        return loaded
    checks = list(_kept(collect, node.config, loaded))
    if returned := modify(session=node.session, config=node.config, checks=checks):
        hint = "change the list in place: checks[:] = [...]"
        raise CollectError(f"{_name(modify, node.config)} must return nothing, not {_kind(returned[0])}; {hint}")
    checks = _adopted(_name(modify, node.config), loaded, checks)
    if issues := list(_mistakes(checks)):
        raise CollectError("\n".join(map(str, sorted(issues))))
    return checks


def dropped(loaded: Sequence[CheckSpec], checks: Sequence[CheckSpec]) -> int:
    """How many checks are gone; one that was renamed still has its place in the file."""
    if checks is loaded:
        return 0
    return (Counter(spec.source for spec in loaded) - Counter(spec.source for spec in checks)).total()


def set_up(item: pytest.Item, check: CheckSpec) -> None:
    """Tell that the check is about to start; raises what an implementation raises."""
    hook = item.ihook.pytest_monitorpy_check_setup
    if returned := hook(item=item, check=check):
        pytest.fail(f"{_name(hook, item.config)} must return nothing, not {_kind(returned[0])}", pytrace=False)


def final_result(item: pytest.Item, check: CheckSpec, result: CheckResult) -> CheckResult:
    """The result to judge: another one, if a hook gives it, signed and masked as every result is."""
    hook = item.ihook.pytest_monitorpy_check_result
    changed = hook(item=item, check=check, result=result)
    if changed is None:
        return result
    if not isinstance(changed, CheckResult):
        pytest.fail(f"{_name(hook, item.config)} must return a CheckResult or None, not {_kind(changed)}", pytrace=False)
    if changed.is_error():
        changed = changed.changed(fault=changed.fault or "target")
    elif not result.is_warning():  # whoever softens an error need not think of its fault
        changed = changed.changed(fault=None)
    try:
        return finished(replace(check, severity="error", masker=full_masker(check)), changed)
    except Exception as error:  # noqa: BLE001 - fields of whatever type
        broken = error
    pytest.fail(f"the CheckResult of {_name(hook, item.config)} cannot be used: {broken}", pytrace=False)


def failure_text(item: pytest.Item, check: CheckSpec, result: CheckResult) -> tuple[list[str], list[str]]:
    """The lines that a hook wants shown for a failure (none: the usual ones), and those of its crash; masked and harmless."""
    hook = item.ihook.pytest_monitorpy_failure_repr
    own, crash = "", ""
    try:
        given = hook(item=item, result=result)
        if given is None:
            return [], []
        if isinstance(given, str):
            own = given
        else:
            crash = f"{_name(hook, item.config)} must return a str or None, not {_kind(given)}"
    except OUTCOMES as raised:
        crash = str(compat.crash_repr(raised))
    masker = full_masker(check)
    shown, broken = ([harmless(printable(line)) for line in masker.text(text).splitlines()] for text in (own, crash))
    return shown, broken


class Exports:
    """Hands final results to pytest_monitorpy_report_check: when a test is over, and will not be run again."""

    def __init__(self, config: pytest.Config) -> None:
        self._hook = config.hook.pytest_monitorpy_report_check
        self._style = config.option.tbstyle
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
        except Exception as crash:  # noqa: BLE001 - an exporter's crash must not end the run, nor get lost
            report.outcome = "failed"
            report.longrepr = compat.crash_repr(crash, self._style)


def _kept(hook: HookCaller, config: pytest.Config, loaded: Sequence[CheckSpec]) -> Iterator[CheckSpec]:
    for check in loaded:
        found = hook(config=config, check=check)
        if isinstance(found, CheckSpec):
            yield replace(found, source=found.source or check.source)
        elif found is None:
            yield check
        elif found is not False:
            raise CollectError(f"{_name(hook, config)} must return None, False or a CheckSpec, not {_kind(found)}; asked for {check.id!r}")


def _adopted(name: str, loaded: Sequence[CheckSpec], checks: Sequence[Any]) -> list[CheckSpec]:
    """The checks with what makes each one of this file: its scope, its secrets, its place."""
    scope, masker = loaded[0].scope, loaded[0].masker
    sources = {spec.id: spec.source for spec in loaded}
    adopted = []
    for place, check in enumerate(checks):
        if not isinstance(check, CheckSpec):
            raise CollectError(f"{name} must leave CheckSpecs in checks, not {_kind(check)} (checks[{place}])")
        if not check.id or not isinstance(cast(object, check.id), str):  # whatever a hook put there
            raise CollectError(f"the id of a check must be text, not {check.id!r}; {name} left it in checks[{place}]")
        source = check.source or sources.get(check.id)
        adopted.append(replace(check, scope=scope, masker=masker | check.masker.secrets, source=source))
    return adopted


def _mistakes(checks: Sequence[CheckSpec]) -> Iterator[Issue]:
    """What the loader refuses, too: ids that are used twice, needs that are not there, circles."""
    known = {spec.id: spec for spec in checks}
    for spec_id, number in Counter(spec.id for spec in checks).items():
        if number > 1:
            yield _issue(known[spec_id], f"the hooks give the id {spec_id!r} to {number} checks: give each its own")
    for spec in checks:
        for need in spec.needs:
            if need not in known:
                yield _issue(spec, f"{spec.id!r} needs {need!r}, which the hooks left out: drop both, or take it out of the needs")
    try:
        TopologicalSorter({spec.id: spec.needs for spec in checks}).prepare()
    except CycleError as found:
        circle = found.args[1]
        yield _issue(known[circle[0]], f"the checks need one another in a circle: {' -> '.join(circle)}")


def _issue(spec: CheckSpec, message: str) -> Issue:
    source = spec.source
    return Issue(source.file, source.line, source.column, message) if source is not None else Issue(spec.scope, 1, 1, message)


def _outcome(data: dict[str, Any]) -> Outcome:
    return SkippedCheck.from_dict(data) if data["status"] == "skipped" else CheckResult.from_dict(data)


def _name(hook: HookCaller, config: pytest.Config) -> str:
    """The hook and who implements it; which of several it was, pluggy does not tell."""
    names = [impl.plugin_name for impl in hook.get_hookimpls()]
    shown = [os.path.relpath(name, config.invocation_params.dir) if os.path.isabs(name) else name for name in names]  # noqa: PTH117
    return f"{hook.name} ({', '.join(shown)})"


def _kind(value: object) -> str:
    """The type, and the value where it cannot hold a secret."""
    return f"bool {value}" if isinstance(value, bool) else type(value).__name__
