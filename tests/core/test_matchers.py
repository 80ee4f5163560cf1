from __future__ import annotations

import json
import math

import pytest

from monitorpy.core import matchers
from monitorpy.core.matchers import MATCHERS, WrongTypeError, compile_regex

NAN = math.nan


def holds(name, operand, value):
    matcher = MATCHERS[name]
    return matcher.holds(value, matcher.accept(operand))


@pytest.mark.parametrize(
    "name, operand, value",
    [
        ("equals", 200, 200.0),
        ("equals", {"a": [1]}, {"a": [1.0]}),
        ("equals", [], []),
        ("equals", None, None),
        ("not_equals", 5, 6),
        ("not_equals", None, "x"),
        ("in", [1, "a"], "a"),
        ("not_in", [1, "a"], 2),
        ("not_in", [1, None], "x"),
        ("lt", 5, 4.9),
        ("le", 5, 5),
        ("gt", 5, 10**400),
        ("ge", 5.0, 5),
        ("between", [1, 5], 1),
        ("between", [1, 5], 5),
        ("contains", "b", "abc"),
        ("contains", 2, [1, 2.0]),
        ("contains", "k", {"k": 1}),
        ("not_contains", "x", "abc"),
        ("not_contains", 1, [True, "1"]),
        ("not_contains", "x", {"k": 1}),
        ("matches", "^b", "b"),
        ("matches", "b", "abc"),
        ("not_matches", "^b", "abc"),
        ("exists", True, None),
        ("length", 0, []),
        ("length", 3, "abc"),
        ("length", {"gt": 0, "le": 2}, {"a": 1}),
        ("length", {"in": [1, 2], "not_equals": 1, "between": [1, 3]}, [0, 0]),
        ("set_equals", [1, 2], [2, 1.0, 1]),
        ("set_equals", [], []),
        ("type", "integer", 1),
        ("type", ["string", "null"], None),
    ],
)
def test_what_holds(name, operand, value):
    assert holds(name, operand, value)


@pytest.mark.parametrize(
    "name, operand, value",
    [
        ("equals", 1, True),
        ("equals", 200, "200"),
        ("equals", [1, 2], [2, 1]),
        ("equals", 1, NAN),
        ("not_equals", 5, 5.0),
        ("not_equals", 5, NAN),
        ("not_equals", None, None),
        ("in", [1], True),
        ("in", [1], NAN),
        ("not_in", [1], 1),
        ("not_in", [1], NAN),
        ("lt", 5, 5),
        ("lt", 5, NAN),
        ("le", 5, NAN),
        ("gt", 5, NAN),
        ("ge", 5, NAN),
        ("between", [1, 5], NAN),
        ("between", [1, 5], 5.01),
        ("contains", 1, [True]),
        ("contains", "x", "abc"),
        ("not_contains", "b", "abc"),
        ("matches", "^c", "abc"),
        ("not_matches", "c", "abc"),
        ("length", 3, "ab"),
        ("length", {"gt": 0, "lt": 2}, "abc"),
        ("set_equals", [1], [True]),
        ("set_equals", [1, 2], [1]),
        ("type", "integer", True),
    ],
)
def test_what_does_not(name, operand, value):
    assert not holds(name, operand, value)


@pytest.mark.parametrize(
    "name, operand, value, wanted",
    [
        ("lt", 5, "7", "a number"),
        ("gt", 5, True, "a number"),
        ("ge", 5, None, "a number"),
        ("between", [1, 2], "1", "a number"),
        ("contains", "5", 5, "text, a list or a mapping"),
        ("contains", 5, "5", "a list"),
        ("not_contains", "5", None, "text, a list or a mapping"),
        ("not_contains", 5, {"a": 5}, "a list"),
        ("matches", "5", 5, "text"),
        ("not_matches", "x", 5, "text"),
        ("not_matches", "x", None, "text"),
        ("length", 1, 1, "text, a list or a mapping of"),
        ("set_equals", [1], 1, "a list,"),
        ("not_equals", 5, "5", "a number,"),
        ("not_equals", 5, None, "a number,"),
        ("not_equals", 1, True, "a number,"),
        ("not_in", [1, "a"], None, "a number or text,"),
        ("not_equals", "x", b"x", "text,"),
    ],
)
def test_a_wrong_type_is_neither(name, operand, value, wanted):
    with pytest.raises(WrongTypeError) as wrong:
        holds(name, operand, value)
    assert str(wrong.value) == wanted


