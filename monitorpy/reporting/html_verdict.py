"""What the page says first, in one line and one colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from monitorpy.core.result import how_ended
from monitorpy.reporting.html_parts import plural

WORDS = {"error": "ERROR", "warning": "WARNING", "blocked": "BLOCKED", "skipped": "SKIPPED", "success": "OK"}
"""Statuses in the order of the page, and how the terminal calls them."""


def status_of(result: Mapping[str, Any]) -> str:
    return how_ended(result["status"], result["fault"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run went. ``level`` is "good" only if something was checked and all is well and complete, else "mild" or "bad"."""

    level: str
    headline: str


def verdict(results: Iterable[Mapping[str, Any]], unrun: int, *, noted: bool) -> Verdict:
    """The verdict; ``unrun`` checks were to run and have no result, ``noted`` if something went wrong beside the checks."""
    counts = Counter("unrun" if result["fault"] == "not_run" else status_of(result) for result in results)
    counts["unrun"] += unrun
    if counts["error"] or counts["unrun"] or counts["blocked"]:
        return Verdict("bad", _bad(counts))
    if counts["warning"]:
        return Verdict("mild", f"No failures, {plural(counts['warning'], 'warning')}")
    if not counts["success"]:
        return Verdict("mild", "Nothing was checked")
    return Verdict("mild" if noted else "good", _good(counts))


def _bad(counts: Counter[str]) -> str:
    of = f"of {plural(counts.total(), 'check')}"
    failed, unrun, blocked = counts["error"], counts["unrun"], counts["blocked"]
    if failed:
        return f"{failed} {of} {'fails' if failed == 1 else 'fail'}" + (f", {unrun} did not run" if unrun else "")
    if unrun:
        return f"Incomplete: {counts.total() - unrun} {of} ran"
    return f"{blocked} {of} {'is' if blocked == 1 else 'are'} blocked"


def _good(counts: Counter[str]) -> str:
    if counts["skipped"]:
        return f"{plural(counts['success'], 'check')} passed, {counts['skipped']} skipped"
    return "The check passed" if counts["success"] == 1 else f"All {counts['success']} checks passed"
