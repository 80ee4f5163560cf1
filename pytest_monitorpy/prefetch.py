"""Checks run ahead of their items: the native runner works on threads while pytest reports one item after the other.

Only checks that cannot notice run ahead. One that uses a function-scoped fixture, is made of a fixture, or needs such a
check runs in the main thread in its turn; one that uses a fixture of wider scope waits until that is set up. While a
function-scoped fixture or a Python test is active (it may patch the environment), nothing else runs.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import gc
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import pytest

from monitorpy.core.batch_runner import Runner
from monitorpy.core.schedule import unrun
from monitorpy.net.deadline import Deadline
from pytest_monitorpy import compat, inturn
from pytest_monitorpy.needs import Needs
from pytest_monitorpy.setups import Setups
from pytest_monitorpy.state import STATE

if TYPE_CHECKING:
    from concurrent.futures import Future

    from monitorpy.core.result import CheckResult
    from monitorpy.core.spec import CheckSpec
    from pytest_monitorpy.item import CheckItem

_WINDOW = 4
"""Checks under way or waiting for their item, per thread: -x must not waste more than that."""


_MAY_SKIP = frozenset(("skip", "skipif", "xfail"))  # xfail(run=False)


def prefetcher(session: pytest.Session) -> Prefetcher:
    """The one of this run, made when it is first needed."""
    state = session.config.stash[STATE]
    if state.prefetcher is None:
        processes = getattr(session.config, "workerinput", {}).get("workercount", 1)
        state.prefetcher = Prefetcher(session.config, session.items, processes)
    return state.prefetcher


@contextmanager
def run_ahead(session: pytest.Session) -> Iterator[None]:
    """Start the checks of the session before their items' turns, and leave none behind, however the session ends."""
    runner = prefetcher(session)
    gc.freeze()  # what was collected lives as long as the session does: no need to look through it again and again for garbage
    session.config.stash[STATE].frozen = True
    try:
        if not hasattr(session.config, "workerinput"):  # a worker of pytest-xdist learns bit by bit what it shall run
            runner.plan(session.items)
        yield
    finally:
        runner.stop("the test session has ended")


def _checks(items: Iterable[pytest.Item]) -> Iterator[CheckItem]:
    return (cast("CheckItem", item) for item in items if getattr(item, "is_monitorpy_check", False))


