from __future__ import annotations

import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult
from monitorpy.core.runner import Runner, host_of
from monitorpy.core.spec import CheckSpec, Retries
from monitorpy.utils.masking import Masker


def spec(name, plugin="say", needs=(), **more):
    return CheckSpec(id=name, plugin=plugin, config=more.pop("config", {}), needs=tuple(needs), **more)


def test_a_check_runs_once_until_it_is_forgotten(plugins):
    calls = []

    @register_plugin("count")
    def count(config):
        calls.append(1)
        return CheckResult.success(str(len(calls)))

    check = spec("a", "count")
    with Runner([check]) as runner:
        futures = [runner.submit(check), runner.submit(check)]
        assert [future.result(10).message for future in futures] == ["1", "1"]
        assert runner.submit(check).result(10).message == "1"
        runner.forget(check)
        assert runner.submit(check).result(10).message == "2"


def test_a_result_from_elsewhere_counts_for_what_needs_it(say):
    root = spec("root")
    leaf = spec("leaf", needs=["root"])
    with Runner([root, leaf]) as runner:
        runner.settle(root, CheckResult.error("not wanted", id="root"))
        assert runner.submit(root).result(10).message == "not wanted"
        assert runner.submit(leaf).result(10).message == "blocked by root"


def test_needs_run_by_themselves_and_block(say):
    root = spec("root", config={"status": "error", "message": "down"})
    leaf = spec("leaf", needs=["root"])
    with Runner([root, leaf]) as runner:
        result = runner.submit(leaf).result(10)
    assert (result.fault, result.message, result.id) == ("blocked", "blocked by root", "leaf")


def test_checks_run_side_by_side_up_to_the_workers(gate):
    checks = [spec(str(n), "gated", config={"n": n}) for n in range(5)]
    with Runner(checks, workers=3, per_host=0) as runner:
        futures = [runner.submit(c) for c in checks]
        for _ in range(3):
            assert gate.entered.acquire(timeout=10)
        assert not gate.entered.acquire(blocking=False)
        gate.set()
        assert all(f.result(10).is_success() for f in futures)


def test_an_idle_thread_is_used_again(say):
    names = set()
    with Runner([], workers=4) as runner:
        for n in range(10):
            runner.submit(spec(str(n))).result(10)
            names |= {t.ident for t in threading.enumerate() if t.name == "monitorpy-worker"}
        assert len(names) <= 4


class Limited:
    """The threads of a system that allows so many more."""

    def __init__(self, monkeypatch, allowed):
        start = threading.Thread.start

        def limited(thread):
            if thread.name == "monitorpy-worker":
                if not self.allowed:
                    raise RuntimeError("can't start new thread")
                self.allowed -= 1
            start(thread)

        self.allowed = allowed
        monkeypatch.setattr(threading.Thread, "start", limited)


def test_the_threads_that_there_are_do_all_the_work(gate, monkeypatch):
    Limited(monkeypatch, 2)
    with Runner([], workers=10) as runner:
        futures = [runner.submit(spec(str(n), "gated", config={"n": n})) for n in range(5)]
        for _ in range(2):
            assert gate.entered.acquire(timeout=10)
        gate.set()
        assert all(future.result(10).is_success() for future in futures)


def test_no_thread_at_all_is_told(say, monkeypatch):
    Limited(monkeypatch, 0)
    with Runner([]) as runner, pytest.raises(RuntimeError, match="can't start new thread"):
        runner.submit(spec("a"))


def test_a_host_is_asked_by_so_many_at_a_time(gate):
    checks = [spec(str(n), "gated", config={"host": "h", "n": n}) for n in range(4)]
    with Runner(checks, workers=8, per_host=2) as runner:
        futures = [runner.submit(c) for c in checks]
        for _ in range(2):
            assert gate.entered.acquire(timeout=10)
        assert not gate.entered.acquire(timeout=0.05)
        gate.set()
        assert all(f.result(10).is_success() for f in futures)


def test_a_plugin_that_hangs_is_given_up_and_its_place_taken(gate, ms):
    hung = [spec(f"hung{n}", "gated", timeout=100 * ms) for n in range(2)]
    started = time.monotonic()
    with Runner(hung, workers=1) as runner:
        results = [runner.submit(c).result(10) for c in hung]
    assert time.monotonic() - started < 5
    assert [(r.status, r.fault, r.kind) for r in results] == [("error", "target", "timeout")] * 2
    assert "did not stop at its deadline" in results[0].message
    assert results[0].response_time > 100 * ms


def test_severity_caps_that_too(gate, ms):
    check = spec("a", "gated", timeout=50 * ms, severity="warning")
    with Runner([check]) as runner:
        result = runner.submit(check).result(10)
    assert (result.status, result.fault) == ("warning", "target")


def test_the_end_of_the_run_is_not_run(gate):
    checks = [spec(str(n), "gated", timeout=60) for n in range(3)]
    with Runner(checks, workers=2, deadline=0.2) as runner:
        results = [runner.submit(c).result(10) for c in checks]
        assert {r.fault for r in results} == {"not_run"}
        assert results[0].message == "the run's deadline of 0.2 s was reached"
        assert runner.submit(spec("late")).result(10).fault == "not_run"


def test_stop_ends_everything_at_once(gate):
    check = spec("a", "gated")
    runner = Runner([check])
    future = runner.submit(check)
    assert gate.entered.acquire(timeout=10)
    runner.stop("enough")
    runner.stop("more than enough")
    assert future.result(0).message == "enough"


def test_a_retry_pause_is_not_overdue(plugins, ms):
    @register_plugin("late")
    def late(config):
        return CheckResult.error("no", kind="timeout", fault="target")

    check = spec("a", "late", timeout=50 * ms, retries=Retries(1, delay=0.7))
    with Runner([check]) as runner:
        result = runner.submit(check).result(10)
    assert (result.message, result.attempts) == ("no", 2)


def test_what_is_no_exception_is_still_a_verdict(plugins):
    class Outcome(BaseException):
        pass

    @register_plugin("leaving")
    def leaving(config):
        raise Outcome("away with hunter2")

    with Runner([]) as runner:
        result = runner.submit(spec("a", "leaving", masker=Masker(["hunter2"]))).result(10)
    assert (result.fault, result.message, result.attempts) == ("plugin", "the plugin crashed: Outcome: away with ***", 1)
    assert "in leaving" in result.raw_data["traceback"]


def test_any_executor_will_do(say):
    root = spec("root", config={"status": "error"})
    checks = [root, spec("leaf", needs=["root"]), spec("alone")]
    with ThreadPoolExecutor(2) as pool, Runner(checks, executor=pool) as runner:
        results = [runner.submit(c).result(10) for c in checks]
    assert [r.fault for r in results] == ["target", "blocked", None]


@pytest.mark.slow
def test_a_spec_and_its_result_cross_processes(tmp_path):
    file = tmp_path / "f"
    file.write_text("x")
    check = spec("a", "no_such_plugin")
    with ProcessPoolExecutor(1) as pool, Runner([check], executor=pool) as runner:
        assert runner.submit(check).result(30).fault == "config"


def test_host_of(plugins):
    assert host_of(spec("a", "tcp_port", config={"host": "h", "port": 1})) == "h"

    @register_plugin("elsewhere")
    class Elsewhere(PluginTemplate):
        def get_host(self):
            return f"{self.config['host']}.elsewhere"

    assert host_of(spec("a", "elsewhere", config={"host": "h"})) == "h.elsewhere"
    assert host_of(spec("a", "fixture:x")) is None
    assert host_of(spec("a", "unknown_thing")) is None
