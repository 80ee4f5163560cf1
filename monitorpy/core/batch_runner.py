"""Many checks in one call: `run_batch`, and the functions that users of the earlier API know."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any

from monitorpy.core.result import CheckResult, Outcome, Run, SkippedCheck
from monitorpy.core.runner import DEFAULT_PER_HOST, DEFAULT_WORKERS, Runner
from monitorpy.core.spec import CheckSpec

__all__ = ["DEFAULT_PER_HOST", "DEFAULT_WORKERS", "Runner", "run_batch", "run_check_batch", "run_checks_in_parallel", "skipped"]


def run_batch(
    specs: Sequence[CheckSpec],
    *,
    known: Iterable[CheckSpec] = (),
    workers: int = DEFAULT_WORKERS,
    per_host: int = DEFAULT_PER_HOST,
    deadline: float | None = None,
    executor: Executor | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Run:
    """Run the checks and return every outcome in their order.

    ``known`` are further checks that these may need: run if needed, not reported. ``deadline`` (seconds) bounds the
    whole run: what has not ended by then is an error with fault "not_run". ``executor`` runs the checks elsewhere
    (a process pool, Dask) instead of on ``workers`` threads. ``on_outcome`` is called in this thread as each check ends.
    Ctrl-C ends the run at once: what has not ended is "not_run" and ``Run.interrupted`` is true.
    """
    started = time.monotonic()
    outcomes: dict[int, Outcome] = {}
    ended: SimpleQueue[tuple[int, Outcome]] = SimpleQueue()
    interrupted = False

    def keep(index: int, outcome: Outcome) -> None:
        outcomes[index] = outcome
        if on_outcome is not None:
            on_outcome(outcome)

    def note(index: int, future: Future[CheckResult]) -> None:
        ended.put((index, future.result()))

    with Runner([*known, *specs], workers=workers, per_host=per_host, deadline=deadline, executor=executor) as runner:
        try:
            for index, spec in enumerate(specs):
                if spec.skip is None:
                    runner.submit(spec).add_done_callback(partial(note, index))
                else:
                    ended.put((index, skipped(spec)))
            while len(outcomes) < len(specs):
                keep(*ended.get())
        except KeyboardInterrupt:
            interrupted = True
            runner.stop("the run was interrupted")
            for index, spec in enumerate(specs):
                if index not in outcomes:  # after stop() every future has its result
                    keep(index, runner.submit(spec).result() if spec.skip is None else skipped(spec))
    return Run(tuple(outcomes[i] for i in range(len(specs))), time.monotonic() - started, interrupted)


def skipped(spec: CheckSpec) -> SkippedCheck:
    """The outcome of a check whose file says ``skip:``."""
    return SkippedCheck(spec.id, spec.plugin, spec.masker.text(spec.skip or ""), spec.tags, spec.group, spec.source)


def run_checks_in_parallel(
    check_configs: Sequence[Mapping[str, Any]], max_workers: int | None = None, timeout: float | None = None
) -> list[tuple[Mapping[str, Any], CheckResult]]:
    """Run checks given as ``{"id": ..., "plugin_type": ..., "config": {...}}``; returns (check, result) in their order.

    ``timeout`` (seconds) bounds the whole run: what has not ended by then is an error result, and the call returns.
    """
    specs = [_spec(check, index) for index, check in enumerate(check_configs)]
    run = run_batch(specs, workers=max_workers or DEFAULT_WORKERS, per_host=0, deadline=timeout)
    return [(check, outcome) for check, outcome in zip(check_configs, run.outcomes, strict=True) if isinstance(outcome, CheckResult)]


def run_check_batch(
    check_configs: Sequence[Mapping[str, Any]], batch_size: int = 10, max_workers: int | None = None, timeout: float | None = None
) -> list[tuple[Mapping[str, Any], CheckResult]]:
    """As run_checks_in_parallel, ``batch_size`` checks after one another; ``timeout`` (seconds) bounds each batch."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be 1 or more, not {batch_size}")
    results: list[tuple[Mapping[str, Any], CheckResult]] = []
    for start in range(0, len(check_configs), batch_size):
        results += run_checks_in_parallel(check_configs[start : start + batch_size], max_workers, timeout)
    return results


def _spec(check: Mapping[str, Any], index: int) -> CheckSpec:
    """A spec that fails by itself where the check is not of the form: the others still run."""
    plugin = check.get("plugin_type", check.get("plugin"))
    config = check.get("config", {})
    return CheckSpec(id=str(check.get("id", index)), plugin=str(plugin or ""), config=config, scope=f"#{index}")  # ids may repeat here
