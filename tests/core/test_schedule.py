from __future__ import annotations

from dataclasses import replace

import pytest

from monitorpy.core.result import CheckResult
from monitorpy.core.schedule import Schedule, given_up
from monitorpy.core.spec import CheckSpec
from monitorpy.net.deadline import Deadline

GOOD = CheckResult.success("fine")
BAD = CheckResult.error("bad")


def spec(name, *needs, host=None, scope=""):
    return CheckSpec(id=name, plugin="p", config={"host": host}, needs=needs, scope=scope)


def schedule(*specs, per_host=0):
    return Schedule(specs, per_host, lambda s: s.config["host"])


def ready(plan):
    ids = [job.spec.id for job in plan.ready]
    plan.ready.clear()
    return ids


def settled(plan):
    found = [(job.spec.id, job.result.message) for job in plan.settled]
    plan.settled.clear()
    return found


def test_what_blocked_a_check_is_forgotten_with_it():
    root, leaf = spec("root"), spec("leaf", "root")
    plan = schedule(root, leaf)
    plan.end(plan.add(root), BAD)
    plan.add(leaf)
    assert settled(plan) == [("root", "bad"), ("leaf", "blocked by root")]
    plan.forget(root)
    plan.forget(leaf)
    plan.end(plan.add(root), GOOD)
    ready(plan)
    plan.add(leaf)
    assert ready(plan) == ["leaf"]


def test_a_check_that_is_given_up_has_the_status_it_may_have():
    late = given_up(replace(spec("late"), severity="warning"), Deadline(0.0))
    assert (late.status, late.fault, late.attempts) == ("warning", "target", 1)
    assert late.message == "no result within 0 s: the check did not stop at its deadline and was given up"


def test_a_check_is_scheduled_once():
    one = spec("one")
    plan = schedule(one)
    job = plan.add(one)
    assert plan.add(one) is job
    assert ready(plan) == ["one"]


def test_needs_come_first_and_are_added_by_themselves():
    a, b, c = spec("a"), spec("b", "a"), spec("c", "a", "b")
    plan = schedule(a, b, c)
    plan.add(c)
    assert ready(plan) == ["a"]
    plan.end(plan.jobs["", "a"], GOOD)
    assert ready(plan) == ["b"]
    plan.end(plan.jobs["", "b"], CheckResult.warning("slow"))
    assert ready(plan) == ["c"]


def test_a_result_may_come_before_anybody_asks():
    a, b, c = spec("a"), spec("b"), spec("c", "a", "b")
    plan = schedule(a, b, c)
    plan.settle(a, BAD)
    plan.settle(b, GOOD)
    plan.add(c)
    assert settled(plan) == [("a", "bad"), ("b", "fine"), ("c", "blocked by a")]


def test_dependents_of_an_error_are_blocked_by_the_root():
    a, b, c, d = spec("a"), spec("b", "a"), spec("c", "b"), spec("d", "c", "x")
    x = spec("x")
    plan = schedule(a, b, c, d, x)
    plan.add(d)
    assert sorted(ready(plan)) == ["a", "x"]
    plan.end(plan.jobs["", "a"], BAD)
    assert settled(plan) == [("a", "bad"), ("b", "blocked by a"), ("c", "blocked by a")]
    plan.end(plan.jobs["", "x"], BAD)
    assert settled(plan) == [("x", "bad"), ("d", "blocked by a, x")]
    assert plan.jobs["", "d"].result.fault == "blocked"


def test_what_blocks_is_told_in_the_order_of_the_needs():
    """Not in that in which it ended: the same file has the same results in every run."""
    a, b, c, d = spec("a"), spec("b"), spec("c", "b"), spec("d", "a", "c", "b")
    plan = schedule(a, b, c, d)
    plan.add(d)
    plan.end(plan.jobs["", "b"], BAD)
    plan.end(plan.jobs["", "a"], BAD)
    assert settled(plan)[-1] == ("d", "blocked by a, b")


def test_a_check_added_after_its_needs_have_ended():
    a, b, c = spec("a"), spec("b", "a"), spec("c", "b")
    plan = schedule(a, b, c)
    plan.add(a)
    plan.end(plan.jobs["", "a"], BAD)
    plan.add(c)
    assert [message for _, message in settled(plan)] == ["bad", "blocked by a", "blocked by a"]
    fine = spec("fine", "ok")
    plan = schedule(spec("ok"), fine)
    plan.end(plan.add(spec("ok")), GOOD)
    ready(plan)
    plan.add(fine)
    assert ready(plan) == ["fine"]


def test_a_needed_check_that_is_skipped_is_not_run():
    resting = CheckSpec(id="resting", plugin="p", config={"host": None}, skip="maintenance")
    leaf = spec("leaf", "resting")
    plan = schedule(resting, leaf)
    plan.add(leaf)
    assert ready(plan) == ["leaf"]
    assert list(plan.jobs) == [("", "leaf")]


def test_needs_are_looked_up_in_the_same_file():
    one, two = spec("a", scope="one"), spec("a", scope="two")
    plan = schedule(one, two, spec("b", "a", scope="two"))
    plan.add(spec("b", "a", scope="two"))
    assert [job.spec.scope for job in plan.ready] == ["two"]


def test_at_most_so_many_on_one_host():
    checks = [spec(str(n), host="h") for n in range(4)] + [spec("other", host="i"), spec("none")]
    plan = schedule(*checks, per_host=2)
    for check in checks:
        plan.add(check)
    assert ready(plan) == ["0", "1", "other", "none"]
    plan.end(plan.jobs["", "0"], GOOD)
    assert ready(plan) == ["2"]
    plan.end(plan.jobs["", "3"], GOOD)  # supplied while it waited: its place is not given away
    plan.end(plan.jobs["", "1"], GOOD)
    assert ready(plan) == []
    plan.end(plan.jobs["", "2"], GOOD)
    plan.add(spec("late", host="h"))
    assert ready(plan) == ["late"]


def test_the_first_result_counts():
    plan = schedule()
    job = plan.add(spec("a"))
    plan.end(job, GOOD)
    plan.end(job, BAD)
    assert job.result is GOOD
    assert len(plan.settled) == 1


def test_end_all_blocks_nobody():
    a, b = spec("a"), spec("b", "a")
    plan = schedule(a, b)
    plan.add(b)
    plan.end(plan.add(spec("c")), GOOD)
    plan.end_all("the run has ended")
    assert not plan.ready
    assert {job.spec.id: job.result.fault for job in plan.settled} == {"a": "not_run", "b": "not_run", "c": None}


@pytest.mark.parametrize("length", [3000])
def test_a_long_chain_is_no_recursion(length):
    chain = [spec("0"), *(spec(str(n), str(n - 1)) for n in range(1, length))]
    plan = schedule(*chain)
    plan.add(chain[-1])
    plan.end(plan.jobs["", "0"], BAD)
    assert len(plan.settled) == length
