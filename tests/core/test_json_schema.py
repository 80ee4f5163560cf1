from __future__ import annotations

import socket

import pytest

from monitorpy.core.json_schema import JsonSchema
from monitorpy.net.deadline import Deadline


@pytest.fixture
def told(deadline):
    """What is said of a value under a schema."""
    return lambda schema, value: [str(failure) for failure in JsonSchema.parse(schema).failures(value, deadline)]


@pytest.fixture
def deadline(ms):
    return Deadline(20_000 * ms)


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def nested(levels, inner):
    return {"items": nested(levels - 1, inner)} if levels else inner


@pytest.mark.parametrize(
    "schema, text",
    [
        (5, "must be a JSON Schema (a mapping) or the path of a JSON file with one"),
        ({}, "it asserts nothing, so everything would pass"),
        ({"title": "x", "$defs": {}}, "it asserts nothing"),
        ({"$schema": "https://example.org/own", "type": "string"}, "$schema must be one of http://json-schema.org/draft-04/schema"),
        ({"type": "strng"}, "type: 'strng' is not one of ['array', 'boolean', "),
        ({"properties": {"a": {"minimum": "x"}}}, "properties.a.minimum: 'x' is not of type 'number'"),
        ({"properties": []}, "properties: [] is not of type 'object'"),
        ({"type": "object", "requried": ["a"]}, "unknown keyword 'requried'; did you mean 'required'?"),
        ({"properties": {"a": {"exclusiveMinimun": 1}}}, "unknown keyword 'exclusiveMinimun'; did you mean 'exclusiveMinimum'?"),
        ({"type": "object", "dependencies": {}}, "dependencies is not a keyword of https://json-schema.org/draft/2020-12/schema, so it"),
        (
            {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "const": 1},
            "const is not a keyword of http://json-schema",
        ),
        ({"items": {"format": "phone"}}, 'format "phone" cannot be checked; known are date, time, date-time,'),
        ({"pattern": "("}, "'(' is not a regular expression: missing )"),
        ({"patternProperties": {"[": True}}, "'[' is not a regular expression"),
        (
            {"patternProperties": {"a": True}, "unevaluatedProperties": False},
            "unevaluatedProperties beside patternProperties is not supported",
        ),
        ({"$ref": "#/$defs/gone"}, '$ref "#/$defs/gone" leads nowhere in this schema, and nothing is fetched'),
        ({"items": {"$ref": "#gone"}}, '$ref "#gone" leads nowhere'),
        ({"$dynamicRef": "#gone"}, '$dynamicRef "#gone" leads nowhere'),
        (
            {"$ref": "https://example.org/schema.json"},
            '$ref "https://example.org/schema.json" leads nowhere in this schema, and nothing is',
        ),
        ({"$ref": "file:///etc/passwd"}, "leads nowhere"),
        ({"$ref": "#/items/x", "items": [True]}, "items: [True] is not of type 'object', 'boolean'"),
        ({"$ref": "#/allOf/x", "allOf": [True]}, '$ref "#/allOf/x" leads nowhere'),
        ({"$ref": "#/title", "title": "t"}, "$ref \"#/title\": 't' is not of type 'object', 'boolean'"),
        ({"$ref": "#/components/a", "components": {"a": {"type": "strng"}}}, "$ref \"#/components/a\": type: 'strng' is not one of"),
        ({"$ref": "#/components/a", "components": {"a": {"pattern": "("}}}, "'(' is not a regular expression"),
        (
            {"items": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "string"}},
            "a $schema below the top is not supported",
        ),
        ({"const": float("nan")}, "Out of range float values are not JSON compliant"),
        ({"const": object()}, "Object of type object is not JSON serializable"),
        (nested(50, {"type": "string"}), "it is nested deeper than 50 levels"),
    ],
)
def test_schemas_that_are_refused(schema, text):
    with pytest.raises(ValueError, match=r"^(is not|must be) a JSON Schema") as refused:
        JsonSchema.parse(schema)
    assert text in str(refused.value)


def test_a_schema_that_contains_itself():
    schema = {"type": "array"}
    schema["items"] = schema
    with pytest.raises(ValueError, match="is not a JSON Schema: "):
        JsonSchema.parse(schema)


def test_nothing_is_fetched(monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    with pytest.raises(ValueError, match="leads nowhere"):
        JsonSchema.parse({"$ref": "http://127.0.0.1:1/schema.json"})


def test_files(tmp_path, told):
    path = tmp_path / "schema.json"
    path.write_text('\ufeff{"type": "string"}', encoding="utf-8")
    assert told(str(path), 5) == ["json: expected type string, got 5"]
    for text, reason in (("[", "Expecting value"), ("[]", "it must be a mapping"), ("[" * 100_000, "it is nested too deeply")):
        path.write_text(text)
        with pytest.raises(ValueError, match=f"is not a JSON Schema: {reason}"):
            JsonSchema.parse(str(path))
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"schema\.json cannot be read: 'utf-8' codec"):
        JsonSchema.parse(str(path))
    with pytest.raises(ValueError, match=r"nowhere\.json cannot be read: No such file"):
        JsonSchema.parse("nowhere.json")


