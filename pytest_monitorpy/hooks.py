"""The hooks that a conftest.py or another plugin may implement.

PYTEST_DONT_REWRITE: arguments are passed by name; an implementation takes those it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from monitorpy.core.registry import Registry
    from monitorpy.core.result import CheckResult
    from monitorpy.core.spec import CheckSpec


@pytest.hookspec(historic=True)
def pytest_monitorpy_register(registry: Registry) -> None:
    """Register plugins: ``registry.register("name", Class)``. Called once for each conftest.py and plugin, late ones too."""


@pytest.hookspec
def pytest_monitorpy_modify_checks(config: pytest.Config, checks: list[CheckSpec]) -> None:
    """Reorder, drop, add or replace the checks of one file, in place, before they become items."""


@pytest.hookspec(firstresult=True)
def pytest_monitorpy_check_result(item: pytest.Item, check: CheckSpec, result: CheckResult) -> CheckResult | None:
    """Return another result (a maintenance window, say), or None to leave it; called in the main thread before it is judged."""
