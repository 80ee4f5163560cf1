from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import Field

from monitorpy.core.fields import JsonPathField, RegexField, StatusField, StatusSpec, ThresholdField
from monitorpy.core.paths import compile_path
from monitorpy.core.plugin_config import PluginConfig, parse_config
from monitorpy.core.ranges import Range, Threshold
from monitorpy.errors import ConfigError


class Config(PluginConfig):
    limit: ThresholdField | None = Field(None, description="Seconds.")
    status: StatusField = Field(StatusSpec.parse("2xx"), description="Statuses.")
    pattern: RegexField | None = None
    patterns: list[RegexField] = []
    values: dict[JsonPathField, Any] = {}
    path: JsonPathField | None = None


def parsed(**config):
    return parse_config(Config, config)


def issue(**config):
    with pytest.raises(ConfigError) as refused:
        parsed(**config)
    (found,) = refused.value.issues
    return found.loc, found.message


def test_fields_compile():
    config = parsed(limit=0.5, status=[200, "3xx"], pattern="a+", patterns=["b"], values={"a.b": 1}, path="x[0]")
    assert config.limit == Threshold(error=Range(high=0.5))
    assert config.pattern.search("caab")
    assert [p.pattern for p in config.patterns] == ["b"]
    assert config.values == {compile_path("a.b"): 1}
    assert config.path.select({"x": [5]}) == [(("x", 0), 5)]
    assert parsed(limit={"warning": "1:2"}).limit == Threshold(warning=Range(1, 2))
    assert parsed(limit=Threshold(warning=Range(1, 2))).limit == Threshold(warning=Range(1, 2))


@pytest.mark.parametrize(
    "spec, accepted, refused",
    [
        (200, [200], [201, 20]),
        ("2xx", [200, 299], [199, 300]),
        ("5XX", [503], [499]),
        ("200-299", [200, 250, 299], [300]),
        ([200, "301-302", "4xx"], [200, 301, 404], [303, 500]),
    ],
)
def test_statuses(spec, accepted, refused):
    status = parsed(status=spec).status
    assert [code for code in accepted if not status.accepts(code)] == []
    assert [code for code in refused if status.accepts(code)] == []


def test_statuses_keep_their_words():
    assert str(parsed(status=[200, "3xx"]).status) == "200 or 3xx"
    assert str(parsed().status) == "2xx"


@pytest.mark.parametrize(
    "config, loc, message",
    [
        ({"limit": True}, ("limit",), "must be a number (alerts above it)"),
        ({"limit": {"warn": 5}}, ("limit",), "no other key"),
        ({"limit": {"warning": 5, "error": 1}}, ("limit",), "can never be seen"),
        ({"status": "200"}, ("status",), 'not the text "200": remove the quotes'),
        ({"status": "ok"}, ("status",), 'not the text "ok"'),
        ({"status": [200, True]}, ("status",), "not true"),
        ({"status": []}, ("status",), "the list is empty"),
        ({"status": 20}, ("status",), "three digits"),
        ({"status": "299-200"}, ("status",), "starts above its end"),
        ({"status": None}, ("status",), "not null"),
        ({"pattern": "("}, ("pattern",), "is not a regular expression"),
        ({"pattern": 5}, ("pattern",), "not the number 5"),
        ({"patterns": ["a", "("]}, ("patterns", 1), "is not a regular expression"),
        ({"values": {"a-b": 1}}, ("values", "a-b"), "write $['a-b']"),
        ({"path": 5}, ("path",), "must be a JSONPath (text), not the number 5"),
    ],
)
def test_mistakes_have_a_place(config, loc, message):
    found = issue(**config)
    assert found[0] == loc
    assert message in found[1]


def test_there_is_a_json_schema():
    schema = Config.model_json_schema()
    json.dumps(schema)
    assert schema["properties"]["pattern"]["anyOf"][0] == {"type": "string", "minLength": 1, "format": "regex"}
    assert schema["properties"]["limit"]["description"] == "Seconds."
