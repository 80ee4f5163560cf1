"""Results as one HTML page that needs nothing but itself: `monitorpy batch --html`, `pytest --monitorpy-html`.

Everything is in the page as text, so it can be read and searched without JavaScript; with it the table can be sorted and
filtered. A policy in the page allows its own style and script, by their hashes, and no request at all.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from monitorpy.reporting import html_sections as sections
from monitorpy.reporting.html_parts import block, plural, shown
from monitorpy.reporting.html_raw import RawData
from monitorpy.reporting.html_row import END, PHASES, row
from monitorpy.reporting.html_verdict import WORDS, Verdict, status_of, verdict

TITLE = "MonitorPy report"

_SIZE, _LEAST = 8_500_000, 250_000
"""Characters: raw data fill the page up to the one, failures first, and have the other in any case."""

_NOTE = 4_000
"""Characters of a note that are shown."""

_ORDER = list(WORDS)
_COLUMNS = ("Status", "Check", "Group", "Plugin", "Target", "Time", "Message")
_ICON = "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Ccircle cx='4' cy='4' r='4' fill='%23{}'/%3E%3C/svg%3E"
_COLOURS = {"bad": "c0392b", "mild": "c98a00", "good": "2e8b57"}


def html_report(
    document: Mapping[str, Any], *, title: str = TITLE, unrun: Sequence[str] = (), notes: Sequence[str] = (), unselected: int = 0
) -> str:
    """The page of a document of docs/results.md.

    ``unrun`` are the names of checks that were to run and have no result. ``notes`` are sentences about what went wrong
    beside the checks: a page with one is never all green. ``unselected`` checks were there and not chosen.
    """
    results = sorted(document["results"], key=_place)
    found = verdict(results, len(unrun), noted=bool(notes))
    parts = [
        _head(found, title),
        f"<header><p>{shown(title)}</p><h1>{found.headline}</h1>",
        *(f"<p class=note>{block(note[:_NOTE].splitlines())}</p>" for note in notes),
        sections.counts(results, len(unrun)),
        sections.facts(document, len(unrun), unselected),
        "</header><main>",
        sections.unrun(unrun),
        sections.causes(results),
        sections.times(results),
        sections.breakdown("Group", ((result["group"], result) for result in results if result["group"])),
        sections.breakdown("Tag", ((tag, result) for result in results for tag in result["tags"])),
        _checks(results) if results else "",
        f"</main><script>{_asset('js')}</script>\n",
    ]
    return "".join(parts)


def _place(result: Mapping[str, Any]) -> tuple[int, bool]:
    """Failures first, and of these the ones that ran."""
    return _ORDER.index(status_of(result)), result["fault"] == "not_run"


def _head(found: Verdict, title: str) -> str:
    style, script = _asset("css"), _asset("js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        f'<!DOCTYPE html><html lang=en class={found.level}><meta charset=utf-8><meta http-equiv=Content-Security-Policy content="{policy}">'
        "<meta name=viewport content=width=device-width><meta name=color-scheme content='light dark'>"
        "<meta name=referrer content=no-referrer>"
        f'<link rel=icon href="data:image/svg+xml,{_ICON.format(_COLOURS[found.level])}">'
        f"<title>{found.headline} - {shown(title)}</title><style>{style}</style>"
    )


@cache
def _asset(kind: str) -> str:
    return files("monitorpy.reporting").joinpath(f"html_report.{kind}").read_text(encoding="ascii")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _checks(results: Sequence[Mapping[str, Any]]) -> str:
    rows = [row(number, result) for number, result in enumerate(results)]
    raw = RawData(max(_LEAST, _SIZE - sum(map(len, rows))))
    rows = [f"{row}{raw.of(result['raw_data'] or {})}{END}" for row, result in zip(rows, results, strict=True)]
    missing = f"<p>The raw data of {plural(raw.left_out, 'check')} are left out to keep this page small; the results in JSON have them."
    head = "".join(f"<th scope=col>{name}" for name in _COLUMNS)
    return (
        f"<section id=checks><h2>Checks</h2>{_legend(results)}{missing if raw.left_out else ''}"
        f"<table><thead><tr>{head}<tbody>\n{''.join(rows)}</table></section>"
    )


def _legend(results: Sequence[Mapping[str, Any]]) -> str:
    """The colours of the phases that occur."""
    used = {name for result in results for name, seconds in result["phases"].items() if seconds}
    known = [(number, name.replace("_", " ")) for number, name in enumerate(PHASES) if name in used]
    other = [(len(PHASES), "other")] if used - set(PHASES) else []
    parts = "".join(f"<li><svg width=10 height=10><path class=p{number} d=M0,5h10 /></svg> {name}" for number, name in known + other)
    return f"<ul class=legend>{parts}</ul>" if parts else ""
