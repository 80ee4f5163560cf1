from __future__ import annotations

import pytest

from monitorpy.core.batch_runner import run_batch, run_check_batch, run_checks_in_parallel
from monitorpy.core.result import SkippedCheck
from monitorpy.core.spec import CheckSpec
from monitorpy.utils.masking import Masker


def spec(name, **more):
    return CheckSpec(id=name, plugin=more.pop("plugin", "say"), **more)


def test_outcomes_keep_the_order_of_the_checks(say):
    ended = []
    checks = [spec("b"), spec("a", skip="until Friday hunter2", masker=Masker(["hunter2"])), spec("c", config={"status": "error"})]
    run = run_batch(checks, on_outcome=ended.append)
    assert [o.id for o in run.outcomes] == ["b", "a", "c"]
    assert [o.status for o in run.outcomes] == ["success", "skipped", "error"]
    assert isinstance(run.outcomes[1], SkippedCheck)
    assert run.outcomes[1].message == "until Friday ***"
    assert {o.id for o in ended} == {"a", "b", "c"}
    assert run.duration > 0
    assert not run.interrupted


def test_a_needed_check_outside_the_selection_runs_unreported(say):
    root = spec("root", config={"status": "error"})
    run = run_batch([spec("leaf", needs=("root",))], known=[root])
    assert [(o.id, o.fault) for o in run.outcomes] == [("leaf", "blocked")]


def test_ctrl_c_keeps_what_has_ended(say, gate):
    def interrupt(outcome):
        if not run_log:
            run_log.append(outcome)
            raise KeyboardInterrupt

    run_log: list = []
    checks = [spec("done"), spec("hanging", plugin="gated"), spec("later", skip="no")]
    run = run_batch(checks, on_outcome=interrupt)
    assert run.interrupted
    assert len(run.outcomes) == 3
    faults = {o.id: getattr(o, "fault", None) for o in run.outcomes}
    assert faults["hanging"] == "not_run"
    assert run.outcomes[1].message == "the run was interrupted"


def test_nothing_to_run():
    assert run_batch([]).outcomes == ()


class TestSeedFunctions:
    def test_results_come_with_their_checks(self, say):
        checks = [{"id": "a", "plugin_type": "say", "config": {"message": "x"}}, {"id": "a", "plugin": "say"}, {"id": 3}]
        results = run_checks_in_parallel(checks, max_workers=2)
        assert [check for check, _ in results] == checks
        assert [r.message for _, r in results][:2] == ["x", "said"]
        assert results[2][1].fault == "config"

    def test_a_timeout_bounds_the_whole_run(self, gate, say):
        checks = [{"id": "a", "plugin_type": "gated", "config": {}}, {"id": "b", "plugin_type": "say", "config": {}}]
        results = run_checks_in_parallel(checks, timeout=0.2)
        assert [r.status for _, r in results] == ["error", "success"]
        assert results[0][1].fault == "not_run"

    def test_batches(self, say):
        checks = [{"id": n, "plugin_type": "say", "config": {"message": str(n)}} for n in range(5)]
        assert [r.message for _, r in run_check_batch(checks, batch_size=2)] == list("01234")
        assert run_check_batch([], batch_size=2) == []
        with pytest.raises(ValueError, match="batch_size must be 1 or more"):
            run_check_batch(checks, batch_size=0)
