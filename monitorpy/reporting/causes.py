"""Which errors explain others: what a person has to look at first, and what is likely to go away with it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from monitorpy.core.plugin_base import host_in
from monitorpy.core.result import observed_target

Result: TypeAlias = Mapping[str, Any]
"""A result as in the JSON document, docs/results.md."""

_HERE = frozenset({"environment", "not_run"})
"""Faults that do not depend on the target: the same words are the same cause at any host."""


@dataclass(frozen=True, slots=True)
class Cause:
    """An error that blocks others, or the first of several alike, or one that stands alone.

    ``failing`` are the others that fail with the same words at the same host, ``blocked`` the results blocked by any of them.
    A blocked check whose root was not run or is no error here tells for it: its ``result`` is blocked itself.
    """

    result: Result
    failing: tuple[Result, ...] = ()
    blocked: tuple[Result, ...] = ()

    @property
    def size(self) -> int:
        """How many results are behind it."""
        return len(self.failing) + len(self.blocked)

    @property
    def is_unrun(self) -> bool:
        """Whether it only tells why checks did not run, of which there may be very many: it comes last, and not in the headline."""
        return bool(self.result["fault"] == "not_run")


def root_causes(results: Sequence[Result]) -> list[Cause]:
    """The causes of all errors, those with most behind them first, then in the order of the results; what did not run last.

    A result that is blocked by two causes is behind both.
    """
    failing: dict[Hashable, list[int]] = {}
    blocked: dict[Hashable, list[int]] = {}
    roots = _Roots()
    for place, result in enumerate(results):
        if result["status"] == "error" and result["fault"] != "blocked":
            cause: Hashable = _cause(result) or place
            failing.setdefault(cause, []).append(place)
            roots.add(place, result, cause)
    for place, result in enumerate(results):
        if result["status"] == "error" and result["fault"] == "blocked":
            for cause in dict.fromkeys(roots.of(place, result)) or [("blocked", _file(result), result["message"])]:
                if cause in failing:
                    blocked.setdefault(cause, []).append(place)
                else:
                    failing[cause] = [place]
    causes = [
        (first, Cause(results[first], tuple(results[i] for i in others), tuple(results[i] for i in blocked.get(cause, ()))))
        for cause, (first, *others) in failing.items()
    ]
    return [cause for _, cause in sorted(causes, key=lambda found: (found[1].is_unrun, -found[1].size, found[0]))]


def headline(causes: Sequence[Cause]) -> str:
    """As in ``2 root causes, 37 checks blocked or failing behind them``; "" where nothing is behind any."""
    ran = [cause for cause in causes if not cause.is_unrun]
    told = _behind(ran)
    return f"{len(ran)} root cause{'s' if len(ran) > 1 else ''}, {told}" if told else ""


def behind(cause: Cause) -> str:
    """As in ``36 checks blocked behind it``; "" for none."""
    if cause.is_unrun and cause.failing:
        return f"{cause.size} more did not run"
    return _behind([cause])


def _behind(causes: Sequence[Cause]) -> str:
    """What is behind all of them, each check counted once."""
    failing = _number(cause.failing for cause in causes)
    blocked = _number(cause.blocked for cause in causes)
    if not failing + blocked:
        return ""
    how = " or ".join(word for word, number in (("blocked", blocked), ("failing", failing)) if number)
    checks = "1 check" if failing + blocked == 1 else f"{failing + blocked} checks"
    return f"{checks} {how} behind {'them' if len(causes) > 1 else 'it'}"


class _Roots:
    """Finds the causes that the message of a blocked result names."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[int, str | None, Hashable]]] = {}
        self._longest = 1  # parts of an id that has commas

    def add(self, place: int, result: Result, cause: Hashable) -> None:
        name = str(result["id"])
        self._known.setdefault(name, []).append((place, _file(result), cause))
        self._longest = max(self._longest, name.count(", ") + 1)

    def of(self, place: int, result: Result) -> Iterator[Hashable]:
        """The causes, of ``blocked by ID, ID``; an id that stands for no error is left out."""
        parts = result["message"].removeprefix("blocked by ").split(", ")
        while parts:
            length = next((n for n in range(min(self._longest, len(parts)), 0, -1) if ", ".join(parts[:n]) in self._known), 0)
            if length:
                yield self._nearest(", ".join(parts[:length]), place, _file(result))
            del parts[: length or 1]

    def _nearest(self, name: str, place: int, file: str | None) -> Hashable:
        """Of equal ids the one in the same file, else (an included file's) the last one above, else the first below."""
        known = [k for k in self._known[name] if k[1] == file] or self._known[name]
        return max((k for k in known if k[0] < place), default=known[0])[2]


def _cause(result: Result) -> tuple[str, ...] | None:
    """What two results with the same cause have in common; None where that cannot be told."""
    if result["fault"] in _HERE:
        return result["fault"], result["message"]
    data = result["raw_data"] or {}
    host = host_in(observed_target(data))
    return (host.removesuffix(f":{data.get('port')}").lower(), result["fault"], result["message"]) if host else None


def _file(result: Result) -> str | None:
    return result["source"]["file"] if result["source"] else None


def _number(groups: Iterable[Sequence[Result]]) -> int:
    return len({id(result) for group in groups for result in group})
