"""Custom checks as fixtures, and checks inside Python tests.

PYTEST_DONT_REWRITE: loaded in every pytest run, so the engine is imported only when a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from monitorpy.core.result import CheckResult

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

FIXTURE_PREFIX = "monitorpy_plugin_"
"""What the name of a fixture that is a check type begins with."""

WARNINGS = pytest.StashKey[list[str]]()
"""On a Python test's item: the warnings that its `monitorpy_check` calls ended in."""


def monitorpy_fixture(name: str, **fixture_options: Any) -> Callable[[FunctionT], Any]:
    """Make a fixture a check type: ``plugin: NAME`` in check files.

    The fixture returns a function ``(config: dict) -> CheckResult``, or the CheckResult itself (it can read the config from
    the fixture ``monitorpy_config``). ``fixture_options`` are those of ``pytest.fixture``, ``scope`` for one.
    """
    if not isinstance(name, str):
        raise TypeError('use @monitorpy_fixture("name"): check files name the check by it')
    decorate: Callable[[FunctionT], Any] = pytest.fixture(name=FIXTURE_PREFIX + name, **fixture_options)
    return decorate


@pytest.fixture
def monitorpy_config(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The ``config`` of the check that is running, for fixtures that are checks."""
    if not getattr(request.node, "is_monitorpy_check", False):
        pytest.fail("the fixture monitorpy_config is for checks of check files; a Python test has no check's config", pytrace=False)
    return dict(request.node.spec.config)


@pytest.fixture
def monitorpy_check(request: pytest.FixtureRequest) -> PythonCheck:
    """Run a check in a Python test: ``monitorpy_check("website_status", url=...)``.

    An error fails the test at that line, a warning lets it go on and marks it WARNED; returns the CheckResult.
    ``monitorpy_check.run(...)`` only returns the result.
    """
    return PythonCheck(request)


class PythonCheck:
    """What the fixture ``monitorpy_check`` gives."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._node = request.node
        self._config = request.config
        self._warnings: list[str] = []
        request.node.stash[WARNINGS] = self._warnings

    def __call__(self, plugin: str, config: Mapping[str, Any] | None = None, /, **more: Any) -> CheckResult:
        """Run a check and judge it; the config is a mapping, keywords, or both."""
        __tracebackhide__ = True
        from pytest_monitorpy.outcome import CheckFailed, first_line
        from pytest_monitorpy.state import STATE

        result = self.run(plugin, config, **more)
        if result.is_error() or (result.is_warning() and self._config.stash[STATE].settings.strict):
            raise CheckFailed("\n".join(self._explain(plugin, {**(config or {}), **more}, result)))
        if result.is_warning():
            self._warnings.append(first_line(result))
        return result

    def run(self, plugin: str, config: Mapping[str, Any] | None = None, /, **more: Any) -> CheckResult:
        """Run a check and return its result, whatever it is."""
        from monitorpy.core.execution import execute
        from monitorpy.core.spec import CheckSpec

        return execute(CheckSpec(id=self._node.name, plugin=plugin, config={**(config or {}), **more}))

    def _explain(self, plugin: str, config: dict[str, Any], result: CheckResult) -> list[str]:
        from monitorpy.core.spec import CheckSpec
        from monitorpy.reporting.explain import explain, shown_config

        parts = explain(result, shown_config(CheckSpec(id=self._node.name, plugin=plugin, config=config)))
        return [f"{plugin} check: {parts.verdict[0]}", *parts.verdict[1:], *(f"    {line}" for line in (*parts.config, *parts.crash))]
