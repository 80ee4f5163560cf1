"""The declared way to write a plugin: ``class Config(PluginConfig)``. Importing this module imports pydantic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from monitorpy.errors import ConfigError, ConfigIssue

Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65535)]

Loc = tuple[str | int, ...]
ConfigT = TypeVar("ConfigT", bound="ConfigSection")

_TYPES = {
    "string_type": "must be text",
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "none_required": "must be null",
    "finite_number": "must be a finite number",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}
_BOUNDS = {"gt": "greater than", "ge": "at least", "lt": "less than", "le": "at most"}


class ConfigSection(BaseModel):
    """A mapping inside a configuration.

    Types are strict (``port: "9"`` is refused), unknown keys are errors, fields of type SecretStr are masked in every output.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class PluginConfig(ConfigSection):
    """The base of every declared configuration; each field has a description that names its unit."""

    timeout: Seconds | None = Field(None, description="Seconds for one attempt, everything included (default 10).")


def parse_config(model: type[ConfigT], config: Mapping[str, Any]) -> ConfigT:
    """An instance of the model. Raises ConfigError with every mistake in it."""
    try:
        return model.model_validate(dict(config))
    except ValidationError as refused:
        given: dict[str | int, int] = {key: place for place, key in enumerate(config)}  # pydantic tells the fields of base classes first
        raise ConfigError(
            *sorted(_issues(refused, model, config), key=lambda issue: given.get(issue.loc[0], -1) if issue.loc else -1)
        ) from None


def settle_texts(model: type[PluginConfig], config: dict[str, Any], texts: Mapping[Loc, str]) -> dict[str, Any]:
    """The config with some values turned back into the texts they came from.

    A value that was substituted whole (``${PIN}``, ``--password 1234``) is typed by YAML's rules first; where the model
    wants text there, it gets the text. ``texts`` maps the places of such values to their texts.
    """
    try:
        model.model_validate(config)
    except ValidationError as refused:
        wanted = {_place(e["loc"], config) for e in refused.errors() if e["type"] in {"string_type", "literal_error"}} & texts.keys()
        if wanted:
            config = deepcopy(config)
            for loc in wanted:
                parent: Any = config
                for step in loc[:-1]:
                    parent = parent[step]
                parent[loc[-1]] = texts[loc]
    return config


def field_order(model: type[BaseModel]) -> list[str]:
    """The names of the fields as people look for them: required ones, then the model's own, then those of its bases."""
    own = vars(model).get("__annotations__", {})
    return sorted(model.model_fields, key=lambda name: (not model.model_fields[name].is_required(), name not in own))


def secret_values(settings: BaseModel) -> Iterator[str]:
    """Every value declared SecretStr in the settings, nested ones too."""
    for name in type(settings).model_fields:
        yield from _secrets_in(getattr(settings, name))


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from secret_values(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _secrets_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets_in(item)


def _issues(refused: ValidationError, model: type[ConfigSection], config: Mapping[str, Any]) -> Iterator[ConfigIssue]:
    """One issue for each place; the branches of a union are joined by "or"."""
    places: dict[tuple[Loc, bool], list[str]] = {}
    branches: set[Loc] = set()  # places of values that may have one of several forms
    for error in refused.errors(include_url=False):
        kind, loc = error["type"], error["loc"]
        place = _place(loc, config)
        if kind == "missing":
            place, message, on_key = place[:-1], f"missing required key {loc[-1]!r}", False
        elif kind == "extra_forbidden":
            message, on_key = unknown_key(str(loc[-1]), _keys_at(model, place[:-1])), True
        else:
            secret = bool(place) and _is_secret(model, place[0])
            message, on_key = _prose(kind, error.get("ctx", {}), error["msg"], None if secret else error["input"]), False
            if len(place) < len(loc):
                branches.add(place)
        messages = places.setdefault((place, on_key), [])
        if message not in messages:
            messages.append(message)
    for (place, on_key), messages in places.items():
        if place in branches and any(deeper[: len(place)] == place and len(deeper) > len(place) for deeper, _ in places):
            continue  # of the form that was meant more is said
        if missing := [m for m in messages if m.startswith("missing ")]:  # it is a mapping, so what other forms want does not matter
            yield from (ConfigIssue(place, m) for m in missing)
        elif len(messages) == 1:
            yield ConfigIssue(place, messages[0], on_key=on_key)
        else:
            alike = all(m.startswith("must be ") for m in messages)
            forms = [m.removeprefix("must be " if alike else "").partition(", not ")[0] for m in messages]
            yield ConfigIssue(place, f"{'must be ' if alike else ''}{' or '.join(forms)}", on_key=on_key)


def _prose(kind: str, ctx: Mapping[str, Any], text: str, found: Any) -> str:
    if kind in {"value_error", "assertion_error"}:
        return text.partition(", ")[2] or text
    if kind == "literal_error":
        words = {"True": "true", "False": "false"}.get(str(ctx["expected"]), ctx["expected"])
        hint = get_close_matches(str(found), [w.strip("' ") for w in str(ctx["expected"]).replace(" or ", ",").split(",")], 1)
        return f"must be {words}" + (f", not {found!r}" if found is not None else "") + (f"; did you mean {hint[0]!r}?" if hint else "")
    if kind in _TYPES:
        if kind != "string_type" and kind.endswith("_type") and isinstance(found, str):
            quoted = _TYPES[kind] in {"must be an integer", "must be a number", "must be true or false"}
            return _TYPES[kind] + (", not text: remove the quotes" if quoted else ", not text")
        if kind == "string_type" and isinstance(found, int | float):
            return "must be text: quote it"
        return _TYPES[kind]
    bound = next((f"must be {words} {_number(ctx[key])}" for key, words in _BOUNDS.items() if key in ctx), None)
    if bound is not None:
        return bound + (f", not {found!r}" if isinstance(found, int | float) else "")
    return text[:1].lower() + text[1:]


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else str(value)


def unknown_key(key: str, known: list[str]) -> str:
    """``unknown key 'x'; did you mean 'y'?``, or the known keys where none is near."""
    near = get_close_matches(key, known, 1, 0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
    return f"unknown key {key!r}; {hint}" if known else f"unknown key {key!r}"


def _place(loc: Loc, config: Any) -> Loc:
    """The loc without the names of union branches that pydantic puts into it."""
    place: list[str | int] = []
    here = config
    for number, step in enumerate(loc):
        try:
            here = here[step]
        except KeyError:  # a missing key, which comes last; or a branch's name where the value is a mapping
            if number == len(loc) - 1 and not _is_branch(str(step)):
                place.append(step)
        except (IndexError, TypeError):  # a branch's name
            continue
        else:
            place.append(step)
    return tuple(place)


def _is_branch(name: str) -> bool:
    plain = name.removeprefix("constrained-")
    return any(mark in name for mark in "[(") or plain in {"str", "int", "float", "bool", "none", "list", "dict"}


def _keys_at(model: type[BaseModel], place: Loc) -> list[str]:
    """The fields that are known at a place of the config."""
    for step in place:
        if isinstance(step, int):
            continue
        field = model.model_fields.get(str(step))
        nested = next((m for m in _models(field.annotation)), None) if field else None
        if nested is None:
            return []
        model = nested
    return list(model.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def _is_secret(model: type[BaseModel], name: str | int) -> bool:
    field = model.model_fields.get(str(name))
    return field is not None and "SecretStr" in repr(field.annotation)
