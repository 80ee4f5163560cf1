"""Checks that run in the thread of the tests: where their fixtures live, and while those are active.

Nobody can leave a check there to itself that does not heed its deadline, so an alarm interrupts it: as pytest-timeout does it, in the
main thread, on systems that have such alarms. Elsewhere it runs on. What comes late is an error in any case.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
import signal
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Self

from monitorpy.core.execution import execute
from monitorpy.core.runner import GRACE
from monitorpy.core.schedule import given_up, unrun
from monitorpy.net.deadline import Deadline

if TYPE_CHECKING:
    from types import FrameType

    from monitorpy.core.result import CheckResult
    from monitorpy.core.spec import CheckSpec
    from pytest_monitorpy.custom import FixtureCheck


def run(spec: CheckSpec, run_deadline: Deadline, check: FixtureCheck | None = None) -> CheckResult:
    """Run a check in this thread; ``check`` is what a fixture gave for it."""
    result: CheckResult | None = None
    alarm = _Alarm(run_deadline)
    if not run_deadline.expired:
        try:
            with alarm:
                whole = None if check is None else lambda config: check(config, alarm.attempt)
                result = execute(spec, deadline=run_deadline, check=whole, attempt_started=alarm.attempt_started)
        except _OverrunError:
            pass
    if run_deadline.expired and (result is None or not result.is_error()):
        return unrun(spec, f"the run's deadline of {run_deadline.seconds:g} s was reached", "not_run")
    return result if result is not None else given_up(spec, alarm.attempt)


class _OverrunError(BaseException):
    """The alarm has rung; no Exception, as a check may well handle those and go on."""


class _Alarm:
    """Raises _OverrunError in the main thread some time after the deadline of an attempt, or at that of the run.

    An alarm that somebody else has set, pytest-timeout for one, rings as if this one had not been there.
    """

    def __init__(self, run_deadline: Deadline) -> None:
        self.attempt = Deadline.never()
        self._run_deadline = run_deadline
        self._possible = hasattr(signal, "setitimer") and current_thread() is main_thread()
        self._is_set = False

    def __enter__(self) -> Self:
        if self._possible:
            self._handler = signal.getsignal(signal.SIGALRM)
            self._theirs = Deadline(signal.getitimer(signal.ITIMER_REAL)[0] or math.inf)
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()

    def attempt_started(self, attempt: Deadline) -> None:
        self._give_back()
        self.attempt = attempt
        if not self._possible:
            return
        seconds = min(attempt.left() + GRACE, self._run_deadline.left())
        if seconds < self._theirs.left():
            signal.signal(signal.SIGALRM, _ring)
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
            self._is_set = True

    def _give_back(self) -> None:
        if self._is_set:
            self._is_set = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._handler if self._handler is not None else signal.SIG_DFL)
            if math.isfinite(left := self._theirs.left()):
                signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3))


def _ring(_: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_globals.get("__name__") == "bdb":  # somebody looks at it in a debugger, and takes the time
            return
        frame = frame.f_back
    raise _OverrunError
