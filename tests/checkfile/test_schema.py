from __future__ import annotations

import json

from monitorpy.checkfile.schema import json_schema
from monitorpy.core.registry import BUILTINS


def references(schema):
    if isinstance(schema, dict):
        yield from ([schema["$ref"]] if "$ref" in schema else [])
        for inner in schema.values():
            yield from references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from references(inner)


def test_every_reference_leads_somewhere():
    schema = json_schema()
    assert {r.removeprefix("#/$defs/") for r in references(schema)} <= schema["$defs"].keys()
    assert json.loads(json.dumps(schema))["$defs"].keys() == schema["$defs"].keys()


def test_a_branch_for_each_declared_plugin():
    schema = json_schema(["tcp_port"])
    check = schema["$defs"]["Check"]
    assert check["allOf"][0]["then"] == {"properties": {"config": {"$ref": "#/$defs/tcp_port.config"}}}
    assert "required" not in schema["$defs"]["tcp_port.config"]
    assert len(json_schema()["$defs"]["Check"]["allOf"]) >= len(BUILTINS) - 1


def test_variables_are_accepted_where_values_are_limited():
    schema = json_schema(["tcp_port"])["$defs"]
    port = schema["tcp_port.config"]["properties"]["port"]
    assert port["anyOf"][-1] == {"type": "string", "pattern": r"\$\{"}
    assert schema["tcp_port.config"]["properties"]["host"]["type"] == "string"
    assert schema["Check"]["properties"]["timeout"]["anyOf"][0]["type"] == "number"
    assert "title" not in schema["Check"]["properties"]["timeout"]


def test_plugins_without_a_declaration_have_no_branch(plugins):
    from monitorpy import CheckResult, register_plugin

    register_plugin("dice")(lambda config: CheckResult.success(""))
    assert json_schema(["dice"])["$defs"]["Check"]["allOf"] == []
