"""What a plugin says to a config, before anything runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from monitorpy.checkfile.nodes import Loc
from monitorpy.core.plugin_base import declared_config
from monitorpy.core.plugin_config import PluginConfig, parse_config, settle_texts, unknown_key
from monitorpy.core.registry import FunctionPlugin, registry
from monitorpy.errors import ConfigError, ConfigIssue

FIXTURE = "fixture:"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a plugin takes: a declared ``model``; or ``known`` and ``required`` keys; or anything where both are None."""

    model: type[PluginConfig] | None = None
    known: tuple[str, ...] | None = None
    required: tuple[str, ...] = ()


@dataclass(slots=True)
class Verdict:
    """The config as the plugin will get it, and what is wrong with it."""

    config: dict[str, Any]
    issues: list[ConfigIssue]


class Plugins:
    """The shapes of the plugins that the files name, each looked up once."""

    def __init__(self, fixture_problem: Callable[[str], str | None] | None = None) -> None:
        self._fixture_problem = fixture_problem
        self._shapes: dict[str, Shape | str] = {}

    def shape(self, name: str) -> Shape | str:
        """The shape, or the reason why there is none."""
        if name not in self._shapes:
            self._shapes[name] = self._look_up(name)
        return self._shapes[name]

    def _look_up(self, name: str) -> Shape | str:
        if name.startswith(FIXTURE):
            return (
                self._fixture(name)
                if name.removeprefix(FIXTURE).strip()
                else f"{name!r:.80} must be fixture:NAME, the name of a pytest fixture"
            )
        try:
            cls = registry.get(name)
        except ConfigError as unknown:
            return self._fixture(name) if self._fixture_problem is not None else str(unknown)
        except Exception as broken:  # noqa: BLE001 - a plugin of somebody else may break in any way while it is imported
            return f"the plugin {name!r} cannot be loaded: {type(broken).__name__}: {broken}"
        return _shape_of(cls)

    def _fixture(self, name: str) -> Shape | str:
        """Without pytest nobody knows which fixtures there are."""
        return (self._fixture_problem(name) if self._fixture_problem is not None else None) or Shape()


def _shape_of(cls: type[Any]) -> Shape:
    if model := declared_config(cls):
        return Shape(model)
    if issubclass(cls, FunctionPlugin):
        return Shape()
    required = tuple(cls.get_required_config())
    return Shape(None, (*required, *cls.get_optional_config(), "timeout"), required)


def judged(shape: Shape, config: dict[str, Any], texts: Mapping[Loc, str]) -> Verdict:
    """What the plugin says to a config; ``texts`` are the places of values that were typed after substitution."""
    if shape.model is not None:
        return _declared(shape.model, config, texts)
    if shape.known is None:
        return Verdict(config, [])
    issues = [ConfigIssue((), f"missing required key {key!r}") for key in shape.required if key not in config]
    issues += [ConfigIssue((key,), unknown_key(key, list(shape.known)), on_key=True) for key in config if key not in shape.known]
    if (seconds := config.get("timeout")) is not None and "timeout" not in shape.required and not _is_seconds(seconds):
        issues.append(ConfigIssue(("timeout",), "must be a number of seconds, greater than 0"))
    return Verdict(config, issues)


def unsaid(shape: Shape, config: Mapping[str, Any]) -> list[str]:
    """The keys whose value is null where that is as good as no key: whoever wrote one wanted to say something."""
    fields = shape.model.model_fields if shape.model is not None else {}
    empty = [key for key, value in config.items() if value is None and key in fields]
    return [key for key in empty if fields[key].default is None and fields[key].annotation is not Any]


def _declared(model: type[PluginConfig], config: dict[str, Any], texts: Mapping[Loc, str]) -> Verdict:
    if texts:
        config = settle_texts(model, config, texts)
        if nulls := [loc for loc in texts if _at(config, loc) is None]:  # it would switch the option off that names it
            return Verdict(config, [ConfigIssue(loc, "is null after substitution: give it a value, or leave the key out") for loc in nulls])
    try:
        parse_config(model, config)
    except ConfigError as refused:
        return Verdict(config, refused.issues)
    return Verdict(config, [])


def _at(config: Any, loc: Loc) -> Any:
    for step in loc:
        config = config[step]
    return config


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
