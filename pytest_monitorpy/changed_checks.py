"""The checks of a file as hooks want them: dropped, replaced, added, and still such that they can be run.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, cast

import pytest

from monitorpy.core.spec import CheckSpec
from monitorpy.errors import Issue
from pytest_monitorpy.user_hooks import in_reach, kind, named

if TYPE_CHECKING:
    from pluggy import HookCaller

CollectError = pytest.Collector.CollectError

_FIELDS: dict[str, Any] = {
    "config": Mapping,
    "expect": tuple | list,
    "group": str | None,
    "tags": tuple | list,
    "needs": tuple | list,
    "skip": str | None,
}

_LONE = re.compile("[\ud800-\udfff]")
"""Half a character, which no file can hold, and no report can carry from a worker of pytest-xdist."""


def checks_of(node: pytest.Collector, loaded: list[CheckSpec]) -> list[CheckSpec]:
    """The checks of a file as the hooks want them. Raises CollectError for what could not be run."""
    checks = loaded
    if (collect := in_reach(node, "collect_check")) is not None:
        checks = _adopted(named(collect, node.config), loaded, list(_kept(collect, node.config, checks)))
    if (modify := in_reach(node, "modify_checks")) is not None:
        changed = list(checks)
        if returned := modify(session=node.session, config=node.config, checks=changed):
            hint = "change the list in place: checks[:] = [...]"
            raise CollectError(f"{named(modify, node.config)} must return nothing, not {kind(returned[0])}; {hint}")
        checks = _adopted(named(modify, node.config), loaded, changed)
    if checks is loaded:
        return loaded
    if issues := list(_mistakes(checks)):
        raise CollectError("\n".join(map(str, sorted(issues))))
    return checks


def dropped(loaded: Sequence[CheckSpec], checks: Sequence[CheckSpec]) -> int:
    """How many checks are gone; one that was renamed still has its place in the file."""
    if checks is loaded:
        return 0
    return (Counter(spec.source for spec in loaded) - Counter(spec.source for spec in checks)).total()


def _kept(hook: HookCaller, config: pytest.Config, loaded: Sequence[CheckSpec]) -> Iterator[CheckSpec]:
    for check in loaded:
        found = hook(config=config, check=check)
        if isinstance(found, CheckSpec):
            yield replace(found, source=found.source or check.source)
        elif found is None:
            yield check
        elif found is not False:
            raise CollectError(f"{named(hook, config)} must return None, False or a CheckSpec, not {kind(found)}; asked for {check.id!r}")


def _adopted(name: str, loaded: Sequence[CheckSpec], checks: Sequence[Any]) -> list[CheckSpec]:
    """The checks with what makes each one of this file: its scope, its secrets, its place."""
    scope, masker = loaded[0].scope, loaded[0].masker
    sources = {spec.id: spec.source for spec in loaded}
    adopted = []
    for place, check in enumerate(checks):
        if not isinstance(check, CheckSpec):
            raise CollectError(f"{name} must leave CheckSpecs in checks, not {kind(check)} (checks[{place}])")
        if (wrong := _wrong_field(check)) is not None:
            raise CollectError(f"{name} left a CheckSpec in checks[{place}] whose {wrong}")
        source = check.source or sources.get(check.id)
        adopted.append(replace(check, scope=scope, masker=masker | check.masker.secrets, source=source))
    return adopted


def _wrong_field(check: CheckSpec) -> str | None:
    """What cannot be in a CheckSpec, though anybody can make one; what is not said here comes to light when it runs."""
    for name, kinds in _FIELDS.items():
        if not isinstance(value := getattr(check, name), kinds):
            return f"{name} is {kind(value)}"
    texts = [check.id, check.plugin, *check.tags, *check.needs, *([] if check.group is None else [check.group])]
    odd = next((text for text in texts if not isinstance(cast(object, text), str) or not text or _LONE.search(text)), None)
    return None if odd is None else f"id, plugin, group, tags and needs are not all text: {odd!r:.80}"


def _mistakes(checks: Sequence[CheckSpec]) -> Iterator[Issue]:
    """What the loader refuses, too: ids that are used twice, needs that are not there, circles."""
    known = {spec.id: spec for spec in checks}
    for spec_id, number in Counter(spec.id for spec in checks).items():
        if number > 1:
            yield _issue(known[spec_id], f"the hooks give the id {spec_id!r} to {number} checks: give each its own")
    for spec in checks:
        for need in spec.needs:
            if need not in known:
                yield _issue(spec, f"{spec.id!r} needs {need!r}, which the hooks left out: drop both, or take it out of the needs")
    try:
        TopologicalSorter({spec.id: spec.needs for spec in checks}).prepare()
    except CycleError as found:
        circle = found.args[1]
        yield _issue(known[circle[0]], f"the checks need one another in a circle: {' -> '.join(circle)}")


def _issue(spec: CheckSpec, message: str) -> Issue:
    source = spec.source
    return Issue(source.file, source.line, source.column, message) if source is not None else Issue(spec.scope, 1, 1, message)
