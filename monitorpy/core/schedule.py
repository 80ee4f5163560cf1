"""In what order checks may start: needs first, at most so many at a time on one host. No threads here."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from monitorpy.core.result import CheckResult
from monitorpy.core.spec import CheckSpec
from monitorpy.errors import Fault
from monitorpy.net.deadline import Deadline

Key = tuple[str, str]


@dataclass(eq=False, slots=True)
class Job:
    """A check on its way: waiting for its needs, for a place on its host, for a thread, or done."""

    spec: CheckSpec
    future: Future[CheckResult] | None = field(default_factory=Future)  # until it has its result
    result: CheckResult | None = None
    waits_for: int = 0  # so many checks
    admitted: bool = False
    host: str | None = None
    attempt: Deadline | None = None  # of the attempt under way


@dataclass(slots=True)
class _Host:
    running: int = 0
    waiting: deque[Job] = field(default_factory=deque)


class Schedule:
    """Takes checks and their results; ``ready`` has the jobs that may start, ``settled`` those that have ended since it was emptied.

    ``known`` are all checks by key, ``per_host`` the limit on one host (0: none), ``host_of`` names a check's host.
    Not thread-safe: the runner holds a lock.
    """

    def __init__(self, known: Iterable[CheckSpec], per_host: int, host_of: Callable[[CheckSpec], str | None]) -> None:
        self._known = {spec.key: spec for spec in known}
        self._per_host = per_host
        self._host_of = host_of
        self._hosts: dict[str, _Host] = {}
        self._dependents: defaultdict[Key, list[Job]] = defaultdict(list)
        self._blockers: defaultdict[Key, dict[str, tuple[str, ...]]] = defaultdict(dict)  # by the need that they are behind
        self.jobs: dict[Key, Job] = {}
        self.ready: deque[Job] = deque()
        self.settled: list[Job] = []

    def add(self, spec: CheckSpec) -> Job:
        """The job of a check; it and the checks it needs, directly or not, are scheduled unless they are already."""
        if (found := self.jobs.get(spec.key)) is not None:
            return found
        fresh = [Job(spec)]
        self.jobs[spec.key] = fresh[0]
        for job in fresh:  # grows while it is walked
            for key in ((job.spec.scope, name) for name in job.spec.needs):
                needed = self.jobs.get(key)
                if needed is None:
                    if self._known[key].skip is not None:  # it is not to be run: nothing speaks against this one
                        continue
                    needed = self.jobs[key] = Job(self._known[key])
                    fresh.append(needed)
                if needed.result is None:
                    job.waits_for += 1
                    self._dependents[key].append(job)
                else:
                    self._blame(job, needed)
        for job in reversed(fresh):
            if self._settle_or_admit(job):
                self._tell_dependents(job)
        return fresh[0]

    def settle(self, spec: CheckSpec, result: CheckResult) -> None:
        """Note the result of a check that nobody has asked for yet."""
        self.jobs[spec.key] = job = Job(spec, result=result)
        self.settled.append(job)

    def end(self, job: Job, result: CheckResult) -> None:
        """The job has its result; a second one is ignored. Dependents become ready or are blocked."""
        if job.result is not None:
            return
        job.result = result
        self.settled.append(job)
        self._release(job)
        self._tell_dependents(job)

    def _tell_dependents(self, job: Job) -> None:
        """Admit or block those that waited for the job, and those that wait for them."""
        ended = [job]
        for done in ended:  # grows while it is walked: a chain of blocked checks may be long
            for dependent in self._dependents.pop(done.spec.key, ()):
                dependent.waits_for -= 1
                self._blame(dependent, done)
                if self._settle_or_admit(dependent):
                    ended.append(dependent)

    def forget(self, spec: CheckSpec) -> None:
        """The check may be added again."""
        self.jobs.pop(spec.key, None)
        self._blockers.pop(spec.key, None)

    def _blame(self, job: Job, needed: Job) -> None:
        """Note what blocks a job, of a check that it needs: what blocks that one, or that one itself; nothing if it did not fail."""
        if needed.result is not None and needed.result.is_error():
            self._blockers[job.spec.key][needed.spec.id] = self._roots(needed) or (needed.spec.id,)

    def _roots(self, job: Job) -> tuple[str, ...]:
        """The ids of those that block a job, in the order of its needs: the same in every run, whichever ended first."""
        found = self._blockers.get(job.spec.key, {})
        return tuple(dict.fromkeys(root for need in job.spec.needs for root in found.get(need, ())))

    def end_all(self, message: str) -> None:
        """Whatever has not ended was not run: nothing is blocked by it, nothing starts any more."""
        for job in self.jobs.values():
            if job.result is None:
                job.result = unrun(job.spec, message, "not_run")
                self.settled.append(job)
        self.ready.clear()

    def _settle_or_admit(self, job: Job) -> bool:
        """Block the job (True) or admit it to its host's queue, if it waits for nothing any more."""
        if job.waits_for or job.admitted or job.result is not None:
            return False
        if roots := self._roots(job):
            job.result = unrun(job.spec, f"blocked by {', '.join(roots)}", "blocked")
            self.settled.append(job)
            return True
        job.admitted = True
        job.host = self._host_of(job.spec) if self._per_host > 0 else None
        if job.host is not None:
            host = self._hosts.setdefault(job.host, _Host())
            if host.running >= self._per_host:
                host.waiting.append(job)
                return False
            host.running += 1
        self.ready.append(job)
        return False

    def _release(self, job: Job) -> None:
        """Give the job's place on its host to the next one that waits for it."""
        if job.host is None:
            return
        host = self._hosts[job.host]
        while host.waiting:
            waiting = host.waiting.popleft()
            if waiting.result is None:
                self.ready.append(waiting)
                return
        host.running -= 1


def unrun(spec: CheckSpec, message: str, fault: Fault) -> CheckResult:
    """The result of a check that was not looked at."""
    return CheckResult.error(
        message, fault=fault, attempts=0, id=spec.id, plugin=spec.plugin, tags=spec.tags, group=spec.group, source=spec.source
    )


def given_up(spec: CheckSpec, attempt: Deadline) -> CheckResult:
    """The result of a check that went on past the deadline of its attempt, and that nobody waits for any more."""
    message = f"no result within {attempt.seconds:g} s: the check did not stop at its deadline and was given up"
    seconds = attempt.seconds + attempt.overdue()
    return unrun(spec, message, "target").changed(status=spec.severity, kind="timeout", response_time=seconds, attempts=1)
