"""Every private name of pytest and pytest-xdist that is used, in one place; what can be done without is guarded.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import _pytest
import pluggy
from _pytest._code.code import ExceptionInfo, ExceptionRepr, ReprEntry, ReprExceptionInfo, ReprFileLocation, ReprTraceback, Traceback
from _pytest.fixtures import TopRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    import pytest
    from _pytest._code.code import TerminalRepr

T = TypeVar("T")

INTERNAL = (
    *(f"{Path(file or '').parent}/" for file in (_pytest.__file__, pluggy.__file__, __file__)),
    f"{Path(__file__).parents[1]}/monitorpy/",
)
"""Where frames come from that say nothing to a user."""


def stop_rewriting(pluginmanager: pytest.PytestPluginManager) -> None:
    """Take our packages off pytest's list of modules to rewrite.

    pytest rewrites every module of a distribution that has a pytest plugin; MonitorPy's engine is in ours and has no
    test's asserts, so that would only cost start-up time.
    """
    with suppress(Exception):
        hook: Any = pluginmanager.rewrite_hook
        hook._must_rewrite.difference_update({"monitorpy", "pytest_monitorpy"})  # noqa: SLF001
        hook._marked_for_rewrite_cache.clear()  # noqa: SLF001


def add_initial_paths(config: pytest.Config, paths: list[str]) -> None:
    """Name the files as if they were positional, so that the conftest.py files beside them load first and may add options."""
    with suppress(Exception):
        known = config.known_args_namespace
        if paths:  # without a positional path, pytest would have looked in the current directory
            known.file_or_dir = [*(known.file_or_dir or [str(config.invocation_params.dir)]), *paths]


def let_go_of_stdin(config: pytest.Config) -> None:
    """Make sys.stdin readable; capturing takes it back by itself when the session starts."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend_global_capture(in_=True)


def set_fixture_info(item: pytest.Item, asked: tuple[str, ...], known: dict[tuple[str, ...], Any]) -> None:
    """Give an item that is no function its fixtures, by the recipe of pytest's own DoctestItem.

    What pytest finds out about them holds for all items of a collector that ask for the same fixtures by name, as it does
    for the items of one parametrized function; ``known`` keeps it.
    """
    node = cast("Any", item)
    if (info := known.get(asked)) is None:
        info = known[asked] = node.session._fixturemanager.getfixtureinfo(node=node, func=None, cls=None)  # noqa: SLF001
    node._fixtureinfo = info  # noqa: SLF001
    node.fixturenames = list(info.names_closure)  # conftests append to it


def new_request(item: pytest.Item) -> None:
    """Start over with the item's fixtures: each run of an item has its own request."""
    node = cast("Any", item)
    node.funcargs = {}
    node._request = TopRequest(node, _ispytest=True)  # noqa: SLF001


def fill_fixtures(item: pytest.Item) -> None:
    cast("Any", item)._request._fillfixtures()  # noqa: SLF001


def closure(item: pytest.Item) -> list[pytest.FixtureDef[Any]]:
    """The fixtures that the item will use, autouse ones included."""
    return [defs[-1] for defs in cast("Any", item)._fixtureinfo.name2fixturedefs.values()]  # noqa: SLF001


def is_asked_for_more(item: pytest.Item) -> bool:
    """Whether somebody has added fixtures to the item since it was made, which `closure` does not know."""
    node = cast("Any", item)
    return bool(node.fixturenames != node._fixtureinfo.names_closure)  # noqa: SLF001


def is_set_up(fixture: pytest.FixtureDef[Any]) -> bool:
    return fixture.cached_result is not None


def fixtures_named(node: pytest.Collector | pytest.Item, name: str) -> Sequence[pytest.FixtureDef[Any]]:
    """The fixtures of that name that can be seen from the node; the last one is used, and may use the one before."""
    return cast("Any", node.session)._fixturemanager.getfixturedefs(name, node) or ()  # noqa: SLF001


def fixtures_anywhere(node: pytest.Collector | pytest.Item) -> dict[str, list[pytest.FixtureDef[Any]]]:
    """All fixtures that are known so far, by name, whether they can be seen from the node or not."""
    manager = cast("Any", node.session)._fixturemanager  # noqa: SLF001
    found = dict(getattr(manager, "_arg2fixturedefs", {}))  # until pytest 9.1
    for name, by_node in getattr(manager, "_arg2node2fixturedefs", {}).items():  # since pytest 9.2
        found[name] = list(chain.from_iterable(by_node.values()))
    return found