class Prefetcher:
    """Hands checks to the runner in the order of their items and gives each item its result.

    ``processes`` share the limits: the workers of pytest-xdist know nothing of one another.
    """

    def __init__(self, config: pytest.Config, items: Iterable[pytest.Item], processes: int) -> None:
        state = config.stash[STATE]
        settings = state.settings
        self.workers = max(1, settings.workers // processes)
        self.per_host = settings.per_host and max(1, settings.per_host // processes)
        self._deadline = Deadline.never() if settings.deadline is None else Deadline(settings.deadline)
        self._runner = Runner(state.specs, workers=self.workers, per_host=self.per_host, deadline=settings.deadline)
        self._items = {item.spec.key: item for item in _checks(items)}
        self._needs = Needs(state.specs)
        self._setups = Setups(config, self._items)
        self._queue: deque[tuple[int, pytest.Item]] = deque()
        self._places: dict[pytest.Item, int] = {}
        self._futures: dict[tuple[str, str], Future[CheckResult]] = {}
        self._flying: set[tuple[str, str]] = set()
        self._in_turn: dict[tuple[str, str], CheckResult] = {}
        self._tries: Counter[tuple[str, str]] = Counter()
        self._failed_before: dict[tuple[str, str], CheckResult] = {}
        self._told: set[tuple[str, str]] = set()

    def plan(self, items: Iterable[pytest.Item]) -> None:
        """These items will run next, in this order: start those that may run ahead, as many as the window holds."""
        self._places = {item: place for place, item in enumerate(items)}
        self._queue = deque((place, item) for item, place in self._places.items())
        self._start_more()

    def look_ahead(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Start what a worker of pytest-xdist has been handed, this item first.

        The successor of a worker that crashed takes one after the other: what killed that one may be still to come, and shall be
        told from the rest.
        """
        following = [nextitem] if nextitem is not None else []
        handed_out = compat.handed_out(item.config, item.session.items, _WINDOW * self.workers)
        self.plan([item] if compat.is_successor(item.config) else [item, *following, *handed_out])

    def passed(self, item: pytest.Item) -> None:
        """Note that the item, and so all before it, have had their turn."""
        place = self._places.get(item, -1)
        while self._queue and self._queue[0][0] <= place:
            self._queue.popleft()
        if getattr(item, "is_monitorpy_check", False):
            check = cast("CheckItem", item)
            check.result = None  # the report has it
            self._flying.discard(check.spec.key)
            self._futures.pop(check.spec.key, None)
            if not self._needs.is_needed(check.spec):
                self._runner.forget(check.spec)
        self._start_more()

    def result_of(self, item: CheckItem) -> CheckResult:
        """The result for an item whose turn it is: waits for it, or runs the check now. Raises what its set-up hook raised."""
        spec = item.spec
        if spec.key in self._told:  # --reruns
            self._forget(spec)
        self._told.add(spec.key)
        result = self._failed_before.pop(spec.key, None) or self._result(item)
        while result.fault == "blocked" and self._unblock(item):
            result = self._result(item)
        self._setups.check(spec)
        return result

    def _result(self, item: CheckItem) -> CheckResult:
        return self._awaited(item) if runs_ahead(item) else self._run_in_turn(item)

    def _forget(self, spec: CheckSpec) -> None:
        self._setups.forget(spec)
        self._in_turn.pop(spec.key, None)
        self._futures.pop(spec.key, None)
        self._runner.forget(spec)

    def _unblock(self, item: CheckItem) -> bool:
        """With --reruns, forget what blocks the item's check but has passed since or may yet pass; whether it is worth another try.

        A check that has not had its own turn gets as many reruns here as it would get there, and there it starts with its first result:
        pytest-rerunfailures shall show that it failed.
        """
        results = [(spec, self._latest(item, spec)) for spec in self._needs.chain(item.spec)]
        failed = [(spec, result) for spec, result in results if result.is_error() and result.fault != "blocked"]
        if any(spec.key in self._told or self._tries[spec.key] >= compat.reruns(self._items.get(spec.key, item)) for spec, _ in failed):
            return False
        for spec, result in results:
            if result.is_error():
                self._forget(spec)
        for spec, result in failed:
            self._tries[spec.key] += 1
            self._failed_before.setdefault(spec.key, result)
        return True

    def _latest(self, item: CheckItem, spec: CheckSpec) -> CheckResult:
        found = self._in_turn.get(spec.key)
        return found if found is not None else self._submit(item, spec).result()

    def _awaited(self, item: CheckItem) -> CheckResult:
        future = self._futures.get(item.spec.key) or self._start(item)
        self._start_more()
        try:
            return future.result()
        except pytest.fail.Exception as interrupted:  # by pytest-timeout; where this thread waited is of no interest
            raise pytest.fail.Exception(interrupted.msg, pytrace=False) from None
        finally:
            self._flying.discard(item.spec.key)

    def root_is_reported(self, spec: CheckSpec, result: CheckResult) -> bool:
        """Whether a check that blocks this one is reported in this run too.

        If not, the skip of this one would be all there is to see: a false green.
        """
        roots = f", {result.message.removeprefix('blocked by ')}, "
        return any(f", {s.id}, " in roots and _is_reported(self._items.get(s.key)) for s in self._needs.chain(spec))

    def stop(self, reason: str) -> None:
        self._queue.clear()
        self._runner.stop(reason)

    def _start_more(self) -> None:
        """Fill the window when half of it is used up: threads that are woken for each check cost more than the check."""
        if len(self._flying) > _WINDOW * self.workers // 2:
            return
        while self._queue and len(self._flying) < _WINDOW * self.workers:
            item = self._queue[0][1]
            if not getattr(item, "is_monitorpy_check", False):
                return
            check = cast("CheckItem", item)
            if runs_ahead(check) and check.spec.key not in self._futures:
                if not all(map(compat.is_set_up, compat.closure(check))):
                    return
                self._start(check)
            elif _is_surrounded(check):
                return
            self._queue.popleft()

    def _start(self, item: CheckItem) -> Future[CheckResult]:
        self._flying.add(item.spec.key)
        future = self._futures[item.spec.key] = self._submit(item, item.spec)
        return future

    def _submit(self, item: CheckItem, spec: CheckSpec) -> Future[CheckResult]:
        """Hand the check to the runner; what it needs may start with it, so all of them are set up before."""
        for each in self._needs.chain(spec) if self._setups.is_used else ():
            if (refused := self._setups.set_up(item, each)) is not None:
                self._runner.settle(each, refused)
        return self._runner.submit(spec)

    def _run_in_turn(self, item: CheckItem) -> CheckResult:
        """Run a check in this thread, after those that it needs; each of them once."""
        for spec in self._needs.chain(item.spec):
            if spec.key not in self._in_turn and self._is_in_turn(item, spec):
                self._in_turn[spec.key] = self._run_here(item, spec)
        return self._in_turn[item.spec.key]

    def _is_in_turn(self, item: CheckItem, spec: CheckSpec) -> bool:
        """Whether a needed check has to run in this thread too: it is made of a fixture, or its own item would."""
        own = self._items.get(spec.key)
        if own is not None:
            return not runs_ahead(own)
        return spec.id in item.fixtures or any(self._is_in_turn(item, need) for need in self._needs.of(spec))

    def _run_here(self, item: CheckItem, spec: CheckSpec) -> CheckResult:
        needed = [self._latest(item, need) for need in self._needs.of(spec)]
        roots = dict.fromkeys(r.message.removeprefix("blocked by ") if r.fault == "blocked" else str(r.id) for r in needed if r.is_error())
        if roots:
            return unrun(spec, f"blocked by {', '.join(roots)}", "blocked")
        if (refused := self._setups.set_up(item, spec)) is not None:
            return refused
        return inturn.run(spec, self._deadline, item.fixture_check(spec.id) if spec.id in item.fixtures else None)


def _is_reported(item: CheckItem | None) -> bool:
    return item is not None and item.get_closest_marker("skip") is None


def _is_surrounded(item: CheckItem) -> bool:
    """Whether a function-scoped fixture is active while it runs; what that changes, others must not notice."""
    return compat.is_asked_for_more(item) or any(fixture.scope == "function" for fixture in compat.closure(item))


def runs_ahead(item: CheckItem) -> bool:
    """Whether the check cannot notice that it runs before its turn and in another thread; asked first when all marks are set."""
    if item.ahead is None:
        marks = {mark.name for mark in item.iter_markers()}
        item.ahead = not (item.fixtures or _is_surrounded(item) or marks & _MAY_SKIP)
    return item.ahead
