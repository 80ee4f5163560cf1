"""A check as a pytest item: a plain Item with the fixtures of a test function.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from monitorpy.reporting.explain import full_masker, harmless, printable
from pytest_monitorpy import compat, custom, outcome, user_hooks
from pytest_monitorpy.names import may_be_marker
from pytest_monitorpy.prefetch import prefetcher

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from monitorpy.core.result import CheckResult
    from monitorpy.core.spec import CheckSpec
    from monitorpy.utils.masking import Masker
    from pytest_monitorpy.custom import FixtureCheck


def _check() -> None:
    """A monitoring check of a check file."""


class CheckItem(pytest.Item):
    """One check.

    ``fixtures`` are the names of the fixtures, by check id, that it and the checks it needs are made of. What is found out
    about fixtures goes into ``known``, which the items of one collector share.

    Other plugins look unasked at what a test function has: ``obj``, ``originalname``, ``funcargs``, ``_initrequest``.
    """

    is_monitorpy_check = True
    _request: Any = False  # pytest calls _initrequest() before each run as long as this is false

    def __init__(self, *, spec: CheckSpec, order: int, fixtures: dict[str, str], known: dict[tuple[str, ...], Any], **more: Any) -> None:
        super().__init__(**more)
        self.spec = spec
        self.order = order
        self.fixtures = fixtures
        self.result: CheckResult | None = None
        self.excused = False  # by a hook: what the check blocks stays blocked
        self.ahead: bool | None = None  # not known before all marks are set
        self.obj = self.function = _check
        self.originalname = self.name
        self.funcargs: dict[str, Any] = {}
        self._label()
        compat.set_fixture_info(self, tuple(fixtures.values()), known)

    def _label(self) -> None:
        spec = self.spec
        self.add_marker(_marker(spec.plugin, spec.group))
        for tag in filter(may_be_marker, spec.tags):
            self.add_marker(tag)
        if self.fixtures:
            self.add_marker(pytest.mark.usefixtures(*self.fixtures.values()))
        if spec.skip is not None:
            self.add_marker(pytest.mark.skip(reason=spec.masker.text(spec.skip)))
        self.extra_keyword_matches.update((spec.id, *spec.tags, *([spec.group] if spec.group is not None else [])))

    def _initrequest(self) -> None:
        compat.new_request(self)

    def setup(self) -> None:
        if self.spec.skip is not None:  # -p no:skipping
            pytest.skip(self.spec.masker.text(self.spec.skip))
        compat.fill_fixtures(self)

    def runtest(self) -> None:
        self.result = None  # a rerun that fails before it has one must not show the one before
        found = prefetcher(self.session).result_of(self)
        self.result = user_hooks.final_result(self, self.spec, found)
        self.excused = found.is_error() and not self.result.is_error()
        outcome.judge(self, self.result)

    def fixture_check(self, check_id: str) -> FixtureCheck:
        """What a fixture gave for a check."""
        name = self.fixtures[check_id]
        return custom.check_of(self._request, name, self.funcargs[name])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str | TerminalRepr:
        if self.result is not None and isinstance(excinfo.value, outcome.OURS):
            return outcome.text(self, self.result, str(excinfo.value))
        return self._repr_failure_py(excinfo, style)

    def _repr_failure_py(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> TerminalRepr:
        """What pytest calls for set-up and teardown; locals and messages may hold secrets."""
        if not self.config.getoption("fulltrace", default=False):
            excinfo.traceback = compat.own_frames(excinfo)  # --tb=native does not ask _traceback_filter()
        masker = full_masker(self.spec)
        shown = super()._repr_failure_py(excinfo, style)
        shown = compat.located_repr(shown, *outcome.place(self), lambda message: outcome.one_line(masker.text(message)))
        text, clean = str(shown), partial(_clean, masker)
        return shown if clean(text) == text else compat.masked_repr(shown, clean)

    def _traceback_filter(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        """A plain Item would show the frames of pytest and pluggy too."""
        return compat.own_frames(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The place in the check file. The third part must not end the node id: pytest would replace the dots in it."""
        source = self.spec.source
        path = _joined(self.config.invocation_params.dir, source.file) if source is not None else self.path
        return path, source.line - 1 if source is not None else 0, f"{self.spec.plugin} check '{self.name}'"


@lru_cache(maxsize=64)
def _joined(folder: Path, file: str) -> Path:
    return folder / file


def _clean(masker: Masker, text: str) -> str:
    """The text without secrets, and without what a terminal or a CI would obey."""
    return "\n".join(harmless(printable(line.expandtabs())) for line in masker.text(text).split("\n"))


@lru_cache(maxsize=1024)
def _marker(plugin: str, group: str | None) -> pytest.MarkDecorator:
    return pytest.mark.monitorpy(type=plugin, group=group)
