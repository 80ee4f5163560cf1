"""The hook pytest_monitorpy_check_setup: called once for each run of a check, before it starts.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitorpy.core.schedule import unrun
from pytest_monitorpy import user_hooks

if TYPE_CHECKING:
    from monitorpy.core.result import CheckResult
    from monitorpy.core.spec import CheckSpec
    from pytest_monitorpy.item import CheckItem


class Setups:
    """Which checks are set up, and what the hook raised for some: kept for the turn of the check's own item.

    Where a check has none, it is kept for the item of the check that needs it. ``is_used`` tells whether anybody
    implements the hook.
    """

    def __init__(self, config: pytest.Config, items: dict[tuple[str, str], CheckItem]) -> None:
        self.is_used = bool(config.hook.pytest_monitorpy_check_setup.get_hookimpls())
        self._items = items
        self._done: set[tuple[str, str]] = set()
        self._raised: dict[tuple[str, str], BaseException] = {}

    def set_up(self, item: CheckItem, spec: CheckSpec) -> CheckResult | None:
        """Set the check up for this item, unless it is; a result if it is not to run, because the hook raised something."""
        if not self.is_used or spec.key in self._done:
            return None
        self._done.add(spec.key)
        owner = self._items.get(spec.key, item)
        try:
            user_hooks.set_up(owner, spec)
        except pytest.exit.Exception:
            raise
        except user_hooks.OUTCOMES as raised:
            self._raised.setdefault(owner.spec.key, raised)
            return unrun(spec, "its set-up was not successful", "plugin")
        return None

    def check(self, spec: CheckSpec) -> None:
        """Raise what the hook raised for the check."""
        if (raised := self._raised.get(spec.key)) is not None:
            raise raised

    def forget(self, spec: CheckSpec) -> None:
        """The check will run again."""
        self._done.discard(spec.key)
        self._raised.pop(spec.key, None)
