"""The top level of a check file: its variables, its defaults, and what it includes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from monitorpy.checkfile.configs import judged
from monitorpy.checkfile.entries import NEVER_SECRET, Entries, Layer, Setting
from monitorpy.checkfile.events import Document
from monitorpy.checkfile.interpolation import NAME, Filling, Scope, untyped
from monitorpy.checkfile.matrix import spelled
from monitorpy.checkfile.model import VERSION, Defaults, File
from monitorpy.checkfile.nodes import Loc, Map, Pos, locate
from monitorpy.core.plugin_config import parse_config
from monitorpy.errors import ConfigError


def scope_of(document: Document, folder: str, parent: Scope | None, entries: Entries) -> Scope:
    """The file's variables. Each one is tried, so that its mistakes are found even where nothing uses it."""
    variables, file = document.root.get("vars"), document.file
    if not isinstance(variables, Map):
        return Scope(entries.environment, folder, parent=parent)
    texts: dict[str, str] = {}
    for name, value in variables.items():
        where = variables.value_at(name)
        text = spelled(value, document.literals.get(where))
        texts[name] = text or ""
        if not NAME.match(name):
            entries.issues.add(file, variables.key_at(name), f"{name!r:.80} cannot be a variable: write letters, digits and _")
        elif text is None:
            what = 'has no value: write "" for an empty text' if value is None else "must be text, a number, true or false"
            entries.issues.add(file, where, f"vars.{name} {what}")
    scope = Scope(entries.environment, folder, texts, parent)
    for name in texts:
        scope.lookup(name)
    for name, problem in scope.failures.items():
        entries.issues.add(file, variables.value_at(name), problem)
    return scope


class TopLevel:
    """Reads the keys of one file but for its checks."""

    def __init__(self, document: Document, scope: Scope, entries: Entries) -> None:
        self.file = document.file
        self.document = document
        self.root: Map = document.root
        self.scope = scope
        self.entries = entries
        self.filling = Filling(scope, document.file, entries.issues)

    def read(self, outer: Setting | None) -> tuple[Setting, list[tuple[str, Pos]]]:
        """What the checks of the file have in common, and the patterns that it includes."""
        parsed = self._parsed(self._filled())
        layers = dict(outer.layers) if outer else {}
        for name, config in parsed.defaults.config.items():
            layers[name] = self._layer(name, config, layers.get(name))
        setting = Setting(self.document, self.scope, _merged(parsed.defaults, outer), layers)
        places = [("include", place) for place in range(len(parsed.include))]
        patterns = [(p, locate(self.root, loc)) for p, loc in zip(parsed.include, places, strict=True) if loc not in self.filling.holes]
        return setting, patterns

    def _filled(self) -> dict[str, Any]:
        """The top level with variables filled in where they may stand; the checks are left to their own readers."""
        root, filling = self.root, self.filling
        filled = {"include", "defaults", "version"}
        plain = {k: filling.value(v, (k,), root.value_at(k)) if k in filled else v for k, v in root.items()}
        untyped(plain, filling.texts, (loc for loc in filling.texts if _is_text(loc)))
        for loc in filling.secrets:
            if _is_text(loc):
                what = "include" if loc[0] == "include" else NEVER_SECRET[str(loc[1])]
                self._report(loc, f"a secret cannot stand in {what}: it is shown everywhere")
                filling.holes.add(loc)
        if plain.get("checks") is None or plain["checks"] == []:
            plain.pop("checks", None)  # reported where the checks are read
        self._drop_empty(plain, ())
        if isinstance(defaults := plain.get("defaults"), dict):
            self._drop_empty(defaults, ("defaults",))
        version = plain.get("version", VERSION)
        if type(version) is not int or version != VERSION:
            self._report(("version",), f"version {version!r:.40} is not known: write version: {VERSION}")
            plain.pop("version")
        return plain

    def _drop_empty(self, plain: dict[str, Any], above: Loc) -> None:
        for key in [key for key, value in plain.items() if value is None]:
            self._report((*above, key), f"{key} has nothing after it: give it a value, or leave it out")
            del plain[key]

    def _parsed(self, plain: dict[str, Any]) -> File:
        """The top level by its model; keys with mistakes are reported and left out."""
        try:
            return parse_config(File, plain)
        except ConfigError as refused:
            for issue in refused.issues:
                self._report(issue.loc, str(issue), on_key=issue.on_key)
            for issue in refused.issues:
                _remove(plain, issue.loc)
            return parse_config(File, plain)

    def _layer(self, name: str, config: dict[str, Any], under: Layer | None) -> Layer:
        """The default config of one plugin, over what the including files say; its values are judged here, missing keys are not missed."""
        place: Loc = ("defaults", "config", name)
        node = self.root["defaults"]["config"][name]
        depth = len(place)
        layer = Layer(
            config,
            dict.fromkeys(config, (self.file, node)),
            {loc[depth:]: text for loc, text in self.filling.texts.items() if loc[:depth] == place},
            {loc[depth:] for loc in self.filling.holes if loc[:depth] == place},
        )
        shape = self.entries.shape(name)
        if isinstance(shape, str):
            self._report(place, shape, on_key=True)
        else:
            for issue in judged(shape, config, layer.texts).issues:
                if issue.loc and not issue.message.startswith("missing "):
                    self._report((*place, *issue.loc), str(issue), on_key=issue.on_key)
        return layer if under is None else _over(layer, under)

    def _report(self, loc: Loc, message: str, *, on_key: bool = False) -> None:
        if loc not in self.filling.holes:
            self.entries.issues.add(self.file, locate(self.root, loc, on_key=on_key), message)


def _remove(plain: dict[str, Any], loc: Loc) -> None:
    """Take out what is wrong, with as little around it as possible."""
    depth = 3 if loc[:2] == ("defaults", "config") else 2 if loc[0] == "defaults" else 1
    path = [str(step) for step in loc[:depth]]
    for step in path[:-1]:
        plain = plain.get(step, {})
    plain.pop(path[-1], None)


def _is_text(loc: Loc) -> bool:
    return loc[0] == "include" or (loc[0] == "defaults" and loc[1:2] in {("group",), ("tags",)})


def _over(upper: Layer, under: Layer) -> Layer:
    """One layer over another: a key of the upper one hides that of the under one, with all that is known of it."""
    return replace(
        upper,
        config={**under.config, **upper.config},
        origins={**under.origins, **upper.origins},
        texts={**{loc: text for loc, text in under.texts.items() if loc[0] not in upper.config}, **upper.texts},
        holes={loc for loc in under.holes if loc[0] not in upper.config} | upper.holes,
    )


def _merged(own: Defaults, outer: Setting | None) -> Defaults:
    """A file's defaults over those of the file that includes it; tags add up."""
    if outer is None:
        return own
    given = {name: getattr(own, name) for name in own.model_fields_set}
    return outer.defaults.model_copy(update={**given, "tags": list(dict.fromkeys([*outer.defaults.tags, *own.tags]))})
