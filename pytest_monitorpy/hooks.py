"""The hooks that a conftest.py or another plugin may implement; docs/hooks.md has an example of each.

PYTEST_DONT_REWRITE: arguments are passed by name; an implementation takes those it needs. What it returns is looked at in user_hooks.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from monitorpy.core.registry import Registry
    from monitorpy.core.result import CheckResult, Outcome
    from monitorpy.core.spec import CheckSpec


@pytest.hookspec(historic=True)
def pytest_monitorpy_register(registry: Registry) -> None:
    """Register plugins: ``registry.register("name", Class)``. Called once for each conftest.py and plugin, late ones too."""


@pytest.hookspec(firstresult=True)
def pytest_monitorpy_collect_check(config: pytest.Config, check: CheckSpec) -> CheckSpec | bool | None:
    """Return None to keep a check of a file, False to drop it, or a CheckSpec to take its place."""


@pytest.hookspec
def pytest_monitorpy_modify_checks(session: pytest.Session, config: pytest.Config, checks: list[CheckSpec]) -> None:
    """Reorder, drop, add or replace the checks of one file, in place, before they become items."""


@pytest.hookspec
def pytest_monitorpy_check_setup(item: pytest.Item, check: CheckSpec) -> None:
    """Called in the main thread before a check starts, which may be ahead of its item's turn; a rerun calls it again.

    ``item`` is the check's own test, or the one that needs it where it has none in this run. What is raised, ``pytest.skip()``
    too, is the outcome of the test, and the check does not run.
    """


@pytest.hookspec(firstresult=True)
def pytest_monitorpy_check_result(item: pytest.Item, check: CheckSpec, result: CheckResult) -> CheckResult | None:
    """Return another result (a maintenance window, say), or None to leave it; called in the main thread before it is judged."""


@pytest.hookspec(firstresult=True)
def pytest_monitorpy_failure_repr(item: pytest.Item, result: CheckResult) -> str | None:
    """Return the text to show for a check that fails, or None for the usual one."""


@pytest.hookspec
def pytest_monitorpy_report_check(report: pytest.TestReport, result: Outcome) -> None:
    """Called once for each check, with its final result, in the process that sees every report (the controller of pytest-xdist)."""
