from __future__ import annotations

import math
import signal
import threading
import time
from contextlib import contextmanager

import pytest

from monitorpy.core.result import CheckResult
from monitorpy.core.spec import CheckSpec, Retries
from monitorpy.net.deadline import Deadline
from pytest_monitorpy import inturn

HANGING = CheckSpec(id="a", plugin="fixture:hang", timeout=0.05)


def hang(config, deadline):
    """Not for ever, or a mistake would stop all tests."""
    threading.Event().wait(30)
    return CheckResult.success("at last")


def late(config, deadline):
    try:
        hang(config, deadline)
    except BaseException:  # noqa: BLE001 - this is what a test shows
        return CheckResult.success("nothing happened")


@contextmanager
def alarm(seconds=0.0):
    """An alarm that somebody else has set; what it did is in the list."""
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield rung
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_result_in_time():
    result = inturn.run(HANGING, Deadline.never(), lambda config, deadline: CheckResult.success(f"{deadline.seconds:g} s"))
    assert (result.message, result.id) == ("0.05 s", "a")


def test_what_hangs_is_interrupted():
    result = inturn.run(HANGING, Deadline.never(), hang)
    assert result.message == "no result within 0.05 s: the check did not stop at its deadline and was given up"
    assert (result.status, result.kind, result.fault, result.id) == ("error", "timeout", "target", "a")
    assert 0.05 < result.response_time < 30


def test_what_swallows_the_interruption_is_late():
    result = inturn.run(HANGING, Deadline.never(), late)
    assert (result.status, result.kind) == ("error", "timeout")
    assert "s later (nothing happened)" in result.message


def test_each_attempt_has_its_own_time():
    attempts = []

    def check(config, deadline):
        attempts.append(deadline)
        if len(attempts) < 3:
            return CheckResult.error("not yet", fault="target", kind="connect")
        return hang(config, deadline)

    spec = CheckSpec(id="a", plugin="fixture:x", timeout=0.2, retries=Retries(count=5, delay=0.1))
    assert inturn.run(spec, Deadline.never(), check).kind == "timeout"
    assert len(attempts) == 3


class TestTheRunsDeadline:
    def test_what_is_under_way_is_interrupted(self):
        spec = CheckSpec(id="a", plugin="fixture:x", timeout=60)
        result = inturn.run(spec, Deadline(0.05), hang)
        assert (result.message, result.fault) == ("the run's deadline of 0.05 s was reached", "not_run")

    def test_what_ends_well_after_it_is_late(self):
        spec = CheckSpec(id="a", plugin="fixture:x")
        assert inturn.run(spec, Deadline(0.05), late).fault == "not_run"

    def test_an_error_after_it_is_still_told(self):
        run_deadline = Deadline(0.05)

        def check(config, deadline):
            try:
                hang(config, deadline)
            except BaseException:  # noqa: BLE001 - so that there is an error to tell
                return CheckResult.error("I saw something")

        assert inturn.run(CheckSpec(id="a", plugin="fixture:x"), run_deadline, check).message == "I saw something"

    def test_nothing_begins_after_it(self):
        result = inturn.run(HANGING, Deadline(0), lambda config, deadline: pytest.fail("begun"))
        assert result.fault == "not_run"


class TestAlarmsOfOthers:
    def test_a_later_one_goes_on_as_if_nothing_had_been(self):
        with alarm(20) as rung:
            handler = signal.getsignal(signal.SIGALRM)
            assert inturn.run(HANGING, Deadline.never(), hang).kind == "timeout"
            assert signal.getsignal(signal.SIGALRM) is handler
            assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] < 19.7
            assert not rung

    def test_an_earlier_one_rings_during_the_check(self):
        with alarm(0.05) as rung:

            def check(config, deadline):
                while not rung:
                    threading.Event().wait(0.01)
                return CheckResult.success("heard")

            assert inturn.run(CheckSpec(id="a", plugin="fixture:x", timeout=60), Deadline.never(), check).is_success()
            assert len(rung) == 1

    def test_without_one_nothing_is_left_behind(self):
        with alarm() as rung:
            handler = signal.getsignal(signal.SIGALRM)
            inturn.run(HANGING, Deadline.never(), hang)
            assert signal.getsignal(signal.SIGALRM) is handler
            assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
            assert not rung

    def test_a_handler_that_python_did_not_set_becomes_the_default(self, monkeypatch):
        monkeypatch.setattr(signal, "getsignal", lambda number: None)
        inturn.run(HANGING, Deadline.never(), hang)
        monkeypatch.undo()
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_a_debugger_is_left_in_peace():
    def check(config, deadline):
        interactive = compile("wait()", "bdb.py", "exec")
        exec(interactive, {"__name__": "bdb", "wait": lambda: time.sleep(0.6)})
        return CheckResult.success("looked at")

    assert "looked at" in inturn.run(HANGING, Deadline.never(), check).message


def test_in_another_thread_nothing_can_interrupt_it():
    results = []

    def check(config, deadline):
        time.sleep(0.1)
        return CheckResult.success("done")

    thread = threading.Thread(target=lambda: results.append(inturn.run(HANGING, Deadline.never(), check)))
    thread.start()
    thread.join()
    assert (results[0].status, results[0].kind) == ("error", "timeout")


def test_timeouts_that_are_no_number_for_an_alarm():
    spec = CheckSpec(id="a", plugin="fixture:x", timeout=math.inf)
    assert inturn.run(spec, Deadline.never(), lambda config, deadline: CheckResult.success("ok")).is_success()


def test_registered_plugins_too(plugins):
    result = inturn.run(CheckSpec(id="a", plugin="sample_monitor"), Deadline.never())
    assert result.fault == "config"
