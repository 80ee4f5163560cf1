"""Command-line arguments from a plugin's declared Config, and what was given back into a config."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitorpy.checkfile.scalars import substituted
from monitorpy.core.plugin_base import MonitorPlugin, declared_config
from monitorpy.core.plugin_config import Loc, field_order, settle_texts
from monitorpy.core.registry import FunctionPlugin
from monitorpy.errors import UsageError

PREFIX = "config_"
"""Of the names under which values are kept, so that no field meets an option of ours."""

_TEXT = frozenset({"string"})
_ANY = frozenset({"any"})
_LONG_ENOUGH = 3


@dataclass(frozen=True, slots=True)
class Field:
    """A key of the config as the command line sees it, read off the JSON Schema of the model.

    ``types`` are those of JSON Schema, "any" where it names none; ``inner`` those of the items of a list or mapping.
    """

    name: str
    required: bool
    help: str
    types: frozenset[str]
    inner: frozenset[str] = _ANY
    choices: tuple[str, ...] = ()
    secret: bool = False
    levels: bool = False  # a mapping with keys of its own, such as {warning:, error:}
    secrets: frozenset[str] = frozenset()  # keys of a mapping that are secret

    @property
    def mapping(self) -> bool:
        """Whether it is given as NAME=VALUE; what may also be a text is given as that, or as JSON."""
        return "object" in self.types and "string" not in self.types and not self.levels

    @property
    def positional(self) -> bool:
        """Whether it can be given by place: one value, and not an on/off."""
        return self.required and not self.mapping and self.types not in ({"boolean"}, {"array"})


@dataclass(frozen=True, slots=True)
class Given:
    """The config that the command line describes, the secrets in it, and the flag of each key."""

    config: dict[str, Any]
    secrets: frozenset[str]
    flags: Mapping[str, str]


def fields(plugin: type[MonitorPlugin]) -> list[Field]:
    """The keys of a plugin's config, the required ones first; those of a seed-style plugin take any value."""
    model = declared_config(plugin)
    if model is None:
        keys = [*((key, True) for key in plugin.get_required_config()), *((key, False) for key in plugin.get_optional_config())]
        return [Field(key, required, "", _ANY) for key, required in keys if key != "timeout"]
    schema = model.model_json_schema()
    required, models = schema.get("required", []), schema.get("$defs", {})
    return [_field(name, schema["properties"][name], name in required, models) for name in field_order(model) if name != "timeout"]


def add_flags(parser: argparse.ArgumentParser, plugin: type[MonitorPlugin], argv: Iterable[str], taken: Iterable[str]) -> None:
    """Add the plugin's arguments: required ones by place, or as flags where ``argv`` gives them so.

    A flag that is ``taken`` by an option of every check becomes ``--config-NAME``. A plugin that takes any config gets
    ``--config NAME=VALUE``.
    """
    given = {argument.partition("=")[0] for argument in argv}
    group = parser.add_argument_group("options of this check")
    flags: dict[str, str] = {}
    for field in fields(plugin):
        flag = flags[field.name] = _flag(field.name, taken)
        options = _options(field)
        if field.positional and flag not in given:
            words = f" One of: {', '.join(field.choices)}." if field.choices else ""
            parser.add_argument(PREFIX + field.name, **{**options, "metavar": field.name.upper(), "help": options["help"] + words})
        else:
            group.add_argument(flag, dest=PREFIX + field.name, default=argparse.SUPPRESS, required=field.required, **options)
    if issubclass(plugin, FunctionPlugin):
        group.add_argument("--config", action="append", metavar="NAME=VALUE", help="A key of its config. Repeatable.")
    parser.set_defaults(flags=flags)


def config_from(plugin: type[MonitorPlugin], args: argparse.Namespace) -> Given:
    """The config that the arguments describe.

    Values are typed by YAML's rules and turned back into text where the plugin wants text. Raises UsageError for a
    secret that is not there, and for what cannot be read.
    """
    config: dict[str, Any] = {}
    texts: dict[Loc, str] = {}
    secrets: set[str] = set()
    for field in fields(plugin):
        if hasattr(args, PREFIX + field.name):
            value = getattr(args, PREFIX + field.name)
            flag = args.flags[field.name]
            if field.secret:
                value = _secret(flag, value)
                secrets.add(value)
            made = config[field.name] = value if field.secret else _value(field, flag, value, texts)
            for key in field.secrets & made.keys() if field.secrets else ():
                made[key] = _secret(f"{flag} {key}", texts.pop((field.name, key)))
                secrets.add(made[key])
    for key, value in _pairs("--config", getattr(args, "config", None) or []):
        config[key] = _typed(value, _ANY)
    model = declared_config(plugin)
    return Given(settle_texts(model, config, texts) if model else config, frozenset(secrets), args.flags)


def _flag(name: str, taken: Iterable[str]) -> str:
    flag = "--" + name.replace("_", "-")
    return "--config-" + flag[2:] if flag in taken else flag


