"""Custom checks as fixtures, and checks inside Python tests.

PYTEST_DONT_REWRITE: loaded in every pytest run, so the engine is imported only when a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import isasyncgenfunction, iscoroutinefunction, signature
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from monitorpy.core.result import CheckResult
    from monitorpy.core.spec import CheckSpec

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

FIXTURE_PREFIX = "monitorpy_plugin_"
"""What the name of a fixture that is a check type begins with."""

WARNED = pytest.StashKey["Warned"]()
"""On a Python test's item: what its `monitorpy_check` calls ended in."""

JUDGED = pytest.StashKey[list["CheckResult"]]()
"""On a Python test's item: the results of those calls that are on no report yet."""


@dataclass(slots=True)
class Warned:
    """The warnings of a test's checks; whether one of its subtests has failed; whether it is over, and not only a subtest of it."""

    texts: list[str] = field(default_factory=list)
    failed: bool = False
    over: bool = False


def monitorpy_fixture(name: str, **fixture_options: Any) -> Callable[[FunctionT], Any]:
    """Make a fixture a check type: ``plugin: NAME`` in check files.

    The fixture returns a function ``(config: dict) -> CheckResult``, or the CheckResult itself (it can read the config from
    the fixture ``monitorpy_config``). ``fixture_options`` are those of ``pytest.fixture``, ``scope`` for one; of an
    ``async def`` those of ``pytest_asyncio.fixture``, unless it uses ``anyio_backend``.
    """
    if not isinstance(name, str):
        raise TypeError('use @monitorpy_fixture("name"): check files name the check by it')
    if not name or name.startswith("fixture:"):
        raise ValueError(f"a check type's name must not be empty, nor begin with 'fixture:': {name!r}")

    def decorate(function: FunctionT) -> Any:
        make, options = _maker(function, fixture_options)
        return make(name=FIXTURE_PREFIX + name, **options)(function)

    return decorate


def _maker(function: Callable[..., Any], options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The decorator that makes a fixture of the function, and the options that it knows."""
    is_async = iscoroutinefunction(function) or isasyncgenfunction(function)
    if not is_async or "anyio_backend" in signature(function).parameters:
        return pytest.fixture, options
    try:
        from pytest_asyncio import fixture
    except ImportError:  # told when a check file names it: with the place, and what to install
        return pytest.fixture, {key: value for key, value in options.items() if key != "loop_scope"}
    return fixture, options


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
    from pytest_monitorpy import exports, running

    running.start(request.config)
    exports.must_be_heard(request.config)
    return PythonCheck(request)


class PythonCheck:
    """What the fixture ``monitorpy_check`` gives."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._warned = request.node.stash[WARNED] = Warned()
        self._judged: list[CheckResult] = []
        request.node.stash[JUDGED] = self._judged

    def __call__(self, plugin: str, config: Mapping[str, Any] | None = None, /, **more: Any) -> CheckResult:
        """Run a check and judge it; the config is a mapping, keywords, or both."""
        __tracebackhide__ = True
        from pytest_monitorpy import user_hooks
        from pytest_monitorpy.outcome import failure, first_line
        from pytest_monitorpy.state import STATE

        spec = self._spec(plugin, config, more)
        result = user_hooks.final_result(self._request.node, spec, self._run(spec))
        self._judged.append(result)
        if result.is_error() or (result.is_warning() and self._request.config.stash[STATE].settings.strict):
            own, crash = user_hooks.failure_text(self._request.node, spec, result)
            raise failure(result, "\n".join([*(own or _told(spec, result)), *crash]))
        if result.is_warning():
            self._warned.texts.append(first_line(result))
            self._request.node.add_report_section("call", "monitorpy warning", f"{plugin}: {first_line(result)}")
        return result

    def run(self, plugin: str, config: Mapping[str, Any] | None = None, /, **more: Any) -> CheckResult:
        """Run a check and return its result, whatever it is."""
        __tracebackhide__ = True
        return self._run(self._spec(plugin, config, more))

    def _spec(self, plugin: str, config: Mapping[str, Any] | None, more: Mapping[str, Any]) -> CheckSpec:
        from monitorpy.core.spec import CheckSpec

        return CheckSpec(id=self._request.node.name, plugin=plugin, config={**(config or {}), **more})

    def _run(self, spec: CheckSpec) -> CheckResult:
        __tracebackhide__ = True
        from monitorpy.net.deadline import Deadline
        from pytest_monitorpy import custom, inturn, user_hooks
        from pytest_monitorpy.state import STATE

        self._request.config.stash[STATE].register_plugins(self._request.config)
        user_hooks.set_up(self._request.node, spec)
        check = custom.asked_for(self._request, spec.plugin)
        return inturn.run(spec, Deadline.never(), check)


def _told(spec: CheckSpec, result: CheckResult) -> list[str]:
    from monitorpy.reporting.explain import explain, shown_config

    parts = explain(result, shown_config(spec))
    return [f"{spec.plugin} check: {parts.verdict[0]}", *parts.verdict[1:], *(f"    {line}" for line in (*parts.config, *parts.crash))]
