"""The JSON Schema of the check file, for editors: ``# yaml-language-server: $schema=monitorpy.schema.json``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from monitorpy.checkfile.model import Check, File
from monitorpy.core.expectations import expectation_schema
from monitorpy.core.plugin_base import declared_config
from monitorpy.core.registry import BUILTINS, registry

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_DEFINITIONS = "#/$defs/"
_TEMPLATE = _DEFINITIONS + "{model}"
_VARIABLE = {"type": "string", "pattern": r"\$\{"}


def json_schema(plugins: Iterable[str] = BUILTINS) -> dict[str, Any]:
    """The schema, with one branch for the config of each of the plugins that declare one.

    Wherever a value is not plain text, a text with ``${`` in it is accepted as well. Keys that a config must have are not required
    here: the defaults of the file may give them.
    """
    file = File.model_json_schema(ref_template=_TEMPLATE)
    check = Check.model_json_schema(ref_template=_TEMPLATE)
    definitions: dict[str, Any] = {**file.pop("$defs"), **check.pop("$defs"), "Expectation": expectation_schema()}
    branches = []
    for name in plugins:
        if model := declared_config(registry.get(name)):
            definitions |= _config_definitions(name, model)
            branches.append(_branch(name))
    _complete(check, branches, sorted(plugins))
    file["properties"]["checks"]["items"] = {"$ref": "#/$defs/Check"}
    file["properties"]["defaults"] = {"$ref": "#/$defs/Defaults", "description": file["properties"]["defaults"].get("description", "")}
    by_plugin = {name: {"$ref": f"#/$defs/{name}.config"} for name in plugins if f"{name}.config" in definitions}
    definitions["Defaults"]["properties"]["config"]["properties"] = by_plugin
    definitions |= {"Check": check, "File": file}
    return {
        "$schema": _DRAFT,
        "title": "A check file of MonitorPy",
        "anyOf": [{"$ref": "#/$defs/File"}, {"type": "array", "items": {"$ref": "#/$defs/Check"}}],
        "$defs": {name: _with_variables(schema) for name, schema in definitions.items()},
    }


def _config_definitions(name: str, model: Any) -> dict[str, Any]:
    config: dict[str, Any] = model.model_json_schema(ref_template=f"{_DEFINITIONS}{name}.{{model}}")
    config.pop("required", None)
    nested = config.pop("$defs", {})
    return {**{f"{name}.{inner}": schema for inner, schema in nested.items()}, f"{name}.config": config}


def _complete(check: dict[str, Any], branches: list[dict[str, Any]], plugins: list[str]) -> None:
    """Put in what the model does not say: the alias of plugin, the expectations, the branches."""
    properties = check["properties"]
    properties["plugin"]["examples"] = plugins
    properties["plugin_type"] = dict(properties["plugin"])
    properties["expect"]["items"] = {"$ref": "#/$defs/Expectation"}
    properties["expect"]["minItems"] = 1
    check["required"] = ["id"]
    check["oneOf"] = [{"required": ["plugin"]}, {"required": ["plugin_type"]}]
    check["allOf"] = branches


def _branch(name: str) -> dict[str, Any]:
    chosen = [{"properties": {key: {"const": name}}, "required": [key]} for key in ("plugin", "plugin_type")]
    return {"if": {"anyOf": chosen}, "then": {"properties": {"config": {"$ref": f"#/$defs/{name}.config"}}}}


def _with_variables(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a mapping, where each scalar among its values may be a variable as well."""
    changed = {key: value for key, value in schema.items() if key != "title"}
    if "properties" in schema:
        changed["properties"] = {name: _or_variable(inner) for name, inner in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), dict):
        changed["additionalProperties"] = _or_variable(schema["additionalProperties"])
    return changed


def _or_variable(schema: dict[str, Any]) -> dict[str, Any]:
    if "items" in schema and isinstance(schema["items"], dict):
        schema = {**schema, "items": _or_variable(schema["items"])}
    if schema.get("type") in {"array", "object"} or "$ref" in schema or not _is_limited(schema):
        return _with_variables(schema)
    schema = _without_null(schema)
    about: dict[str, Any] = {key: schema[key] for key in ("description", "default", "examples") if key in schema}
    return {**about, "anyOf": [{key: value for key, value in schema.items() if key not in {*about, "title"}}, _VARIABLE]}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the null that stands for an absent key: the key itself is left out then."""
    if schema.get("default", "") is not None or "anyOf" not in schema:
        return schema
    branches = [branch for branch in schema["anyOf"] if branch != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**kept, "anyOf": branches} if len(branches) > 1 else {**kept, **branches[0]}


def _is_limited(schema: dict[str, Any]) -> bool:
    """Whether some texts do not match it."""
    return bool(schema.keys() & {"anyOf", "oneOf", "enum", "const", "pattern", "format"}) or schema.get("type", "string") != "string"
