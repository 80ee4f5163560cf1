"""Check files as pytest nodes: a file node, a collector for each group, an item for each check.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from monitorpy.checkfile import load
from monitorpy.checkfile.files import STDIN, UnreadableError, read_text
from monitorpy.checkfile.nodes import issue
from monitorpy.core.result import Source
from monitorpy.errors import CheckFileError, Issue
from monitorpy.reporting.explain import masker_of_all
from pytest_monitorpy import changed_checks, compat, custom, exports, running
from pytest_monitorpy.item import CheckItem
from pytest_monitorpy.names import group_name, may_be_marker, node_name, unique
from pytest_monitorpy.needs import Needs
from pytest_monitorpy.state import STATE, State

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from monitorpy.core.spec import CheckSpec


@dataclass(frozen=True, slots=True)
class Entry:
    """A check with its place in the run's file order, the fixtures that it and the checks it needs are made of, and its nodes' names."""

    spec: CheckSpec
    order: int
    fixtures: dict[str, str]
    group: str | None
    name: str

    @property
    def selectors(self) -> set[str]:
        """What may follow the file's name to select this check: its group, its name, and that without the values of a matrix."""
        start = "" if self.group is None else f"{self.group}::"
        return {start + self.name, start + self.name.partition("[")[0], self.group or self.name}

    def item(self, parent: pytest.Collector, known: dict[tuple[str, ...], Any]) -> CheckItem:
        return CheckItem.from_parent(parent, name=self.name, spec=self.spec, order=self.order, fixtures=self.fixtures, known=known)


def check_file(file_path: Path, parent: pytest.Collector) -> CheckFileNode:
    """The node of a check file."""
    state = parent.config.stash[STATE]
    state.register_plugins(parent.config)
    running.start(parent.config)
    more: dict[str, Any] = {}
    if state.stdin is not None and file_path == state.stdin[1]:
        more = {"nodeid": STDIN}
    elif not file_path.is_relative_to(parent.config.rootpath):
        more = {"nodeid": file_path.as_posix()}  # pytest would make it ""
    node: CheckFileNode = CheckFileNode.from_parent(parent, path=file_path, **more)
    return node


