"""Which checks a check needs, of all that were collected.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitorpy.core.spec import CheckSpec


class Needs:
    """A check that is to be skipped counts as one that is not needed: nothing speaks against those that name it."""

    def __init__(self, specs: Iterable[CheckSpec]) -> None:
        self._specs = {spec.key: spec for spec in specs}
        self._named = {(spec.scope, name) for spec in self._specs.values() for name in spec.needs}

    def of(self, spec: CheckSpec) -> Iterator[CheckSpec]:
        """Those that the check names."""
        return (need for name in spec.needs if (need := self._specs[spec.scope, name]).skip is None)

    def is_needed(self, spec: CheckSpec) -> bool:
        return spec.key in self._named

    def chain(self, spec: CheckSpec) -> list[CheckSpec]:
        """All that the check needs, directly or not, each after its own needs, and the check itself at the end."""
        done: dict[tuple[str, str], CheckSpec] = {}
        stack = [(spec, self.of(spec))]
        while stack:
            each, needs = stack[-1]
            fresh = next((need for need in needs if need.key not in done), None)
            if fresh is not None:
                stack.append((fresh, self.of(fresh)))
            else:
                done[each.key] = each
                stack.pop()
        return list(done.values())
