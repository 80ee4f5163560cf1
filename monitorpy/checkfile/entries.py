"""One entry of ``checks:`` to one draft of a CheckSpec for each expansion of its matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from monitorpy.checkfile.configs import Plugins, Shape, judged, unsaid
from monitorpy.checkfile.events import Document
from monitorpy.checkfile.interpolation import Environment, Filling, Scope, untyped
from monitorpy.checkfile.issues import Issues, TooManyIssuesError
from monitorpy.checkfile.matrix import Expansion, expansions
from monitorpy.checkfile.model import Check, Defaults
from monitorpy.checkfile.nodes import Loc, Map, Pos, column_of, line_of, locate
from monitorpy.core.expectations import Expectation, compile_expectation
from monitorpy.core.plugin_config import parse_config
from monitorpy.core.result import Source
from monitorpy.core.spec import Retries
from monitorpy.errors import ConfigError, ExpectationError

NEVER_SECRET = {"id": "an id", "group": "a group", "tags": "a tag", "plugin": "the plugin", "plugin_type": "the plugin", "needs": "needs"}
_TEXT_KEYS = {*NEVER_SECRET, "skip"}
_TEXT_MATCHERS = {"path", "matches", "not_matches", "type", "severity"}
_ALONE = Expansion("", {})
_NO_RETRIES = Retries()

MAX_CHECKS = 1_000_000


@dataclass(slots=True)
class Layer:
    """Config that a plugin gets from ``defaults``: plain, and where each part of it is written."""

    config: dict[str, Any]
    origins: dict[str, tuple[str, Map]]
    texts: dict[Loc, str]
    holes: set[Loc]


@dataclass(slots=True)
class Setting:
    """What the checks of one file have in common."""

    document: Document
    scope: Scope
    defaults: Defaults
    layers: dict[str, Layer] = field(default_factory=dict)

    @property
    def file(self) -> str:
        return self.document.file


@dataclass(slots=True)
class Draft:
    """A check that needs only its neighbours to become a CheckSpec.

    ``entry`` counts the entries, ``base`` is the id before its matrix. A check with mistakes has ``id`` alone in its ``fields``:
    it is known to its neighbours.
    """

    file: str
    node: Map
    entry: int
    base: str
    wanted: list[str]
    fields: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    def id_at(self) -> Pos:
        return locate(self.node, ("id",))

    def need_at(self, place: int) -> Pos:
        return locate(self.node, ("needs", place))


def _unknown(matrix: Any) -> Expansion:
    """Stands for a matrix that cannot be expanded, so that the other mistakes of its check are found."""
    return Expansion("", dict.fromkeys(matrix if isinstance(matrix, Map) else ()))


class Entries:
    """Reads entries; what they have in common over all files is compiled once."""

    def __init__(self, issues: Issues, environment: Environment, plugins: Plugins) -> None:
        self.issues = issues
        self.environment = environment
        self.count = 0
        self._checks = 0
        self._plugins = plugins
        self._expectations: dict[str, Expectation | ExpectationError] = {}

    def read(self, node: Any, where: Pos, setting: Setting) -> list[Draft]:
        """The drafts of one entry; its mistakes are reported."""
        self.count += 1
        if not isinstance(node, Map):
            self.issues.add(setting.file, where, "a check must be a mapping with id and plugin")
            return []
        found = [_ALONE]
        if has_matrix := "matrix" in node:
            found = expansions(node["matrix"], node.value_at("matrix"), setting.document, setting.scope, self.issues)
        self._checks += len(found)
        if self._checks > MAX_CHECKS:
            self.issues.add(setting.file, where, f"more than {MAX_CHECKS:,} checks")
            raise TooManyIssuesError
        drafts: list[Draft] = []
        for expansion in found or [_unknown(node["matrix"])]:
            before = len(self.issues)
            drafts += _Reader(self, node, where, setting, expansion).drafts()
            if has_matrix and len(self.issues) > before:
                self.issues.settle()
        return drafts

    def shape(self, name: str) -> Shape | str:
        return self._plugins.shape(name)

    def expectation(self, data: dict[str, Any]) -> Expectation:
        """A compiled expectation; the same text is compiled once. Raises ExpectationError."""
        key = repr(data)
        found = self._expectations.get(key)
        if found is None:
            try:
                found = compile_expectation(data)
            except ExpectationError as refused:
                found = refused
            self._expectations[key] = found
        if isinstance(found, ExpectationError):
            raise found
        return found


class _Reader:
    """Reads one expansion of one entry."""

    def __init__(self, entries: Entries, node: Map, where: Pos, setting: Setting, expansion: Expansion) -> None:
        self.entries = entries
        self.issues = entries.issues
        self.node = node
        self.where = where
        self.setting = setting
        self.expansion = expansion
        scope = setting.scope.with_axes(expansion.axes) if expansion.axes else setting.scope
        self.filling = Filling(scope, setting.file, entries.issues)

    def drafts(self) -> Iterator[Draft]:
        before = len(self.issues)
        plain = self.filling.mapping(self.node, without="matrix")
        if self.filling.texts:
            untyped(plain, self.filling.texts, (loc for loc in self.filling.texts if _is_text(loc)))
        for loc in self.filling.secrets:
            if loc[0] in NEVER_SECRET:
                self.report(loc, f"a secret cannot stand in {NEVER_SECRET[str(loc[0])]}: it is shown everywhere")
                self.filling.holes.add(loc)
        check = self.checked(plain)
        config = self.configured(plain)
        expect = self.expected(plain)
        if check is not None and config is not None and len(self.issues) == before:
            fields = self.fields(check, config, expect)
            yield Draft(self.setting.file, self.node, self.entries.count, check.id, check.needs, fields)
        elif isinstance(name := plain.get("id"), str) and name and ("id",) not in self.filling.holes:
            fields = {"id": name + self.expansion.suffix}
            yield Draft(self.setting.file, self.node, self.entries.count, name, self.needs(plain.get("needs")), fields)

    def needs(self, items: Any) -> list[str]:
        """What a check with mistakes needs, as far as that can be told; "" where it cannot."""
        holes = self.filling.holes
        items = items if isinstance(items, list) else []
        return [name if isinstance(name, str) and ("needs", place) not in holes else "" for place, name in enumerate(items)]

    def report(self, loc: Loc, message: str, *, on_key: bool = False) -> None:
        if loc not in self.filling.holes:
            if (source := self.filling.whole.get(loc)) and loc not in self.filling.secrets:
                message = f"{message.removesuffix(': remove the quotes')} (the value of {source})"
            self.issues.add(self.setting.file, locate(self.node, loc, on_key=on_key, default=self.where), message)

    def checked(self, plain: dict[str, Any]) -> Check | None:
        """The entry by its model; ``plugin_type`` is taken for ``plugin``."""
        alias = "plugin_type" in plain
        if alias:
            if "plugin" in plain:
                self.report(("plugin_type",), "plugin and plugin_type are the same: give one of them", on_key=True)
            plain = {"plugin" if key == "plugin_type" else key: value for key, value in plain.items()}
        if None in plain.values():
            for key in [key for key, value in plain.items() if value is None and key != "expect"]:
                self.report((key,), f"{key} has nothing after it: give it a value, or leave it out")
                del plain[key]
        try:
            return parse_config(Check, plain)
        except ConfigError as refused:
            for issue in refused.issues:
                loc = ("plugin_type", *issue.loc[1:]) if alias and issue.loc[:1] == ("plugin",) else issue.loc
                self.report(loc, str(issue), on_key=issue.on_key)
            return None

    def configured(self, plain: dict[str, Any]) -> dict[str, Any] | None:
        """The config with the file's defaults under it, as its plugin accepts it."""
        key = "plugin" if "plugin" in plain else "plugin_type"
        name = plain.get(key)
        own = plain.get("config", {})
        if not isinstance(name, str) or not name or not isinstance(own, dict):
            return None
        shape = self.entries.shape(name)
        if isinstance(shape, str):
            self.report((key,), shape)
            return None
        layer = self.setting.layers.get(name)
        config = {**layer.config, **own} if layer else own
        texts = {loc[1:]: text for loc, text in self.filling.texts.items() if loc[0] == "config"} if self.filling.texts else {}
        if layer and layer.texts:
            texts |= {loc: text for loc, text in layer.texts.items() if loc[0] not in own}
        verdict = judged(shape, config, texts)
        for empty in unsaid(shape, own) if None in own.values() else ():
            if (empty,) not in texts and not (layer and empty in layer.config):  # null may take back what the defaults say
                self.report(("config", empty), f"{empty} has nothing after it: give it a value, or leave it out")
        for issue in verdict.issues:
            self.blame(issue.loc, str(issue), issue.on_key, layer if issue.loc and issue.loc[0] not in own else None)
        return verdict.config

    def blame(self, loc: Loc, message: str, on_key: bool, layer: Layer | None) -> None:
        """Report a mistake of the config where it is written: in the check or in the defaults."""
        origin = layer.origins.get(str(loc[0])) if layer else None
        if origin is None:
            self.report(("config", *loc), message, on_key=on_key)
        elif layer is not None and loc not in layer.holes:
            self.issues.add(origin[0], locate(origin[1], loc, on_key=on_key), message)

    def expected(self, plain: dict[str, Any]) -> tuple[Expectation, ...]:
        items = plain.get("expect", ())
        if not isinstance(items, list):
            return ()
        return tuple(e for place, data in enumerate(items) if isinstance(data, dict) and (e := self.compiled(place, data)) is not None)

    def compiled(self, place: int, data: dict[str, Any]) -> Expectation | None:
        try:
            return self.entries.expectation(data)
        except ExpectationError as refused:
            loc: Loc = ("expect", place)
            unknown = refused.key is not None and str(refused).startswith("unknown key")
            if not any(hole[:2] == loc for hole in self.filling.holes):
                self.report((*loc, refused.key) if refused.key else loc, str(refused), on_key=unknown)
            return None

    def fields(self, check: Check, config: dict[str, Any], expect: tuple[Expectation, ...]) -> dict[str, Any]:
        """The fields of the CheckSpec, with the file's defaults where the check says nothing."""
        defaults = self.setting.defaults
        timeout = check.timeout
        if timeout is None and config.get("timeout") is None:  # what is said of a plugin counts before what is said of all
            timeout = defaults.timeout
        retrying = check.retries or defaults.retries
        at = self.node.at
        return {
            "id": check.id + self.expansion.suffix,
            "plugin": check.plugin,
            "config": config,
            "expect": expect,
            "group": check.group or defaults.group,
            "tags": tuple(dict.fromkeys((*defaults.tags, *check.tags))),
            "timeout": timeout,
            "retries": Retries(retrying.count, retrying.delay, tuple(retrying.on), retrying.budget) if retrying else _NO_RETRIES,
            "flaky": check.flaky or defaults.flaky or "warning",
            "severity": check.severity or defaults.severity or "error",
            "addresses": check.addresses or defaults.addresses or "one",
            "skip": check.skip,
            "source": Source(self.setting.file, line_of(at), column_of(at)),
        }


def _is_text(loc: Loc) -> bool:
    return loc[0] in _TEXT_KEYS or (loc[0] == "expect" and loc[-1] in _TEXT_MATCHERS and len(loc) == 3)  # noqa: PLR2004 - expect, index, key