def _field(name: str, entry: Mapping[str, Any], required: bool, models: Mapping[str, Any]) -> Field:
    branches = entry.get("anyOf", [entry])
    inner = [branch[key] for branch in branches for key in ("items", "additionalProperties") if isinstance(branch.get(key), dict)]
    enums = [branch.get("enum", [branch["const"]] if "const" in branch else None) for branch in branches if branch.get("type") != "null"]
    text = entry.get("description", "")
    default = entry.get("default")
    if default not in (None, False, "", [], {}) and "default" not in text:
        text += f" (default: {json.dumps(default) if not isinstance(default, str) else default})"
    return Field(
        name,
        required,
        text,
        _types(entry),
        frozenset().union(*map(_types, inner)) or _ANY,
        tuple(str(choice) for enum in enums for choice in enum or ()) if all(enums) else (),
        _is_secret(entry),
        any("properties" in branch for branch in branches),
        frozenset(key for branch in branches for key, inner in _properties(branch, models) if _is_secret(inner)),
    )


def _is_secret(entry: Mapping[str, Any]) -> bool:
    return any(branch.get("writeOnly") for branch in entry.get("anyOf", [entry]))


def _properties(branch: Mapping[str, Any], models: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The keys of a section, such as confirm_imap."""
    model = models.get(branch.get("$ref", "").rpartition("/")[2], {})
    return dict(model.get("properties", {})).items()


def _types(entry: Mapping[str, Any]) -> frozenset[str]:
    branches = entry.get("anyOf", [entry])
    found: set[str] = set()
    for branch in branches:
        kind = branch.get("type", "object" if "$ref" in branch else "any")
        found |= {kind} if isinstance(kind, str) else set(kind)
    return frozenset(found - {"null"})


def _options(field: Field) -> dict[str, Any]:
    """The keyword arguments for add_argument."""
    text = field.help.replace("%", "%%")
    if field.types == {"boolean"}:
        return {"action": argparse.BooleanOptionalAction, "help": text}
    if field.secret:
        return {"metavar": "env:NAME|file:PATH", "help": f"{text} As env:NAME or file:PATH, never the value itself."}
    if field.choices:
        return {"choices": field.choices, "help": text}
    if field.mapping:
        secret = "".join(f" {key} as env:NAME or file:PATH." for key in sorted(field.secrets))
        return {"action": "append", "metavar": "NAME=VALUE", "help": f"{text} Repeatable.{secret}"}
    if "array" in field.types and not field.positional:
        return {"action": "append", "metavar": _metavar(field), "help": f"{text} Repeatable."}
    if field.levels:
        return {"metavar": "LIMIT", "help": f"{text} Both levels as in warning=0.5,error=2."}
    return {"metavar": _metavar(field), "help": text}


def _metavar(field: Field) -> str:
    """The last word of the name, which mostly says what is wanted: PORT, FILE, DAYS."""
    word = field.name.rpartition("_")[2].upper()
    return word if len(word) >= _LONG_ENOUGH else "VALUE"


def _value(field: Field, flag: str, given: Any, texts: dict[Loc, str]) -> Any:
    loc: Loc = (field.name,)
    if isinstance(given, bool):
        return given
    if field.mapping:
        pairs = _pairs(flag, given)
        texts |= {(*loc, key): text for key, text in pairs}
        return {key: _typed(text, field.inner) for key, text in pairs}
    if isinstance(given, list) and (len(given) > 1 or field.types == {"array"}):
        texts |= {(*loc, index): text for index, text in enumerate(given)}
        return [_typed(text, field.inner) for text in given]
    text = given[0] if isinstance(given, list) else given
    if field.levels and "=" in text:
        return {key: _typed(level, _ANY) for key, level in _pairs(flag, text.split(","))}
    texts[loc] = text
    return _typed(text, field.types)


def _typed(text: str, types: frozenset[str]) -> Any:
    """The value by YAML's rules, JSON for lists and mappings; a text where nothing else is wanted."""
    if types <= _TEXT | {"array"}:
        return text
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return substituted(text)


def _pairs(flag: str, given: Iterable[str]) -> list[tuple[str, str]]:
    return list(_split(flag, given))


def _split(flag: str, given: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for item in given:
        key, equals, value = item.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UsageError(f"{flag}: write NAME=VALUE, not {item!r}")
        if key in seen:
            raise UsageError(f"{flag}: {key} is given twice")
        seen.add(key)
        yield key, value


def _secret(flag: str, given: str) -> str:
    kind, _, where = given.partition(":")
    if kind == "env" and where:
        if where not in os.environ:
            raise UsageError(f"{flag}: the environment variable {where} is not set")
        return os.environ[where]
    if kind == "file" and where:
        try:
            return Path(where).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{flag}: {where} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}") from None
    raise UsageError(f"{flag} takes env:NAME or file:PATH, never the value itself: others could read it in the list of processes")
