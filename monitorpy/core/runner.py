"""The native runner: checks on daemon threads, with a watchdog for those that do not keep their deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING

from monitorpy.core.execution import execute
from monitorpy.core.plugin_base import MonitorPlugin, guarded, host_in, target_in
from monitorpy.core.registry import registry
from monitorpy.core.result import CheckResult
from monitorpy.core.schedule import Job, Schedule, given_up
from monitorpy.net.deadline import Deadline

if TYPE_CHECKING:
    from typing import Self

    from monitorpy.core.spec import CheckSpec

DEFAULT_WORKERS = 32
DEFAULT_PER_HOST = 10

GRACE = 0.4
"""Seconds that a check may overrun its deadline before it is given up: one that keeps it reports better itself."""

_WATCH = 0.1
"""Seconds between two looks of the watchdog."""


class Runner:
    """Runs the checks that are submitted, each once.

    ``specs`` are all checks that may be submitted or needed. Threads are daemons, made as they are needed, up to
    ``workers``; one that is stuck in a plugin past its deadline is given up and replaced. ``per_host`` bounds the checks
    under way on one target host (0: no limit). ``deadline`` is in seconds from now, for the whole run.
    With an ``executor`` the checks run there; a stuck one is then the executor's affair.
    """

    def __init__(
        self,
        specs: Iterable[CheckSpec],
        *,
        workers: int = DEFAULT_WORKERS,
        per_host: int = DEFAULT_PER_HOST,
        deadline: float | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._schedule = Schedule(specs, per_host, host_of)
        self._workers = max(1, workers)
        self._executor = executor
        self._deadline = Deadline.never() if deadline is None else Deadline(deadline)
        self._work = threading.Condition(threading.Lock())
        self._running: set[Job] = set()
        self._threads = 0
        self._idle = 0
        self._waking = False
        self._watching = False
        self._stopped: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop("the run has ended")

    def submit(self, spec: CheckSpec) -> Future[CheckResult]:
        """The future of the check's result; the checks that it needs run before it."""
        with self._work:
            job = self._schedule.add(spec)
            if self._stopped is not None:
                self._schedule.end_all(self._stopped)
        future = job.future
        self._advance()
        return future if future is not None else _ended(job)

    def forget(self, spec: CheckSpec) -> None:
        """The next submit of this check runs it again."""
        with self._work:
            self._schedule.forget(spec)

    def settle(self, spec: CheckSpec, result: CheckResult) -> None:
        """Take this for the result of a check that is not to run; what needs it goes by it."""
        with self._work:
            self._schedule.settle(spec, result)
        self._advance()

    def stop(self, reason: str) -> None:
        """Whatever has not ended becomes an error with fault "not_run"; nothing waits for a thread."""
        with self._work:
            if self._stopped is None:
                self._stopped = reason
            self._schedule.end_all(self._stopped)
            self._running.clear()
            self._work.notify_all()
        self._advance()

    def _advance(self) -> None:
        """Publish what has settled and see to it that what is ready gets run. Called without the lock."""
        with self._work:
            settled, self._schedule.settled = self._schedule.settled, []
            handed = self._hand_over() if self._executor is not None else []
            if self._executor is None:
                self._call_thread()
        for job in settled:
            future, job.future = job.future, None  # it is many times as large as the rest of the job
            assert future is not None
            assert job.result is not None
            future.set_result(job.result)
        for job in handed:
            self._send(job)

    def _call_thread(self) -> None:
        """Get one more thread to work if there is any for it; it calls the next one when it has taken its job.

        One by one, so that as many threads run as there are checks that wait; checks that end at once are worked off by
        one or two, without waking the others for nothing.
        """
        if not self._schedule.ready:
            return
        if not self._watching:
            self._watching = True
            threading.Thread(target=self._watch, name="monitorpy-watchdog", daemon=True).start()
        if self._waking:
            return
        if self._idle:
            self._waking = True
            self._work.notify()
        elif self._threads < self._workers:
            self._start_thread()

    def _start_thread(self) -> None:
        try:
            threading.Thread(target=self._work_off, name="monitorpy-worker", daemon=True).start()
        except RuntimeError:  # a limit of the system: go on with those that there are
            self._workers = self._threads
            if not self._threads:
                raise
        else:
            self._waking = True
            self._threads += 1

    def _work_off(self) -> None:
        """The life of a worker thread."""
        with self._work:
            self._waking = False
        while (job := self._next()) is not None:
            result = self._execute(job)
            with self._work:
                job.attempt = None
                if job not in self._running:  # given up meanwhile: another thread has this one's place
                    return
                self._running.remove(job)
                self._schedule.end(job, result)
            self._advance()

    def _next(self) -> Job | None:
        with self._work:
            while not self._schedule.ready:
                if self._stopped is not None:
                    self._threads -= 1
                    return None
                self._idle += 1
                self._work.wait()
                self._idle -= 1
                self._waking = False
            job = self._schedule.ready.popleft()
            self._running.add(job)
            self._call_thread()
            return job

    def _execute(self, job: Job) -> CheckResult:
        def attempt_started(deadline: Deadline) -> None:
            job.attempt = deadline

        return execute(job.spec, deadline=self._deadline, attempt_started=attempt_started)

    def _watch(self) -> None:
        """The life of the watchdog: as long as anything runs or may still run."""
        while True:
            time.sleep(min(_WATCH, max(self._deadline.left(), 0.001)))
            if self._deadline.expired:
                self.stop(f"the run's deadline of {self._deadline.seconds:g} s was reached")
            with self._work:
                if not self._running and not self._schedule.ready:
                    self._watching = False
                    return
                for job in [j for j in self._running if j.attempt is not None and j.attempt.overdue() > GRACE]:
                    self._give_up(job)
            self._advance()

    def _give_up(self, job: Job) -> None:
        """Leave a stuck thread to itself. Python cannot end it, but nothing waits for it any more."""
        assert job.attempt is not None
        self._running.remove(job)
        self._threads -= 1
        self._schedule.end(job, given_up(job.spec, job.attempt))

    def _hand_over(self) -> list[Job]:
        """Take what is ready for the executor."""
        jobs = list(self._schedule.ready)
        self._schedule.ready.clear()
        self._running.update(jobs)
        return jobs

    def _send(self, job: Job) -> None:
        assert self._executor is not None

        def ended(future: Future[CheckResult]) -> None:
            result = guarded(future.result)
            with self._work:
                self._running.discard(job)
                self._schedule.end(job, result)
            self._advance()

        self._executor.submit(execute, job.spec).add_done_callback(ended)


def _ended(job: Job) -> Future[CheckResult]:
    """The future of a job that has its result."""
    future: Future[CheckResult] = Future()
    assert job.result is not None
    future.set_result(job.result)
    return future


def host_of(spec: CheckSpec) -> str | None:
    """The host a check is aimed at, by the plugin's word; None where there is none or the plugin does not load."""
    if spec.fixture is not None:
        return None
    try:
        plugin = registry.get(spec.plugin)
        if plugin.get_host is MonitorPlugin.get_host and plugin.get_target is MonitorPlugin.get_target:
            return host_in(target_in(spec.config, plugin.target_keys))  # no need to parse the config for it
        return plugin(spec.config).get_host()
    except Exception:  # noqa: BLE001 - a plugin that cannot even be made gets its verdict from execute()
        return None
