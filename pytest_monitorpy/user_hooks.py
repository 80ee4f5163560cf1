"""Calls of the hooks that users implement (hooks.py); what they return is taken only if it is what was asked for.

changed_checks.py has those of the collection, exports.py that of the controller.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitorpy.core.execution import finished
from monitorpy.core.result import CheckResult
from monitorpy.reporting.explain import full_masker, harmless, printable
from pytest_monitorpy import compat

if TYPE_CHECKING:
    from pluggy import HookCaller

    from monitorpy.core.spec import CheckSpec

OUTCOMES = (Exception, SystemExit, pytest.skip.Exception, pytest.fail.Exception)
"""What an implementation may raise that is about its check; anything else (Ctrl-C) is about the run."""


def set_up(item: pytest.Item, check: CheckSpec) -> None:
    """Tell that the check is about to start; raises what an implementation raises."""
    hook = in_reach(item, "check_setup")
    if hook is not None and (returned := hook(item=item, check=check)):
        pytest.fail(f"{named(hook, item.config)} must return nothing, not {kind(returned[0])}", pytrace=False)


def final_result(item: pytest.Item, check: CheckSpec, result: CheckResult) -> CheckResult:
    """The result to judge: another one, if a hook gives it, or this one, which a hook had in its hands; finished as every result is."""
    hook = in_reach(item, "check_result")
    if hook is None:
        return result
    if (changed := hook(item=item, check=check, result=result)) is None:
        changed = result
    if not isinstance(changed, CheckResult):
        pytest.fail(f"{named(hook, item.config)} must return a CheckResult or None, not {kind(changed)}", pytrace=False)
    if changed.is_error():
        changed = changed.changed(fault=changed.fault or "target")
    elif not result.is_warning():  # whoever softens an error need not think of its fault
        changed = changed.changed(fault=None)
    masker = check.masker if changed is result else full_masker(check)
    try:
        return finished(replace(check, severity="error", masker=masker), changed)
    except Exception as error:  # noqa: BLE001 - fields of whatever type
        broken = error
    pytest.fail(f"the CheckResult of {named(hook, item.config)} cannot be used: {broken}", pytrace=False)


def failure_text(item: pytest.Item, check: CheckSpec, result: CheckResult) -> tuple[list[str], list[str]]:
    """The lines that a hook wants shown for a failure (none: the usual ones), and those of its crash; masked and harmless."""
    hook = in_reach(item, "failure_repr")
    if hook is None:
        return [], []
    own, crash = "", ""
    try:
        given = hook(item=item, result=result)
        if given is None:
            return [], []
        if isinstance(given, str):
            own = given
        else:
            crash = f"{named(hook, item.config)} must return a str or None, not {kind(given)}"
    except OUTCOMES as raised:
        crash = str(compat.crash_repr(raised))
    masker = full_masker(check)
    shown, broken = ([harmless(printable(line)) for line in masker.text(text).splitlines()] for text in (own, crash))
    return shown, broken


def in_reach(node: pytest.Item | pytest.Collector, name: str) -> HookCaller | None:
    """One of our hooks with the implementations that are in reach of the node; None where there are none.

    Files outside of the root directory, and standard input, are in reach of its conftest.py, as they are of its fixtures.
    """
    name = f"pytest_monitorpy_{name}"
    everywhere: HookCaller = getattr(node.config.hook, name)
    if not (implementations := everywhere.get_hookimpls()):
        return None
    hook: HookCaller = getattr(node.ihook, name)
    if not node.path.is_relative_to(node.config.rootpath):
        near = [impl.plugin for impl in hook.get_hookimpls()]
        root = str(node.config.rootpath / "conftest.py")
        far = [impl.plugin for impl in implementations if impl.plugin not in near and impl.plugin_name != root]
        hook = node.config.pluginmanager.subset_hook_caller(name, far)
    return hook if hook.get_hookimpls() else None


def named(hook: HookCaller, config: pytest.Config) -> str:
    """The hook and who implements it; which of several it was, pluggy does not tell."""
    names = [impl.plugin_name for impl in hook.get_hookimpls()]
    shown = [os.path.relpath(name, config.invocation_params.dir) if os.path.isabs(name) else name for name in names]  # noqa: PTH117
    return f"{hook.name} ({', '.join(shown)})"


def kind(value: object) -> str:
    """The type, and the value where it cannot hold a secret."""
    return f"bool {value}" if isinstance(value, bool) else type(value).__name__
