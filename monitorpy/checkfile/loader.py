"""A check file, with all that it includes, to frozen CheckSpecs; or all mistakes at once."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from monitorpy.checkfile import needs
from monitorpy.checkfile.configs import Plugins
from monitorpy.checkfile.entries import Draft, Entries
from monitorpy.checkfile.files import STDIN
from monitorpy.checkfile.interpolation import Environment
from monitorpy.checkfile.issues import Issues, TooManyIssuesError
from monitorpy.checkfile.nodes import line_of
from monitorpy.checkfile.tree import Tree
from monitorpy.core.spec import CheckSpec
from monitorpy.utils.masking import Masker


@dataclass(frozen=True, slots=True)
class CheckFile:
    """What a file asks for. ``path`` is as the user named it; ``masker`` knows every secret of it and its includes."""

    path: str
    checks: tuple[CheckSpec, ...]
    masker: Masker


def load(
    path: str,
    *,
    text: str | None = None,
    environ: Mapping[str, str] | None = None,
    read_secrets: bool = True,
    fixture_problem: Callable[[str], str | None] | None = None,
) -> CheckFile:
    """Read, fill in and validate a check file. Nothing is sent to the network.

    ``text`` is its content where it does not come from a file (path ``-``); ``environ`` replaces the environment;
    ``read_secrets=False`` leaves ``${secret:}`` and ``${file:}`` unread; ``fixture_problem`` is asked for ``fixture:NAME`` and for plugin
    names that nobody registered: why a check cannot be made of such a fixture, None if it can.

    Raises CheckFileError with every mistake, free of secrets.
    """
    shown = STDIN if path == "-" else path
    issues = Issues()
    environment = Environment(os.environ if environ is None else environ, read_secrets)
    with _without_gc():
        drafts: list[Draft] = []
        wanted: dict[str, tuple[str, ...]] = {}
        try:
            tree = Tree(Entries(issues, environment, Plugins(fixture_problem)))
            drafts = tree.read(shown, text)
            bases = _unique(drafts, issues)
            wanted = needs.resolved(drafts, bases, issues)
        except TooManyIssuesError:
            pass
        masker = Masker(environment.secrets)
        if issues:
            raise issues.error(masker)
        return CheckFile(shown, tuple(_specs(drafts, wanted, shown, masker)), masker)


def _specs(drafts: list[Draft], wanted: Mapping[str, tuple[str, ...]], scope: str, masker: Masker) -> Iterator[CheckSpec]:
    for draft in drafts:
        yield CheckSpec(**draft.fields, needs=wanted.get(draft.id, ()), scope=scope, masker=masker)


def _unique(drafts: list[Draft], issues: Issues) -> dict[str, list[str]]:
    """Report ids that are used twice; returns the expansions of each matrix by its id."""
    owners: dict[str, Draft] = {}
    bases: dict[str, list[str]] = {}
    for draft in drafts:
        first = owners.setdefault(draft.base, draft)
        if first.entry != draft.entry:
            where = f"{first.file}:{line_of(first.id_at())}"
            issues.add(draft.file, draft.id_at(), f"the id {draft.base!r} is already used at {where}: give each check its own")
        elif draft.id != draft.base:
            bases.setdefault(draft.base, []).append(draft.id)
    return bases


@contextmanager
def _without_gc() -> Iterator[None]:
    """A file makes a million objects and no garbage: collecting while it is read would take half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
