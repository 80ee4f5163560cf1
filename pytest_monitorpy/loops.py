"""The event loops of async fixtures: a check that is a coroutine has to run where the fixtures live that it was made of.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from monitorpy.core import coroutines
from monitorpy.errors import ConfigError, ConfigIssue
from pytest_monitorpy import compat, custom

if TYPE_CHECKING:
    import pytest

    from monitorpy.net.deadline import Deadline
    from pytest_monitorpy.custom import Fixture

_ANYIO = "anyio"
_PIP = "pip install 'pytest-asyncio>=1.1'"


def home(config: pytest.Config, fixture: Fixture, fixtures: Sequence[Fixture]) -> str | None:
    """What runs an async fixture that is one of those: the loop of a scope of pytest-asyncio, or "anyio"; None if nothing does."""
    if _has_asyncio(config) and (scope := compat.loop_scope(fixture, config)) is not None:
        return scope
    return _ANYIO if _has_anyio(config) and any(f.argname == "anyio_backend" for f in fixtures) else None


def advice(config: pytest.Config) -> str:
    """What to do about an async fixture that nothing runs."""
    if _has_asyncio(config):
        return "decorate it with @pytest_asyncio.fixture, or set asyncio_mode = auto"
    return f"{_PIP}, or let it use the fixture anyio_backend" if _has_anyio(config) else _PIP


def awaited(request: pytest.FixtureRequest, fixtures: Sequence[Fixture], awaitable: Awaitable[Any], deadline: Deadline) -> Any:
    """What it returns, from the loop of those fixtures; from one of its own where none of them is async."""
    if not any(map(custom.is_async, fixtures)):
        return coroutines.awaited(awaitable, deadline)
    try:
        chosen = _loop_of(request.config, fixtures)
        return _in_anyio(request, awaitable, deadline) if chosen == _ANYIO else _in_asyncio(request, chosen, awaitable, deadline)
    finally:
        if isinstance(awaitable, Coroutine):
            awaitable.close()  # where it was not even begun


def _loop_of(config: pytest.Config, fixtures: Sequence[Fixture]) -> str | None:
    """Where all of the fixtures live; where they do not agree the first one, of which the others are part, has the say."""
    homes = {home(config, fixture, fixtures): fixture for fixture in fixtures if custom.is_async(fixture)}
    if len(homes) > 1 and not custom.is_async(fixtures[0]):
        told = ", ".join(f"{custom.shown(fixture)} on {where}" for where, fixture in homes.items())
        raise ConfigError(
            ConfigIssue(
                (), f"the check's fixtures live on several event loops: {told}; give them one loop_scope, or make its own fixture async"
            )
        )
    return next(iter(homes))


def _in_asyncio(request: pytest.FixtureRequest, scope: str | None, awaitable: Awaitable[Any], deadline: Deadline) -> Any:
    from pytest_monitorpy import asyncio_loops

    plugins = request.config.pluginmanager
    if not plugins.is_registered(asyncio_loops):
        plugins.register(asyncio_loops)
    loop = request.getfixturevalue(f"monitorpy_{scope}_loop")
    task = loop.create_task(coroutines.within(awaitable, deadline))
    try:
        return loop.run_until_complete(task)
    finally:
        task.cancel()  # where something interrupted the loop


def _in_anyio(request: pytest.FixtureRequest, awaitable: Awaitable[Any], deadline: Deadline) -> Any:
    import anyio

    async def within() -> Any:
        result = None
        with anyio.move_on_after(deadline.left()) as scope:
            result = await awaitable
        return coroutines.late(deadline) if scope.cancel_called else result

    return compat.in_anyio_runner(request.getfixturevalue("anyio_backend"), within)


def _has_anyio(config: pytest.Config) -> bool:
    return any(map(config.pluginmanager.hasplugin, ("anyio", "anyio.pytest_plugin")))  # the second by -p, without entry points


def _has_asyncio(config: pytest.Config) -> bool:
    """Whether pytest-asyncio is active, and sees async fixtures that no async test uses."""
    if not any(map(config.pluginmanager.hasplugin, ("asyncio", "pytest_asyncio.plugin"))):
        return False
    from pytest_asyncio import __version__

    return tuple(map(int, __version__.split(".")[:2])) >= (1, 1)
