"""The single path of every front end: one spec in, one finished CheckResult out."""

from __future__ import annotations

import contextvars
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Thread

from monitorpy.core.expectations import evaluate, observation
from monitorpy.core.plain import cut, masked, to_plain
from monitorpy.core.plugin_base import DEFAULT_TIMEOUT, Endpoint, guarded, own_copy, require_valid
from monitorpy.core.registry import Check, attempt, registry
from monitorpy.core.result import CheckResult, Failure, worst
from monitorpy.core.spec import CheckSpec
from monitorpy.errors import ConfigError, ConfigIssue
from monitorpy.net.deadline import Deadline
from monitorpy.utils.masking import active_masker, excerpt

MESSAGE_LIMIT = 4_000
"""Characters of a message: a peer may have written part of it."""


def execute(
    spec: CheckSpec,
    *,
    deadline: Deadline | None = None,
    check: Check | None = None,
    attempt_started: Callable[[Deadline], None] | None = None,
) -> CheckResult:
    """Run one check with everything its spec asks for; never raises.

    Attempts and retries, every address, expectations, the severity cap, secrets masked, plain JSON types only, raw data
    cut at 64 kB. ``deadline`` is the run's: no further attempt starts after it. ``check`` replaces the registry's plugin
    (a pytest fixture). ``attempt_started`` is told the deadline of each attempt, so that a runner can give up on a plugin
    that does not keep it.
    """
    token = active_masker.set(spec.masker)
    try:
        result = guarded(lambda: _attempts(spec, deadline or Deadline.never(), check, attempt_started))
        done = guarded(lambda: finished(spec, result))
        return done if done.id == spec.id else finished(spec, done)  # what the plugin gave could not even be read
    finally:
        active_masker.reset(token)


def attempt_seconds(spec: CheckSpec) -> float:
    """Seconds that one attempt may take: the smaller of the check's and its config's timeout, else 10."""
    config: object = spec.config  # what a caller of run_checks_in_parallel gave may be anything
    own = config.get("timeout") if isinstance(config, Mapping) else None
    given = [t for t in (spec.timeout, own) if isinstance(t, int | float) and not isinstance(t, bool) and t > 0]
    return float(min(given, default=DEFAULT_TIMEOUT))


def _attempts(
    spec: CheckSpec, run_deadline: Deadline, check: Check | None, attempt_started: Callable[[Deadline], None] | None
) -> CheckResult:
    """Try until it is no retryable error any more, or attempts, budget or the run's time are used up."""
    retries = spec.retries
    budget = Deadline(retries.budget if retries.budget is not None else math.inf)
    earlier = ""
    number = 0
    while True:
        number += 1
        deadline = Deadline(attempt_seconds(spec)).earlier(budget)
        if attempt_started is not None:
            attempt_started(deadline)
        result = replace(_attempt(spec, deadline, check), attempts=number)
        last = number > retries.count or min(budget.left(), run_deadline.left()) <= retries.delay
        if last or not result.is_error() or result.kind not in retries.on:
            break
        earlier = result.message
        if attempt_started is not None:
            attempt_started(Deadline(retries.delay + DEFAULT_TIMEOUT))  # a pause is no attempt that is overdue
        time.sleep(retries.delay)
    if result.attempts > 1 and not result.is_error() and spec.flaky != "ok":
        note = f"passed on attempt {result.attempts} (before: {earlier})"
        message = note if result.is_success() else f"{result.message}; {note}"
        result = replace(result, status=CheckResult.STATUS_WARNING, message=message)
    return result


def _attempt(spec: CheckSpec, deadline: Deadline, check: Check | None) -> CheckResult:
    if check is not None:
        started = time.perf_counter()
        result = guarded(lambda: check(own_copy(spec.config)))
        if result.response_time == 0.0:
            result = replace(result, response_time=time.perf_counter() - started)
        return _judged(spec, _in_time(result, deadline))
    if spec.addresses == "all":
        return guarded(lambda: _everywhere(spec, deadline))  # what breaks off before there are addresses may be tried again too
    return _look(spec, deadline)


def _look(spec: CheckSpec, deadline: Deadline, endpoint: Endpoint | None = None) -> CheckResult:
    """One observation, judged, and only then masked."""
    result, masker = attempt(spec.plugin, spec.config, deadline=deadline, endpoint=endpoint)
    return masked(_judged(spec, _in_time(result, deadline)), masker)