def test_a_schema_is_compiled_once():
    schema = JsonSchema.parse({"type": "string", "title": "once"})
    assert JsonSchema.parse({"type": "string", "title": "once"}) is schema
    assert JsonSchema.parse(schema) is schema


ITEM = {"type": "object", "required": ["price"], "properties": {"price": {"type": "number"}}}


@pytest.mark.parametrize(
    "schema, value, messages",
    [
        ({"properties": {"items": {"items": ITEM}}}, {"items": [{"price": 1}]}, []),
        (
            {"properties": {"items": {"items": ITEM}}},
            {"items": [{"price": "1"}, {}, {"price": None}]},
            [
                'json.items[0].price: expected type number, got "1"',
                "json.items[1].price: it is required, and missing",
                "json.items[2].price: expected type number, got null",
            ],
        ),
        ({"required": ["a b"]}, {}, ["json['a b']: it is required, and missing"]),
        ({"additionalProperties": False}, {"x": 1}, ["json.x: not allowed, got 1"]),
        ({"prefixItems": [False]}, [1], ["json: not allowed, got 1"]),
        ({"type": ["string", "null"]}, 1, ["json: expected type string or null, got 1"]),
        ({"enum": ["up", "ok"]}, "down", ['json: expected one of ["up", "ok"], got "down"']),
        ({"const": True}, 1, ["json: expected true, got 1"]),
        ({"minimum": 1}, 0, ["json: expected >= 1, got 0"]),
        ({"exclusiveMaximum": 1}, 1, ["json: expected < 1, got 1"]),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": True}, 1, ["json: expected > 1, got 1"]),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1}, 0, ["json: expected >= 1, got 0"]),
        ({"minLength": 2}, "a", ['json: expected at least 2 characters, got "a"']),
        ({"maxItems": 1}, [1, 2], ["json: expected at most 1 items, got [1, 2]"]),
        ({"uniqueItems": True}, [1, 1], ["json: expected items that all differ, got [1, 1]"]),
        ({"pattern": "^{a}$"}, "b", ['json: expected match of /^{a}$/, got "b"']),
        ({"format": "date-time"}, "now", ['json: expected format date-time, got "now"']),
        ({"not": {"type": "string"}}, "x", ["json: 'x' should not be valid under {'type': 'string'} (not)"]),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, ["json: 'b' is a dependency of 'a' (dependentRequired)"]),
        (
            {"anyOf": [{"type": "string"}, {"type": "object", "required": ["k"]}]},
            {},
            ["json: expected one of the forms of anyOf (nearest: json.k: it is required, and missing)"],
        ),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, 1, ["json: expected one of the forms of anyOf, got 1"]),
        ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 3, ["json: expected exactly one of the forms of oneOf, but more than one fits 3"]),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "number"}}}, "x", ['json: expected type number, got "x"']),
        (
            {"$id": "https://example.org/root", "$defs": {"a": {"$id": "a", "type": "string"}}, "items": {"$ref": "a"}},
            [1],
            ["json[0]: expected type string, got 1"],
        ),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}, [1], ["json[0]: expected type string, got 1"]),
        ({"properties": {"$schema": {"type": "string"}}}, {"$schema": 1}, ["json['$schema']: expected type string, got 1"]),
        ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, {"maxLength": 1, "type": "string"}, []),
        ({"type": "object", "example": {}, "note": "x", "x-own": 1, "nullable": True}, {}, []),
    ],
)  # fmt: skip
def test_violations(told, schema, value, messages):
    assert told(schema, value) == messages


def test_a_schema_refers_to_itself(told):
    tree = {"type": "object", "properties": {"children": {"items": {"$ref": "#"}}}}
    assert told(tree, {"children": [{"children": [{}]}]}) == []
    assert told(tree, {"children": [{"children": [5]}]}) == ["json.children[0].children[0]: expected type object, got 5"]


def test_what_a_failure_holds(deadline):
    (failure,) = JsonSchema.parse({"properties": {"a": {"maximum": 3}}}).failures({"a": 4}, deadline)
    assert (failure.path, failure.expected, failure.actual, failure.severity) == ("json.a", "<= 3", 4, "error")


@pytest.mark.parametrize("count, told_of", [(10, 10), (11, 11), (1000, 11)])
def test_not_more_than_fit_on_a_page(told, count, told_of):
    messages = told({"items": {"type": "string"}}, list(range(count)))
    assert len(messages) == told_of
    assert (messages[-1] == "there are more violations of json_schema") is (count > 10)


@pytest.mark.parametrize(
    "schema, value",
    [
        ({"$ref": "#"}, 1),
        ({"type": "array", "items": {"$ref": "#"}}, deep(300)),
        ({"const": 1, "uniqueItems": True}, deep(5_000)),
    ],
)
def test_what_has_no_end(told, schema, value):
    assert any("cannot be compared with json_schema: it is nested too deeply" in message for message in told(schema, value))