def test_a_text_too_long_to_search_is_no_match_and_no_mismatch(monkeypatch):
    monkeypatch.setattr(matchers, "MAX_TEXT", 10)
    for name in ("matches", "not_matches"):
        with pytest.raises(WrongTypeError, match="at most 10 characters"):
            holds(name, "x", "a" * 11)


@pytest.mark.parametrize(
    "name, operand, reason",
    [
        ("equals", NAN, "must not be NaN"),
        ("equals", b"x", "must be a JSON value"),
        ("in", [], "must not be empty"),
        ("in", "abc", "must be a list"),
        ("in", [NAN], "NaN"),
        ("not_in", [], "must not be empty"),
        ("lt", "5", 'must be a number, not the text "5": remove the quotes'),
        ("lt", "five", 'must be a number, not the text "five"'),
        ("lt", True, "must be a number, not true"),
        ("lt", NAN, "must be a number"),
        ("lt", math.inf, "must be a number"),
        ("between", [5, 1], "can never hold"),
        ("between", [1], "two numbers"),
        ("between", "1-5", "two numbers"),
        ("between", [1, "5"], "must be a number"),
        ("contains", "", "must not be empty"),
        ("not_contains", "", "must not be empty"),
        ("matches", "", "must not be empty"),
        ("matches", "(", "is not a regular expression"),
        ("matches", "a{99999999999}", "is not a regular expression"),
        ("matches", "(" * 1000 + ")" * 1000, "is not a regular expression"),
        ("matches", "x" * 3000, "2000 characters"),
        ("matches", 5, "must be a regular expression (text), not the number 5"),
        ("exists", "yes", "true or false"),
        ("length", -1, "0 or more"),
        ("length", True, "0 or more"),
        ("length", 1.5, "0 or more"),
        ("length", "3", "0 or more"),
        ("length", {}, "must be an integer, or a comparison"),
        ("length", {"gtt": 1}, "did you mean 'gt'"),
        ("length", {"contains": 1}, "known: equals"),
        ("length", {"lt": "1"}, "lt must be a number"),
        ("set_equals", 5, "must be a list"),
        ("set_equals", [1, 1.0], "has 1.0 twice"),
        ("set_equals", [NAN], "NaN"),
        ("type", "strng", "did you mean 'string'"),
        ("type", "mapping", "did you mean 'object'"),
        ("type", "xyzzy", 'not "xyzzy"'),
        ("type", [], "must not be empty"),
        ("type", None, 'write "null" in quotes'),
        ("type", 5, "must be one of"),
        ("type", {}, "must be one of"),
    ],
)
def test_operands_that_cannot_work_are_refused(name, operand, reason):
    with pytest.raises(ValueError, match=r"must|has|can|is|may") as refused:
        MATCHERS[name].accept(operand)
    assert reason in str(refused.value)


def test_a_regex_that_python_warns_of_is_taken_silently():
    assert compile_regex("[[a]").search("[")


@pytest.mark.parametrize(
    "name, operand, prose",
    [
        ("equals", "a", '"a"'), ("not_equals", 1, "not 1"), ("in", [1, 2], "in [1, 2]"), ("not_in", [1], "not in [1]"), ("lt", 5, "< 5"),
        ("le", 5, "<= 5"), ("gt", 5, "> 5"), ("ge", 5, ">= 5"), ("between", [1, 5], "between 1 and 5"), ("contains", "a", 'to contain "a"'),
        ("not_contains", "a", 'not to contain "a"'), ("matches", "a", "to match /a/"), ("not_matches", "a", "not to match /a/"),
        ("exists", True, "to exist"), ("exists", False, "not to exist"), ("length", 3, "length 3"), ("length", {"gt": 0}, "length > 0"),
        ("set_equals", [1], "exactly [1] in any order"), ("type", ["string", "null"], "type string or null"),
    ],
)  # fmt: skip
def test_prose(name, operand, prose):
    assert MATCHERS[name].prose(MATCHERS[name].accept(operand)) == prose


def test_what_there_is_instead():
    assert MATCHERS["length"].found("abc", None) == "length 3"
    assert MATCHERS["set_equals"].found([1, 3], [1, 2]) == "a list without [2] with [3]"
    assert MATCHERS["set_equals"].found([1], [1, 2]) == "a list without [2]"


def test_schemas_are_json():
    json.dumps({name: dict(matcher.schema) for name, matcher in MATCHERS.items()})
