"""What stands above the table of checks: counts, root causes, groups and tags, response times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from monitorpy import __version__
from monitorpy.reporting.causes import Cause, headline, root_causes
from monitorpy.reporting.explain import check_name, duration
from monitorpy.reporting.histogram import histogram, quantiles, response_times
from monitorpy.reporting.html_parts import bar, plural, shown, utc
from monitorpy.reporting.html_verdict import WORDS, status_of

Result: TypeAlias = Mapping[str, Any]

_SOME, _FEW = 12, 4
"""Names that are listed where there may be many; those behind a cause."""

_WIDE, _NARROW = 999, 140
_SIZE, _STRETCHED = f"width={_WIDE}", f'width="100%" viewBox="0 0 {_WIDE} 6" preserveAspectRatio=none'


def facts(document: Mapping[str, Any], unrun: int, unselected: int) -> str:
    """When, how long, what."""
    results = document["results"]
    selected = len(results) + unrun
    found = {
        "Started": _started(results),
        "Duration": duration(document["summary"]["duration"]),
        "Selected": f"{selected} of {selected + unselected} checks" if unselected else "",
        "Check files": _listed(dict.fromkeys(shown(result["source"]["file"]) for result in results if result["source"])),
        "MonitorPy": __version__,
    }
    return f"<dl>{''.join(f'<div><dt>{name}<dd>{value}</div>' for name, value in found.items() if value)}</dl>"


def counts(results: Sequence[Result], unrun: int) -> str:
    """How many ended how, in numbers and as one line; ``unrun`` leave a gap in it."""
    ended = Counter(map(status_of, results))
    tiles = [f"<li class={status}><b>{ended[status]}</b> {word}" for status, word in WORDS.items() if ended[status] or word == "OK"]
    if unrun:
        tiles.insert(0, f"<li class=error><b>{unrun}</b> NOT RUN")
    return f"<ul>{''.join(tiles)}</ul>{_shares(ended, _WIDE, unrun).replace(_SIZE, _STRETCHED)}" if results or unrun else ""


def unrun(names: Sequence[str]) -> str:
    """The checks that have no result at all; "" for none."""
    if not names:
        return ""
    listed = "".join(f"<li>{shown(name)}" for name in names)
    head = f"<details{' open' if len(names) <= _SOME else ''}><summary>{plural(len(names), 'check')}</summary>"
    return f"<section><h2>Did not run</h2>{head}<ul>{listed}</ul></details></section>"


def causes(results: Sequence[Result]) -> str:
    """What to look at first; "" where nothing is behind any error."""
    found = [cause for cause in root_causes(results) if not cause.is_unrun]
    if not (told := headline(found)):
        return ""
    numbers = {id(result): number for number, result in enumerate(results)}
    with_more = [cause for cause in found if cause.size]
    items = "".join(f"<li>{_cause(cause, numbers)}" for cause in with_more[:_SOME])
    rest = len(found) - min(len(with_more), _SOME)
    more = f"<p>{plural(rest, 'more cause')}, among the checks below." if rest else ""
    return f"<section id=causes><h2>{told}</h2><ol>{items}</ol>{more}</section>"


def breakdown(title: str, results: Iterable[tuple[str, Result]]) -> str:
    """A table of results by a name, the worst first; "" where there are no names."""
    found: dict[str, list[Result]] = {}
    for name, result in results:
        found.setdefault(name, []).append(result)
    if not found:
        return ""
    ends = {name: Counter(map(status_of, members)) for name, members in found.items()}
    order = sorted(found, key=lambda name: [-ends[name][status] for status in ("error", "blocked", "warning")])
    rows = "".join(_breakdown_row(name, found[name], ends[name]) for name in order)
    head = f"<thead><tr><th scope=col>{title}<th scope=col>Checks<th scope=col>Outcome<th scope=col>Median"
    table = f"<div tabindex=0 role=region aria-label={title}s><table>{head}<tbody>{rows}</table></div>"
    return f"<section class=breakdown id={title.lower()}s><h2>{title}s</h2>{table}</section>"


def times(results: Sequence[Result]) -> str:
    """How response times are spread; "" where nothing ran."""
    found = response_times(results)
    if not found:
        return ""
    slowest = max(range(len(results)), key=lambda number: results[number]["response_time"] or 0)
    which = f"slowest {_link(slowest, results[slowest])} {duration(found[-1])}"
    return (
        f"<section id=times><h2>Response times</h2><p>{quantiles(found).capitalize()}, {which}</p><div>{histogram(found)}</div></section>"
    )


def _started(results: Iterable[Result]) -> str:
    begun = [datetime.fromisoformat(r["timestamp"]) - timedelta(seconds=r["response_time"] or 0) for r in results if r["timestamp"]]
    return utc(min(begun)) if begun else ""


def _cause(cause: Cause, numbers: Mapping[int, int]) -> str:
    def named(results: Sequence[Result]) -> str:
        return _listed([_link(numbers[id(result)], result) for result in results], _FEW)

    more = [f"{len(cause.failing)} more fail alike: {named(cause.failing)}"] if cause.failing else []
    more += [f"blocks {len(cause.blocked)}: {named(cause.blocked)}"] if cause.blocked else []
    message = shown(" ".join(cause.result["message"].split()))
    return f"{_link(numbers[id(cause.result)], cause.result)} {message}<p>{'; '.join(more)}"


def _breakdown_row(name: str, members: Sequence[Result], ends: Counter[str]) -> str:
    typical = response_times(members)
    median = duration(typical[len(typical) // 2]) if typical else ""
    told = _told(ends)
    return f"<tr><th scope=row>{shown(name)}<td>{len(members)}<td>{_shares(ends, _NARROW)}<small>{told}</small><td>{median}"


def _shares(ends: Counter[str], width: int, unrun: int = 0) -> str:
    scale = width / (ends.total() + unrun)
    return bar([(status, ends[status] * scale) for status in WORDS if ends[status]], width, _told(ends))


def _told(ends: Counter[str]) -> str:
    """``2 errors, 1 skipped, 3 OK``."""
    words = {"error": plural(ends["error"], "error"), "warning": plural(ends["warning"], "warning"), "success": f"{ends['success']} OK"}
    return ", ".join(words.get(status, f"{ends[status]} {status}") for status in WORDS if ends[status])


def _link(number: int, result: Result) -> str:
    return f"<a href=#c{number}>{shown(check_name(result['group'], result['id']))}</a>"


def _listed(names: Iterable[str], most: int = _SOME) -> str:
    """Names that are escaped already; the first of many."""
    each = list(names)
    return ", ".join(each[:most]) + (f", and {len(each) - most} more" if len(each) > most else "")
