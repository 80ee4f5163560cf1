from __future__ import annotations

import pytest

from monitorpy.core.json_dialects import DEPTH, TooDeepError, dialect, dialects, formats, regex, until
from monitorpy.errors import ConfigError, NetError
from monitorpy.net.deadline import Deadline

LATEST = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture
def errors():
    """The errors of a value under a schema: (keyword, path)."""

    def judge(schema, value, draft=None, deadline=None):
        validator = dialect(draft)(schema, format_checker=formats())
        with until(deadline or Deadline.never()):
            return [(error.validator, list(error.absolute_path)) for error in validator.iter_errors(value)]

    return judge


def test_the_drafts():
    assert len(dialects()) == 5
    assert dialect(None) is dialect(LATEST)
    assert dialect("http://json-schema.org/draft-07/schema#") is dialect("http://json-schema.org/draft-07/schema") is not dialect(LATEST)


@pytest.mark.parametrize("name", ["http://json-schema.org/draft-03/schema#", "x", 5, None.__class__])
def test_other_drafts(name):
    with pytest.raises(ValueError, match=r"\$schema must be one of http://json-schema.org/draft-04/schema, .*, not "):
        dialect(name)


@pytest.mark.parametrize(
    "schema, value, found",
    [
        ({"pattern": "^a"}, "abc", []),
        ({"pattern": "^a"}, 5, []),
        ({"pattern": "^a"}, "b", [("pattern", [])]),
        ({"patternProperties": {"^x": {"type": "string"}}}, {"xa": 1, "y": 1, "xb": ""}, [("type", ["xa"])]),
        ({"patternProperties": {"^x": {"type": "string"}}}, [], []),
        ({"additionalProperties": {"type": "string"}, "properties": {"a": True}}, {"a": 1, "b": 1, "c": ""}, [("type", ["b"])]),
        ({"additionalProperties": False, "patternProperties": {"^x": True}}, {"xa": 1, "b": 1}, [(None, ["b"])]),
        ({"additionalProperties": False}, [], []),
        ({"required": ["a", "b"]}, {"a": 1}, [("required", [])]),
        ({"required": ["a"]}, [], []),
        ({"uniqueItems": True}, [1, True, "1", [1], {"a": [1]}], []),
        ({"uniqueItems": True}, [{"a": 1}, {"a": 1.0}], [("uniqueItems", [])]),
        ({"uniqueItems": True}, "aa", []),
        ({"uniqueItems": False}, [1, 1], []),
        ({"format": "date"}, "2023-02-29", [("format", [])]),
        ({"format": "date"}, 5, []),
        ({"type": ["string", "null"]}, None, []),
    ],
)
def test_keywords(errors, schema, value, found):
    assert errors(schema, value) == found


def test_a_long_list_of_things_that_differ_does_not_take_for_ever(errors):
    assert errors({"uniqueItems": True}, [{"n": n} for n in range(20_000)]) == []  # jsonschema compares each with each


@pytest.mark.parametrize("schema", [{"pattern": "^(a|a)*$"}, {"patternProperties": {"^(a|a)*$": {}}}])
def test_patterns_that_backtrack(errors, monkeypatch, ms, schema):
    monkeypatch.setattr("monitorpy.core.patterns.SEARCH_SECONDS", 50 * ms)
    text = "a" * 200 + "b"
    with pytest.raises(ConfigError, match="backtracks too much"):
        errors(schema, text if "pattern" in schema else {text: 1})


def test_the_deadline(errors, ms):
    with pytest.raises(NetError, match=r"the JSON body was not compared with json_schema within 0\.0\d+ s") as caught:
        errors({"items": {"type": "integer"}}, list(range(200_000)), deadline=Deadline(20 * ms))
    assert caught.value.kind == "timeout"
    assert errors({"type": "integer"}, 1) == []  # it holds for that comparison only


def test_depth(errors):
    nested = {"items": {"$ref": "#"}, "type": "array"}

    def value(levels):
        return [value(levels - 1)] if levels else []

    assert errors(nested, value(DEPTH // 2 - 2)) == []
    for _ in range(2):  # and it counts anew
        with pytest.raises(TooDeepError):
            errors(nested, value(DEPTH))
    with pytest.raises(TooDeepError):
        errors({"anyOf": [{"not": {"$ref": "#"}}]}, 1)


def test_patterns_are_compiled_once():
    assert regex("^once$") is regex("^once$")