def loop_scope(fixture: pytest.FixtureDef[Any], config: pytest.Config) -> str | None:
    """The scope of the event loop that pytest-asyncio runs an async fixture on; None where it leaves the fixture alone."""
    mode = config.getoption("asyncio_mode", None) or config.getini("asyncio_mode")
    if mode != "auto" and not getattr(fixture.func, "_force_asyncio_fixture", False):
        return None
    given = getattr(fixture.func, "_loop_scope", None) or config.getini("asyncio_default_fixture_loop_scope")
    return given if given and given != "fixture-scope" else fixture.scope


def in_anyio_runner(backend: Any, function: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Call a coroutine function where anyio's pytest plugin runs its async fixtures."""
    from anyio.pytest_plugin import extract_backend_and_options, get_runner

    with get_runner(*extract_backend_and_options(backend)) as runner:
        return runner.run_fixture(function, {})


def reruns(item: pytest.Item) -> int:
    """How many reruns pytest-rerunfailures grants the item if it fails."""
    with suppress(Exception):
        if item.config.pluginmanager.hasplugin("rerunfailures"):
            from pytest_rerunfailures import get_reruns_count  # type: ignore[import-untyped]

            return int(get_reruns_count(item) or 0)
    return 0


def handed_out(config: pytest.Config, items: Sequence[pytest.Item], limit: int) -> list[pytest.Item]:
    """The first items that pytest-xdist has sent to this worker and that wait for their turn; none where that cannot be seen."""
    with suppress(Exception):
        for plugin in config.pluginmanager.get_plugins():
            if (queue := getattr(plugin, "torun", None)) is not None:
                return [items[index] for index in _first(queue, limit) if isinstance(index, int)]
    return []


def _first(queue: Any, limit: int) -> list[Any]:
    if hasattr(queue, "lock"):
        with queue.lock() as indexes:
            return list(islice(indexes, limit))
    with queue.mutex:  # pytest-xdist 3.6 has one of Python's
        return list(islice(queue.queue, limit))


def add_suite_property(config: pytest.Config, name: str, value: str) -> None:
    """To JUnit's XML, where it is written; pytest's public fixture does nothing in a worker of pytest-xdist."""
    with suppress(Exception):
        from _pytest.junitxml import xml_key

        config.stash[xml_key].add_global_property(name, value)


def is_successor(worker: Any) -> bool:
    """Whether this worker of pytest-xdist took the place of one that crashed; ``worker`` is its config, or its node in the controller."""
    number = str(worker.workerinput.get("workerid")).removeprefix("gw")
    return number.isdigit() and int(number) >= worker.workerinput["workercount"]


def failure_repr(lines: Sequence[str], path: str, line: int, message: str, status: str) -> TerminalRepr:
    """The text of a failure in the one form that keeps its colour, message and place through xdist and JUnit.

    Without lines it is only the place, as ``--tb=line`` wants it.
    """
    entries = [ReprEntry(list(lines), None, None, ReprFileLocation(path, line, status), "long")] if lines else []
    return ReprExceptionInfo(ReprTraceback(entries, None, "long"), ReprFileLocation(path, line, message))


def own_frames(excinfo: pytest.ExceptionInfo[BaseException]) -> Traceback:
    """The user's own frames; all of them where there are none."""
    own = excinfo.traceback.filter(lambda entry: not str(entry.path).startswith(INTERNAL))
    return own or excinfo.traceback


def crash_repr(crash: BaseException, style: str = "short") -> TerminalRepr:
    """The traceback of a user's code, for where pytest would not show one."""
    excinfo = ExceptionInfo.from_exception(crash)
    excinfo.traceback = own_frames(excinfo)
    return excinfo.getrepr(style=cast("Any", "long" if style == "auto" else style))


def located_repr(shown: str | TerminalRepr, path: str, line: int, tidy: Callable[[str], str]) -> TerminalRepr:
    """A traceback with the place in the check file at its end, and a message for summaries."""
    if isinstance(shown, ExceptionRepr):
        shown.addsection("check file", f"{path}:{line}")
        if shown.reprcrash is not None:
            shown.reprcrash.message = tidy(shown.reprcrash.message)
    return cast("TerminalRepr", shown)


def masked_repr(shown: str | TerminalRepr, mask: Callable[[str], str]) -> TerminalRepr:
    """A failure's text, of whatever form, without secrets."""
    crash = getattr(shown, "reprcrash", None)
    path, line, message = (crash.path, crash.lineno, crash.message) if crash is not None else ("", 0, str(shown))
    lines = mask(str(shown)).splitlines()
    return ReprExceptionInfo(
        ReprTraceback([ReprEntry(lines, None, None, None, "long")], None, "long"), ReprFileLocation(path, line, mask(message))
    )
