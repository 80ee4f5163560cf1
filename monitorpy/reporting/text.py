"""Results for a person at a terminal or in a CI log: a line a check, failures first, and a summary."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from monitorpy.core.result import CheckResult, Outcome, Run, how_ended
from monitorpy.core.spec import CheckSpec
from monitorpy.reporting.causes import Cause, headline, root_causes
from monitorpy.reporting.explain import check_name, duration, explain, harmless, printable, shown_config

_COLOURS = {"ERROR": "31", "WARNING": "33", "BLOCKED": "35", "SKIPPED": "36", "OK": "32"}
_ORDER = list(_COLOURS)
_MANY = 100
"""Successes that are listed without being asked for."""
_NAMED = 8
"""Blocked checks that are named behind their root; checks that did not run and have a line each."""


def word(outcome: Outcome) -> str:
    """How an outcome is called: OK, WARNING, ERROR, BLOCKED, SKIPPED."""
    ended = how_ended(outcome.status, getattr(outcome, "fault", None))
    return "OK" if ended == "success" else ended.upper()


def report(run: Run, specs: Sequence[CheckSpec] = (), *, verbosity: int = 0, colour: bool = False) -> Iterator[str]:
    """The lines of the report.

    ``verbosity`` -1 leaves out what is good, 1 explains what is not (``specs``, one for each outcome, give the configs).
    Every text of a peer is on one line with its control characters escaped: it can neither steer a terminal nor form a
    command of a CI's log.
    """
    labels = [word(outcome) for outcome in run.outcomes]
    results = [outcome.to_dict() for outcome in run.outcomes]
    causes = root_causes(results)
    blocked, rank = _places(causes, results)
    hidden = {i for i, label in enumerate(labels) if label == "OK"} if _hides_good(labels, verbosity) else set()
    unrun = _unrun(run) if verbosity < 1 else []
    hidden.update(unrun)
    if verbosity < 1:  # what is blocked is named behind its root; a root that was not selected has no line
        hidden.update(i for root, places in blocked.items() if labels[root] == "ERROR" for i in places)
    places = sorted((i for i in range(len(labels)) if i not in hidden), key=lambda i: (_ORDER.index(labels[i]), rank.get(i, 0)))
    width = min(50, max((len(name(run.outcomes[i])) for i in places), default=0))
    for i in places:
        outcome = run.outcomes[i]
        yield harmless(_line(outcome, labels[i], width, colour))
        if labels[i] == "ERROR" and (behind := [name(run.outcomes[place]) for place in blocked.get(i, ())]):
            yield harmless(f"         blocks {_some(behind)}")
        if verbosity > 0 and labels[i] != "OK" and specs and isinstance(outcome, CheckResult):
            yield from (harmless(f"      {line}") for line in explain(outcome, shown_config(specs[i])).lines())
    if unrun:
        yield _painted(
            f"ERROR    {len(unrun)} checks did not run (-v lists them): {run.outcomes[unrun[-1]].message}", _COLOURS["ERROR"], colour
        )
    if verbosity == 0 and _hides_good(labels, verbosity):
        yield f"OK       {labels.count('OK')} checks (-v lists them)"
    if told := headline(causes):
        yield told
    worst = min(labels, key=_ORDER.index, default="OK")
    yield _painted(summary(run), _COLOURS[worst], colour)


def summary(run: Run) -> str:
    """One line: the counts, and how long it took."""
    return totals(run.summary()) + (", interrupted" if run.interrupted else "")


def totals(counts: Mapping[str, Any]) -> str:
    """The summary of the JSON document on one line."""
    names = (("success", "ok"), ("warning", "warning"), ("error", "error"), ("blocked", "blocked"), ("skipped", "skipped"))
    parts = [f"{counts[key]} {name}" for key, name in names if counts[key] or key == "success"]
    checks = "1 check" if counts["total"] == 1 else f"{counts['total']} checks"
    return f"{checks} in {duration(counts['duration'])}: {', '.join(parts)}"


def name(outcome: Outcome) -> str:
    """``group::id``."""
    return printable(check_name(outcome.group, outcome.id))


def wants_colour(stream: IO[str]) -> bool:
    """Whether to write colours: to a terminal, unless NO_COLOR is set (no-color.org) or TERM is dumb."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _line(outcome: Outcome, label: str, width: int, colour: bool) -> str:
    took = f"  ({duration(outcome.response_time)})" if isinstance(outcome, CheckResult) and outcome.attempts else ""
    where = f"  {printable(str(outcome.source))}" if outcome.source and label != "OK" else ""
    return f"{_painted(f'{label:<8}', _COLOURS[label], colour)} {name(outcome):<{width}}  {printable(outcome.message)}{took}{where}"


def _painted(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code else text


def _hides_good(labels: Sequence[str], verbosity: int) -> bool:
    return verbosity < 0 or (verbosity == 0 and labels.count("OK") > _MANY)


def _unrun(run: Run) -> list[int]:
    """The places of what Ctrl-C or the run's deadline cut off, where they are too many to be listed."""
    found = [i for i, outcome in enumerate(run.outcomes) if isinstance(outcome, CheckResult) and outcome.fault == "not_run"]
    return found if len(found) > _NAMED else []


def _places(causes: Sequence[Cause], results: Sequence[dict[str, Any]]) -> tuple[dict[int, list[int]], dict[int, int]]:
    """The places of what each place blocks, and the order of those that are, or are like, a cause."""
    place = {id(result): i for i, result in enumerate(results)}
    blocked = {place[id(cause.result)]: [place[id(result)] for result in cause.blocked] for cause in causes}
    alike = (result for cause in causes for result in (cause.result, *cause.failing))
    return blocked, {place[id(result)]: i for i, result in enumerate(alike)}


def _some(names: list[str]) -> str:
    listed = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    return f"{len(names)} {'check' if len(names) == 1 else 'checks'}: {listed}"


def counts(outcomes: Counter[str]) -> str:
    """What has ended so far, for a line of progress."""
    return ", ".join(f"{outcomes[label]} {label.lower()}" for label in _COLOURS if outcomes[label])