def _in_time(result: CheckResult, deadline: Deadline) -> CheckResult:
    """What comes after the deadline is no pass, however good it is: a plugin need not heed its deadline."""
    if result.is_error() or not deadline.expired:
        return result
    message = f"no result within {deadline.seconds:g} s: it came {deadline.overdue():.3f} s later ({result.message})"
    return result.changed(status=CheckResult.STATUS_ERROR, message=message, fault="target", kind="timeout")


def _everywhere(spec: CheckSpec, deadline: Deadline) -> CheckResult:
    """One sub-result for each address of the target, side by side so that a silent one takes no time from the others."""
    plugin = registry.get_plugin(spec.plugin, spec.config)
    if not plugin.pins_address:
        raise ConfigError(ConfigIssue((), f"addresses: all is not possible with {spec.plugin}: it cannot be pointed at one address"))
    require_valid(plugin)
    plugin.deadline = deadline
    endpoints = list(dict.fromkeys(plugin.endpoints()))
    results: dict[Endpoint, CheckResult] = {}

    def look(endpoint: Endpoint) -> None:
        results[endpoint] = _look(spec, deadline, endpoint)

    threads = [Thread(target=contextvars.copy_context().run, args=(look, endpoint), daemon=True) for endpoint in endpoints]
    for thread in threads:
        thread.start()
    grace = Deadline(deadline.left() + 0.25)
    for thread in threads:
        thread.join(grace.left())
    late = CheckResult.error(f"no result within {deadline.seconds:g} s", deadline.seconds, fault="target", kind="timeout")
    return _merged({endpoint: results.get(endpoint, late) for endpoint in endpoints})


def _merged(results: dict[Endpoint, CheckResult]) -> CheckResult:
    """The worst result stands for all; the others are in ``raw_data.addresses``."""
    status = worst(r.status for r in results.values())
    chosen = next(r for r in results.values() if r.status == status)
    several = len({e.host for e in results}) > 1
    bad = [f"{_place(e, several)}: {r.message}" for e, r in results.items() if not r.is_success()]
    parts = [
        {"address": e.address, "host": e.host}
        | {"status": r.status, "message": r.message, "response_time": r.response_time, "phases": dict(r.phases)}
        for e, r in results.items()
    ]
    message = chosen.message
    if len(results) > 1:
        message = f"{len(bad)} of {len(results)} addresses: {'; '.join(bad)}" if bad else f"all {len(results)} addresses: {message}"
    slowest = max(r.response_time for r in results.values())
    return replace(chosen, message=message, response_time=slowest, raw_data={**(chosen.raw_data or {}), "addresses": parts})


def _place(endpoint: Endpoint, several_hosts: bool) -> str:
    if endpoint.address is None:
        return str(endpoint.host)
    return f"{endpoint.host} ({endpoint.address})" if several_hosts else endpoint.address


def _judged(spec: CheckSpec, result: CheckResult) -> CheckResult:
    """The result with the check's own expectations added; a check that reached no answer is judged no further."""
    answered = result.fault is None or result.kind == "expectation"
    failures = tuple(evaluate(spec.expect, observation(result))) if spec.expect and answered else ()
    if failures:
        texts = [] if result.is_success() else [result.message]
        status = worst([result.status, *(f.severity for f in failures)])
        message = "; ".join([*texts, *map(str, failures)])
        result = replace(result, status=status, message=message, failures=result.failures + failures)
    if result.is_error() and result.fault is None:
        result = replace(result, fault="target", kind=result.kind or "expectation")
    return result


def finished(spec: CheckSpec, result: CheckResult) -> CheckResult:
    """The result capped, masked, plain, cut, and signed with where it comes from."""
    if spec.severity == "warning":
        status = CheckResult.STATUS_WARNING if result.is_error() else result.status
        result = replace(result, status=status, failures=tuple(replace(f, severity="warning") for f in result.failures))
    if result.is_success():
        result = replace(result, fault=None)
    result = masked(result, spec.masker)
    message = to_plain(result.message)
    return replace(
        result,
        message=message if len(message) <= MESSAGE_LIMIT else f"{excerpt(message, MESSAGE_LIMIT)}... ({len(message)} characters)",
        response_time=float(result.response_time),
        raw_data=cut(to_plain(result.raw_data)),
        phases={str(name): None if seconds is None else float(seconds) for name, seconds in result.phases.items()},
        failures=tuple(_plain_failure(f) for f in result.failures),
        id=spec.id,
        plugin=spec.plugin,
        tags=spec.tags,
        group=spec.group,
        source=spec.source,
    )


def _plain_failure(failure: Failure) -> Failure:
    actual = cut({"actual": to_plain(failure.actual)}, MESSAGE_LIMIT)
    return replace(failure, path=to_plain(failure.path), expected=to_plain(failure.expected), actual=actual["actual"])