class CheckFileNode(pytest.Module):
    """A check file. It is a Module without a Python module, as pytest's own DoctestTextfile, so that fixtures of every scope work."""

    obj = None
    _loaded: Sequence[CheckSpec] = ()

    def collect(self) -> Iterator[CheckItem | CheckGroup]:
        state = self.config.stash[STATE]
        exports.must_be_heard(self.config)
        self._loaded = self._load(state)
        try:
            checks = changed_checks.checks_of(self, self._loaded)
        except (pytest.skip.Exception, SystemExit) as raised:  # would leave the whole file out, or end pytest
            raise self.CollectError(self._masked(str(compat.crash_repr(raised)))) from None
        state.dropped += changed_checks.dropped(self._loaded, checks)
        uses = _uses(checks, self._fixtures(checks))
        entries = list(_entries(checks, uses, len(state.specs)))
        state.specs += checks
        _register_tags(self.config, checks)
        _tell_new_names(entries, Source(self._shown(), 1))
        return self._nodes(self._only(entries, state))

    def _load(self, state: State) -> list[CheckSpec]:
        given = state.stdin is not None and self.path == state.stdin[1]
        shown = "-" if given else self._shown()
        try:
            text = read_text(str(self.path)) if given else None
            return list(load(shown, text=text, fixture_problem=partial(custom.problem, self)).checks)
        except UnreadableError as refused:
            raise self.CollectError(str(issue(STDIN, refused.where, str(refused)))) from None
        except CheckFileError as mistakes:
            raise self.CollectError(str(mistakes)) from None

    def _repr_failure_py(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> TerminalRepr:
        """A hook's crash; locals and messages may hold secrets."""
        return compat.masked_repr(super()._repr_failure_py(excinfo, style), self._masked)

    def _masked(self, text: str) -> str:
        return masker_of_all(self._loaded).text(text)

    def _traceback_filter(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        return compat.own_frames(excinfo)

    def _shown(self) -> str:
        """The path as the user would type it."""
        shown = os.path.relpath(self.path, self.config.invocation_params.dir)
        return str(self.path) if shown.startswith(os.pardir) else shown

    def _fixtures(self, checks: list[CheckSpec]) -> dict[str, str]:
        """The fixture of each check that is made of one, by id. Raises CollectError where one cannot be, which a hook may have put in."""
        fixtures = {plugin: custom.fixture_of(plugin) for plugin in dict.fromkeys(spec.plugin for spec in checks)}
        for plugin, name in fixtures.items():
            if name is None and (hidden := custom.hidden_by(self, plugin)):
                self.warn(pytest.PytestWarning(hidden))
        found = {spec.id: name for spec in checks if (name := fixtures[spec.plugin])}
        if issues := list(self._issues([spec for spec in checks if spec.id in found], {need for spec in checks for need in spec.needs})):
            raise self.CollectError("\n".join(map(str, issues)))
        return found

    def _issues(self, checks: list[CheckSpec], needed: set[str]) -> Iterator[Issue]:
        problem = cache(partial(custom.problem, self))
        for spec in checks:
            if text := problem(spec.plugin, spec.id in needed):
                source = spec.source or Source(self._shown(), 1)
                yield Issue(source.file, source.line, source.column, text)

    def _only(self, entries: list[Entry], state: State) -> list[Entry]:
        """Those that were asked for by name."""
        names = state.wanted.get(self.path)
        if not names:
            return entries
        known = {selector for entry in entries for selector in entry.selectors}
        missing = [f"{self.nodeid}::{name}{_nearest(name, known)}" for name in sorted(names - known)]
        if missing and hasattr(self.config, "workerinput"):  # of a worker of pytest-xdist only collection errors are shown
            raise self.CollectError("\n".join(f"not found: {each}" for each in missing))
        state.missing += missing
        return [entry for entry in entries if names & entry.selectors]

    def _nodes(self, entries: list[Entry]) -> Iterator[CheckItem | CheckGroup]:
        groups: dict[str, list[Entry]] = {}
        known: dict[tuple[str, ...], Any] = {}
        for entry in entries:
            if entry.group is None:
                yield entry.item(self, known)
            elif entry.group in groups:
                groups[entry.group].append(entry)
            else:
                groups[entry.group] = [entry]
                yield CheckGroup.from_parent(self, name=entry.group, entries=groups[entry.group])


class CheckGroup(pytest.Collector):
    """The checks of one ``group:``."""

    def __init__(self, *, entries: list[Entry], **more: Any) -> None:
        super().__init__(**more)
        self.entries = entries

    def collect(self) -> Iterator[CheckItem]:
        known: dict[tuple[str, ...], Any] = {}
        return (entry.item(self, known) for entry in self.entries)


def _entries(checks: list[CheckSpec], uses: Mapping[str, dict[str, str]], first: int) -> Iterator[Entry]:
    """The checks with the names of their nodes: each different from those beside it, and the same whatever is selected."""
    groups: dict[str, str] = {}
    taken: dict[str | None, set[str]] = defaultdict(set)
    for order, spec in enumerate(checks, first):
        if spec.group is not None and spec.group not in groups:
            groups[spec.group] = unique(group_name(spec.group), taken[None])
        group = groups[spec.group] if spec.group is not None else None
        yield Entry(spec, order, uses.get(spec.id, {}), group, unique(node_name(spec.id), taken[group]))


def _tell_new_names(entries: list[Entry], somewhere: Source) -> None:
    """Warn of checks whose node ids are not what the file says, once for each line: what can be typed there is something else."""
    new = {(e.spec.source or somewhere): e for e in reversed(entries) if e.name != e.spec.id or e.group != e.spec.group}
    for at, entry in reversed(new.items()):
        given, shown = (entry.spec.id, entry.name) if entry.name != entry.spec.id else (entry.spec.group, entry.group)
        with suppress(Warning):  # under -W error: a name is no reason to fail what is fine
            warnings.warn_explicit(f"in node ids, {given!r} is called {shown!r}", pytest.PytestWarning, at.file, at.line)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _uses(checks: list[CheckSpec], fixtures: dict[str, str]) -> dict[str, dict[str, str]]:
    """For each check the fixtures, by check id, of all that it needs and of itself; only where there are any."""
    if not fixtures:
        return {}
    needs = Needs(checks)
    found = {spec.id: {each.id: fixtures[each.id] for each in needs.chain(spec) if each.id in fixtures} for spec in checks}
    return {check_id: used for check_id, used in found.items() if used}


def _register_tags(config: pytest.Config, checks: list[CheckSpec]) -> None:
    """Make markers of the tags, so that -m and --strict-markers know them."""
    known = {line.partition(":")[0].partition("(")[0].strip() for line in config.getini("markers")}
    for tag in sorted({tag for spec in checks for tag in spec.tags if may_be_marker(tag)} - known):
        config.addinivalue_line("markers", f"{tag}: a tag of monitoring checks")
