"""Command-line arguments from a plugin's declared Config, and what was given back into a config."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitorpy.checkfile.scalars import substituted
from monitorpy.core.plugin_base import MonitorPlugin, declared_config
from monitorpy.core.plugin_config import Loc, settle_texts
from monitorpy.errors import UsageError

PREFIX = "config_"
"""Of the names under which values are kept, so that no field meets an option of ours."""


@dataclass(frozen=True, slots=True)
class Field:
    """A key of the config as the command line sees it, read off the JSON Schema of the model."""

    name: str
    required: bool
    help: str
    types: frozenset[str]
    choices: tuple[str, ...] = ()
    secret: bool = False
    levels: bool = False  # a mapping with keys of its own, such as {warning:, error:}


def fields(plugin: type[MonitorPlugin]) -> list[Field]:
    """The keys of a plugin's config, the required ones first; those of a seed-style plugin are plain texts or numbers."""
    model = declared_config(plugin)
    if model is None:
        keys = [*((key, True) for key in plugin.get_required_config()), *((key, False) for key in plugin.get_optional_config())]
        return [Field(key, required, "", frozenset({"string", "number"})) for key, required in keys if key != "timeout"]
    schema = model.model_json_schema()
    required = schema.get("required", [])
    found = [_field(name, entry, name in required) for name, entry in schema["properties"].items() if name != "timeout"]
    return sorted(found, key=lambda field: not field.required)


def add_flags(parser: argparse.ArgumentParser, plugin: type[MonitorPlugin], argv: Iterable[str], taken: Iterable[str]) -> None:
    """Add the plugin's arguments: required ones by position, or as flags where ``argv`` gives them so.

    A flag that is ``taken`` by an option of every check becomes ``--config-NAME``.
    """
    given = {argument.partition("=")[0] for argument in argv}
    group = parser.add_argument_group("options of this check")
    for field in fields(plugin):
        flag = "--" + field.name.replace("_", "-")
        if flag in taken:
            flag = "--config-" + field.name.replace("_", "-")
        options = _options(field)
        if field.required and flag not in given:
            parser.add_argument(PREFIX + field.name, **{**options, "metavar": field.name.upper()})
        else:
            group.add_argument(flag, dest=PREFIX + field.name, default=argparse.SUPPRESS, **options)


def config_from(plugin: type[MonitorPlugin], args: argparse.Namespace) -> tuple[dict[str, Any], set[str]]:
    """The config that the arguments describe, and the secrets in it.

    Values are typed by YAML's rules and turned back into text where the plugin wants text. Raises UsageError for a
    secret that is not there.
    """
    config: dict[str, Any] = {}
    texts: dict[Loc, str] = {}
    secrets: set[str] = set()
    for field in fields(plugin):
        if hasattr(args, PREFIX + field.name):
            given = getattr(args, PREFIX + field.name)
            if field.secret:
                given = _secret(field.name, given)
                secrets.add(given)
                config[field.name] = given
            else:
                config[field.name] = _value(field, given, (field.name,), texts)
    model = declared_config(plugin)
    return (settle_texts(model, config, texts) if model else config), secrets


def _field(name: str, entry: Mapping[str, Any], required: bool) -> Field:
    branches = entry.get("anyOf", [entry])
    return Field(
        name,
        required,
        entry.get("description", ""),
        frozenset(branch.get("type", "object" if "$ref" in branch else "any") for branch in branches) - {"null"},
        tuple(str(choice) for branch in branches for choice in branch.get("enum", ())),
        any(branch.get("writeOnly") for branch in branches),
        any("properties" in branch for branch in branches),
    )


def _options(field: Field) -> dict[str, Any]:
    """The keyword arguments for add_argument."""
    text = field.help.replace("%", "%%")
    if field.types == {"boolean"}:
        return {"action": argparse.BooleanOptionalAction, "help": text}
    if field.secret:
        return {"metavar": "env:NAME|file:PATH", "help": f"{text} Never the value itself."}
    if field.choices:
        return {"choices": field.choices, "help": text}
    if _is_mapping(field):
        return {"action": "append", "metavar": "NAME=VALUE", "help": f"{text} Repeatable."}
    if "array" in field.types and not field.required:
        return {"action": "append", "metavar": "VALUE", "help": f"{text} Repeatable."}
    if field.levels:
        return {"metavar": "LIMIT", "help": f"{text} As warning=0.5,error=2, say."}
    return {"metavar": "NUMBER" if field.types <= {"integer", "number"} else "VALUE", "help": text}


def _is_mapping(field: Field) -> bool:
    return "object" in field.types and not field.levels


def _value(field: Field, given: Any, loc: Loc, texts: dict[Loc, str]) -> Any:
    if isinstance(given, bool):
        return given
    if isinstance(given, list):
        if _is_mapping(field):
            return dict(_pairs(field.name, given, loc, texts))
        if len(given) == 1 and field.types != {"array"}:
            return _scalar(given[0], loc, texts)
        return [_scalar(item, (*loc, index), texts) for index, item in enumerate(given)]
    if field.levels and "=" in given:
        return dict(_pairs(field.name, given.split(","), loc, texts))
    return _scalar(given, loc, texts)


def _pairs(name: str, given: Iterable[str], loc: Loc, texts: dict[Loc, str]) -> Iterator[tuple[str, Any]]:
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--{name.replace('_', '-')}: write NAME=VALUE, not {item!r}")
        yield key.strip(), _scalar(value, (*loc, key.strip()), texts)


def _scalar(text: str, loc: Loc, texts: dict[Loc, str]) -> Any:
    texts[loc] = text
    return substituted(text)


def _secret(name: str, given: str) -> str:
    flag = "--" + name.replace("_", "-")
    kind, _, where = given.partition(":")
    if kind == "env" and where:
        if where not in os.environ:
            raise UsageError(f"{flag}: the environment variable {where} is not set")
        return os.environ[where]
    if kind == "file" and where:
        try:
            return Path(where).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{flag}: {where} cannot be read: {error}") from None
    raise UsageError(f"{flag} takes env:NAME or file:PATH, never the value itself: others could read it in the list of processes")
