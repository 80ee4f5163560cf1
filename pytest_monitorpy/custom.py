"""Checks that are made of fixtures: which ones there are, what is wrong with them, and what they give.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeAlias

from monitorpy.core.registry import registry
from monitorpy.core.result import CheckResult
from monitorpy.errors import ConfigError, ConfigIssue
from monitorpy.net.deadline import Deadline
from monitorpy.utils.masking import excerpt
from pytest_monitorpy import compat
from pytest_monitorpy.fixtures import FIXTURE_PREFIX

if TYPE_CHECKING:
    import pytest

    Node: TypeAlias = pytest.Collector | pytest.Item
    Fixture: TypeAlias = pytest.FixtureDef[Any]

FixtureCheck: TypeAlias = Callable[[dict[str, Any], Deadline], Any]

_EXPLICIT = "fixture:"


def fixture_of(plugin: str) -> str | None:
    """The name of the fixture that a check of this plugin is made of; None where the plugin is registered.

    This is the one order of looking up: ``fixture:NAME`` says it all; then the registry; then the fixtures that are check types.
    """
    if plugin.startswith(_EXPLICIT):
        return plugin.removeprefix(_EXPLICIT)
    return None if plugin in registry else FIXTURE_PREFIX + plugin


def hidden_by(node: Node, plugin: str) -> str | None:
    """The warning that a fixture is never used since a plugin is registered under the same name; None if there is no such fixture."""
    hidden = compat.fixtures_named(node, FIXTURE_PREFIX + plugin)
    return f"{shown(hidden[-1])} is not used: there is a plugin of that name, and plugins come first" if hidden else None


def problem(node: Node, plugin: str, is_needed: bool = False) -> str | None:
    """Why no check, or none that other checks need, can be made of the fixture that the name stands for; None if one can."""
    name = fixture_of(plugin) or FIXTURE_PREFIX + plugin
    fixtures = used(node, name)
    if not fixtures:
        return _unknown(node, plugin, name)
    for fixture in fixtures:
        if fixture.params is not None:
            return f"{shown(fixture)} has params, but a check is one test: use matrix in the check file, or override it without them"
        if is_needed and fixture.argname == "monitorpy_config":  # set up for the check that needs it, it would see the config of that one
            return (
                f"other checks need this one, so {shown(fixtures[0])} cannot use monitorpy_config: let it return a function of the config"
            )
        if is_async(fixture):
            from pytest_monitorpy import loops

            if loops.home(node.config, fixture, fixtures) is None:
                return f"{shown(fixture)} is async, and nothing runs it: {loops.advice(node.config)}"
    return None


def used(node: Node, name: str) -> list[Fixture]:
    """The fixture and all that it uses, itself first; none if it cannot be seen from the node."""
    found: list[Fixture] = []
    names = [name]
    for each in names:  # grows while it is walked
        for fixture in reversed(compat.fixtures_named(node, each)):
            found.append(fixture)
            names += [argument for argument in fixture.argnames if argument not in names]
            if each not in fixture.argnames:  # it does not use the one that it overrides
                break
    return found


def is_async(fixture: Fixture) -> bool:
    return iscoroutinefunction(fixture.func) or isasyncgenfunction(fixture.func)


def check_of(request: pytest.FixtureRequest, name: str, value: Any) -> FixtureCheck:
    """The check that a fixture gave: a function of the config, or the result itself."""

    def check(config: dict[str, Any], deadline: Deadline) -> Any:
        found = value(config) if callable(value) else value
        if isinstance(found, Awaitable):
            from pytest_monitorpy import loops

            found = loops.awaited(request, used(request.node, name), found, deadline)
        if not callable(value) and not isinstance(found, CheckResult):
            got = "None" if found is None else f"{type(found).__name__} {excerpt(repr(found), 80)}"
            what = f"the fixture {name.removeprefix(FIXTURE_PREFIX)!r}"
            text = f"{what} must return a CheckResult, or a function that takes the config and returns one, not {got}"
            return CheckResult.error(text, fault="plugin", kind="plugin")
        return found

    return check


def asked_for(request: pytest.FixtureRequest, plugin: str) -> FixtureCheck | None:
    """The check that a Python test asks for by the name of a fixture; None where the plugin is registered."""
    name = fixture_of(plugin)
    if name is None:
        return None
    text = problem(request.node, plugin)
    if text is None and any(map(is_async, used(request.node, name))):
        from monitorpy.core.coroutines import is_running

        if is_running():
            text = f"{plugin!r} needs the event loop of its fixtures, which this async test keeps busy: use it in a test that is not async"
    if text is None:
        return check_of(request, name, request.getfixturevalue(name))

    def refused(_config: dict[str, Any], _deadline: Deadline) -> Any:
        raise ConfigError(ConfigIssue((), text))

    return refused


def shown(fixture: Fixture) -> str:
    """``the fixture 'broker' (sub/conftest.py:12)``."""
    return f"the fixture {fixture.argname.removeprefix(FIXTURE_PREFIX)!r} ({place(fixture)})"


def place(fixture: Fixture) -> str:
    code = getattr(fixture.func, "__code__", None)
    if code is None:
        return str(fixture.func)
    path = os.path.relpath(code.co_filename)
    return f"{code.co_filename if path.startswith(os.pardir) else path}:{code.co_firstlineno}"


def _unknown(node: Node, plugin: str, name: str) -> str:
    known = compat.fixtures_anywhere(node)
    explicit = plugin.startswith(_EXPLICIT)
    what = f"unknown fixture {name!r}" if explicit else f"Plugin {plugin!r} not found in registry"
    if known.get(name):
        return f"{shown(known[name][-1])} cannot be seen from {node.path.name}: it must be in a conftest.py beside or above"
    visible = [each for each in sorted(known) if compat.fixtures_named(node, each)]
    if explicit:
        near = get_close_matches(name, visible, 1)
        rest = "a fixture must be visible from the check file's folder"
    else:
        types = [each.removeprefix(FIXTURE_PREFIX) for each in visible if each.startswith(FIXTURE_PREFIX)]
        choice = sorted({*types, *registry.get_plugin_names()})
        near = get_close_matches(plugin, choice, 1, 0.5)
        rest = f"known: {', '.join(choice)}"
    return f"{what}; did you mean {near[0]!r}?" if near else f"{what}; {rest}"
