"""What does not hold of an HTTP answer: a Failure for each expectation, by part of the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from monitorpy.core.http_fields import PhaseLimits, TextMatch
from monitorpy.core.json_schema import JsonSchema
from monitorpy.core.paths import Path, PathError
from monitorpy.core.patterns import Pattern
from monitorpy.core.result import Failure
from monitorpy.core.values import same, shown
from monitorpy.net.deadline import Deadline
from monitorpy.utils.masking import excerpt

_EXCERPT = 200
"""Characters of a body in a failure."""


def header_failures(
    expected: Mapping[str, str | TextMatch], unexpected: Iterable[str], headers: Mapping[str, str], repeated: Mapping[str, list[str]]
) -> Iterator[Failure]:
    """Of headers by lower-case name; one that came several times may hold joined by commas, or one by one."""
    for name, wanted in expected.items():
        actual = headers.get(name.lower())
        prose, fine = _wanted(wanted), any(_holds(wanted, value) for value in [actual, *repeated.get(name.lower(), ())])
        if not fine:
            got = "it is missing" if actual is None else f"got {shown(actual)}"
            yield Failure(f"headers.{name.lower()}", prose, actual, message=f"header {name}: expected {prose}, {got}")
    for name in unexpected:
        if (there := headers.get(name.lower())) is not None:
            yield Failure(f"headers.{name.lower()}", "not to be there", there, message=f"header {name}: expected none, got {shown(there)}")


def _wanted(wanted: str | TextMatch) -> str:
    return shown(wanted) if isinstance(wanted, str) else f"match of /{wanted.matches.pattern}/"


def _holds(wanted: str | TextMatch, actual: str | None) -> bool:
    if actual is None:
        return False
    return actual == wanted if isinstance(wanted, str) else bool(wanted.matches.search(actual))


def body_failures(contains: Iterable[str], lacks: Iterable[str], pattern: Pattern | None, body: str) -> Iterator[Failure]:
    """Of the whole body as text."""
    start = excerpt(body, _EXCERPT)
    for text in contains:
        if text not in body:
            yield Failure("body", f"contains {shown(text)}", start, message=f"the body does not contain {shown(text)}")
    for text in lacks:
        if text in body:
            yield Failure("body", f"does not contain {shown(text)}", start, message=f"the body contains {shown(text)}")
    if pattern and not pattern.search(body):
        yield Failure("body", f"matches /{pattern.pattern}/", start, message=f"the body does not match /{pattern.pattern}/")


def json_failures(expected: Mapping[Path, Any], schema: JsonSchema | None, raw: Mapping[str, Any], deadline: Deadline) -> Iterator[Failure]:
    """Of ``raw["json"]``, which is missing where the body is no JSON."""
    if not expected and schema is None:
        return
    if "json" not in raw:
        kind = raw["headers"].get("content-type", "no content type")
        yield Failure("json", "a JSON body", excerpt(raw["body"], _EXCERPT), message=f"the body is not JSON ({excerpt(kind, _EXCERPT)})")
        return
    for path, wanted in expected.items():
        place = f"json.{path}"
        try:
            found = path.select(raw["json"])
        except PathError as wrong:
            yield Failure(place, shown(wanted), None, message=f"{place}: expected {shown(wanted)}, but it cannot be followed: {wrong}")
            continue
        if not found:
            yield Failure(place, shown(wanted), None, message=f"{place}: expected {shown(wanted)}, but there is no such value")
        for _, actual in found:
            if not same(actual, wanted):
                yield Failure(place, shown(wanted), actual, message=f"{place}: expected {shown(wanted)}, got {shown(actual)}")
    if schema:
        yield from schema.failures(raw["json"], deadline)


def redirect_failures(url: str | TextMatch | None, count: int | None, raw: Mapping[str, Any]) -> Iterator[Failure]:
    """Of where the redirects led (``https://example.org`` and ``https://example.org/`` are the same), and of how many there were."""
    final, redirects = raw["final_url"], len(raw["redirects"])
    if url is not None and not _holds(url, final) and f"{url}/" != final:
        yield Failure("final_url", _wanted(url), final, message=f"final URL: expected {_wanted(url)}, got {shown(final, _EXCERPT)}")
    if count is not None and redirects != count:
        yield Failure("redirects", str(count), redirects, message=f"expected {count} redirects, got {redirects}")


def phase_failures(limits: PhaseLimits, phases: Mapping[str, float | None]) -> Iterator[Failure]:
    """Of seconds per phase; one that was not reached took no time, which is not what someone expects who limits it."""
    for name in type(limits).model_fields:
        limit, seconds = getattr(limits, name), phases.get(name)
        if limit is None:
            continue
        if seconds is None:
            text = f"the phase {name} has a limit, but was not reached" + (" (the answer came over http)" if name == "tls" else "")
            yield Failure(f"phases.{name}", limit.prose(), None, message=text)
        elif slow := limit.failure(f"phases.{name}", seconds, what=f"phase {name}", unit=" s"):
            yield slow
