"""Which checks a check needs: names to ids, and no circles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Protocol

from monitorpy.checkfile.issues import Issues
from monitorpy.checkfile.nodes import Pos


class Needing(Protocol):
    """A check as far as this module goes."""

    file: str

    @property
    def id(self) -> str: ...

    @property
    def wanted(self) -> Sequence[str]: ...

    def need_at(self, place: int) -> Pos: ...


def resolved(checks: Sequence[Needing], bases: Mapping[str, Sequence[str]], issues: Issues) -> dict[str, tuple[str, ...]]:
    """The ids that each check needs. ``bases`` maps the id of a matrix to all its expansions. Unknown ones and circles are reported."""
    known = {check.id for check in checks}
    found: dict[str, tuple[str, ...]] = {}
    for check in checks:
        if check.wanted:
            ids: dict[str, None] = {}
            for place, name in enumerate(check.wanted):
                if name in known:
                    ids[name] = None
                elif name in bases:
                    ids.update(dict.fromkeys(bases[name]))
                elif name:
                    issues.add(check.file, check.need_at(place), _unknown(name, [*known, *bases]))
            found[check.id] = tuple(ids)
    _report_circles({check.id: check for check in checks if check.wanted}, found, issues)
    return found


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1, 0.6) if len(known) <= 10_000 else []  # noqa: PLR2004 - a hint is not worth seconds
    return f"needs {name!r:.100}, and there is no check of that id" + (f"; did you mean {near[0]!r}?" if near else "")


def _report_circles(checks: Mapping[str, Needing], needs: Mapping[str, tuple[str, ...]], issues: Issues) -> None:
    """Walk the graph once, without recursion: a chain may be as long as the file."""
    done: set[str] = set()
    for start in needs:
        trail: dict[str, None] = {}
        stack = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                trail.popitem()
                done.add(name)
            elif name in trail:
                names = list(trail)
                circle = [*names[names.index(name) :], name]
                first = checks[name]
                issues.add(first.file, first.need_at(0), f"the checks need one another in a circle: {_chain(circle)}")
            elif name not in done:
                trail[name] = None
                stack.append((name, True))
                stack.extend((other, False) for other in reversed(needs.get(name, ())))


def _chain(names: list[str]) -> str:
    shown = names if len(names) <= 10 else [*names[:5], "...", *names[-4:]]  # noqa: PLR2004 - a line is enough
    return " -> ".join(shown)
