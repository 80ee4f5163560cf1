"""One check as a row of the page's table: what is seen at once, and in a <details> all the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from monitorpy.core.result import observed_target
from monitorpy.reporting.explain import FAULTS, duration, own_frames, shown_value
from monitorpy.reporting.html_parts import LIMIT, bar, block, link, shown, utc
from monitorpy.reporting.html_verdict import WORDS, status_of

PHASES = ("dns", "connect", "tls", "first_byte", "transfer", "send")
"""Those with a colour of their own, in all reports the same; others share one."""

END = "</details>\n"
"""What closes a row, behind raw data if there are any; other closing tags are left out, as HTML allows."""

_BAR = 96
_MANY = 20
"""Failures, tags, lines of a message or a traceback that are shown of one check."""


def row(number: int, result: Mapping[str, Any]) -> str:
    """The row with the anchor ``c<number>``, up to its `END`."""
    status = status_of(result)
    tags = "".join(f" <i>{shown(tag)}</i>" for tag in result["tags"][:_MANY])
    head = f"<tr id=c{number} class={status}><td><b>{WORDS[status]}</b><th scope=row>{shown(str(result['id']))}{tags}"
    target = link(observed_target(result["raw_data"] or {}) or "")
    where = f"<td>{shown(result['group'] or '')}<td>{shown(result['plugin'] or '')}<td>{target}"
    summary = shown(next(iter(result["message"].splitlines()), ""))
    return f"{head}{where}<td>{_time(result)}<td><details><summary>{summary}</summary>{''.join(_details(result, status))}"


def colour_of(phase: str) -> int:
    return PHASES.index(phase) if phase in PHASES else len(PHASES)


def _time(result: Mapping[str, Any]) -> str:
    seconds = result["response_time"]
    if not seconds or not result["attempts"]:
        return ""
    return f"<data value={seconds:.6f}>{duration(seconds)}</data>{_phase_bar(result['phases'], seconds)}"


def _phase_bar(phases: Mapping[str, float | None], total: float) -> str:
    """The phases as shares of a line; what is left of it is time in none of them."""
    times = {name: seconds for name, seconds in phases.items() if seconds}
    if not times:
        return ""
    scale = _BAR / max(total, sum(times.values()))
    return bar([(f"p{colour_of(name)}", seconds * scale) for name, seconds in times.items()], _BAR, _phases(times))


def _phases(phases: Mapping[str, float | None]) -> str:
    return shown(", ".join(f"{name.replace('_', ' ')} {duration(seconds)}" for name, seconds in phases.items()))


def _details(result: Mapping[str, Any], status: str) -> Iterator[str]:
    lines = result["message"].splitlines()
    if len(lines) > 1 or len(result["message"]) > LIMIT:
        yield f"<pre>{block(_some(lines))}</pre>"
    if failures := result["failures"]:
        yield _failures(failures, status)
    if fault := FAULTS.get(result["fault"] or ""):
        yield f"<p>{fault}</p>"
    if isinstance(trace := (result["raw_data"] or {}).get("traceback"), str):
        yield f"<pre>{block(_some(list(own_frames(trace))))}</pre>"
    yield f"<p>{' · '.join(_facts(result, status))}</p>"


def _failures(failures: Sequence[Mapping[str, Any]], status: str) -> str:
    rows = [_failure(failure, mild=failure["severity"] == "warning" and status == "error") for failure in failures[:_MANY]]
    if len(failures) > _MANY:
        rows.append(f"<tr><td colspan=3>and {len(failures) - _MANY} more")
    return f"<table><tr><th scope=col>Not as expected<th scope=col>Expected<th scope=col>Actual{''.join(rows)}</table>"


def _failure(failure: Mapping[str, Any], *, mild: bool) -> str:
    actual = shown_value(failure["actual"], details=True)
    return f"<tr><td>{shown(failure['path'])}{' (warning)' if mild else ''}<td>{shown(failure['expected'])}<td>{shown(actual)}"


def _facts(result: Mapping[str, Any], status: str) -> Iterator[str]:
    if phases := {name: seconds for name, seconds in result["phases"].items() if seconds is not None or status != "success"}:
        yield _phases(phases)
    if result["attempts"] > 1:
        yield f"{result['attempts']} attempts"
    if stamp := result["timestamp"]:
        yield utc(datetime.fromisoformat(stamp))
    if source := result["source"]:
        yield shown(f"{source['file']}:{source['line']}")


def _some(lines: list[str]) -> list[str]:
    """The first and last lines of many, each cut."""
    cut = [line if len(line) <= LIMIT * 4 else f"{line[: LIMIT * 4]}... ({len(line)} characters)" for line in lines]
    return cut if len(cut) <= 2 * _MANY else [*cut[:_MANY], f"... {len(cut) - 2 * _MANY} lines ...", *cut[-_MANY:]]
