from __future__ import annotations

import json
import math
import pickle
from time import perf_counter

import pytest

from monitorpy.core.expectations import KEYS, compile_expectation, evaluate, expectation_schema, observation
from monitorpy.core.result import CheckResult
from monitorpy.errors import ExpectationError

OBSERVED = {
    "status_code": 200,
    "phases": {"tls": 0.8123, "dns": None},
    "headers": {"content-type": "text/html"},
    "json": {"queue": {"depth": "7"}, "items": [{"n": 1}, {"n": 2}, {"n": "3"}, {"n": 9}, {"n": 8}, {"n": 7}], "none": [], "null": None},
    "body": "x" * 5000,
}


def failures(**data):
    expectation = compile_expectation(data)
    again = pickle.loads(pickle.dumps(expectation))
    assert again == expectation
    found = evaluate([expectation], OBSERVED)
    assert evaluate([again], OBSERVED) == found
    return found


def only(**data):
    (failure,) = failures(**data)
    return failure


@pytest.mark.parametrize(
    "data",
    [
        {"path": "status_code", "equals": 200},
        {"path": "$.status_code", "ge": 200, "lt": 300},
        {"path": "headers['content-type']", "contains": "html"},
        {"path": "json.queue.depth", "equals": "7"},
        {"path": "json.queue.nothing", "exists": False},
        {"path": "nothing", "exists": False},
        {"path": "json.null", "exists": True},
        {"path": "json.null", "equals": None},
        {"path": "json.none", "length": 0},
        {"path": "json.items[0:2].n", "lt": 3},
        {"path": "phases.tls", "warning": 1},
        {"path": "phases.tls", "warning": "0:1", "error": 2, "gt": 0},
        {"path": "$", "type": "object"},
    ],
)
def test_what_holds_is_silent(data):
    assert failures(**data) == []


@pytest.mark.parametrize(
    "data, message, expected, actual",
    [
        ({"path": "status_code", "equals": 503}, "status_code: expected 503, got 200", "503", 200),
        ({"path": "status_code", "equals": "200"}, 'status_code: expected "200", got the number 200', '"200"', 200),
        ({"path": "$.json.queue.depth", "lt": 5}, 'json.queue.depth: expected a number < 5, got the text "7"', "< 5", "7"),
        ({"path": "json.nope.x", "lt": 5, "gt": 1}, "nothing found at json.nope.x (expected < 5 and > 1)", "< 5 and > 1", None),
        ({"path": "json.none[*]", "equals": 1}, "nothing found at json.none[*] (expected 1)", "1", None),
        ({"path": "nope", "not_equals": 1}, "nothing found at nope (expected not 1)", "not 1", None),
        ({"path": "nope", "not_contains": "a"}, 'nothing found at nope (expected not to contain "a")', 'not to contain "a"', None),
        ({"path": "nope", "not_in": [1]}, "nothing found at nope (expected not in [1])", "not in [1]", None),
        ({"path": "nope", "not_matches": "a"}, "nothing found at nope (expected not to match /a/)", "not to match /a/", None),
        ({"path": "nope", "exists": True}, "nothing found at nope (expected to exist)", "to exist", None),
        ({"path": "nope", "warning": 5}, "nothing found at nope (expected warning unless <= 5)", "warning unless <= 5", None),
        ({"path": "json.none", "length": 2}, "json.none: expected length 2, got length 0", "length 2", []),
        ({"path": "json.queue", "exists": False}, 'json.queue: expected not to exist, found json.queue: {"depth": "7"}', "not to exist", {"depth": "7"}),
        ({"path": "$['xml'][*]", "exists": False}, "nothing found at xml, so $['xml'][*] could not be looked for", "not to exist", None),
        ({"path": "xml.error", "exists": False}, "nothing found at xml, so xml.error could not be looked for", "not to exist", None),
        ({"path": "phases.dns", "error": 5}, "phases.dns: expected a number (error unless <= 5), got null", "error unless <= 5", None),
        ({"path": "phases.tls", "error": 0.5}, "phases.tls 0.812 is above 0.5", "<= 0.5", 0.8123),
    ],
)  # fmt: skip
def test_each_failure_says_what_was_expected_and_what_was_found(data, message, expected, actual):
    failure = only(**data)
    assert (str(failure), failure.expected, failure.actual, failure.severity) == (message, expected, actual, "error")
    assert failure.path == data["path"].removeprefix("$.")


def test_several_values_must_all_hold_and_the_first_few_offending_are_named():
    failure = only(path="json.items[*].n", lt=2)
    assert str(failure) == (
        'json.items[*].n: expected < 2, but 5 of 6 are not: json.items[1].n is 2, json.items[2].n is the text "3", json.items[3].n is 9, ...'
    )
    assert failure.actual == {"json.items[1].n": 2, "json.items[2].n": "3", "json.items[3].n": 9}
    assert (
        str(only(path="json.items[0,1].n", **{"in": [1]})) == "json.items[0,1].n: expected in [1], but 1 of 2 are not: json.items[1].n is 2"
    )


def test_every_unmet_matcher_is_a_failure():
    assert [f.expected for f in failures(path="status_code", lt=100, equals=503, ge=200)] == ["< 100", "503"]


def test_severity_softens_all_of_an_expectation():
    assert only(path="status_code", equals=503, severity="warning").severity == "warning"
    assert only(path="nope", equals=503, severity="warning").severity == "warning"


def test_thresholds_name_their_level():
    assert only(path="phases.tls", warning=0.5, error=2).severity == "warning"
    assert only(path="phases.tls", warning=0.2, error="0:0.8").severity == "error"
    assert [(f.severity, str(f)) for f in failures(path="json.items[*].n", warning=1, error=8)] == [
        ("warning", "json.items[1].n 2 is above 1"),
        ("error", 'json.items[2].n: expected a number (warning unless <= 1, error unless <= 8), got the text "3"'),
        ("error", "json.items[3].n 9 is above 8"),
    ]
    assert only(path="phases.dns", warning=1, severity="warning").severity == "warning"


def test_long_values_are_cut_in_the_failure_not_in_the_comparison():
    failure = only(path="body", contains="y")
    assert len(str(failure)) < 200
    assert str(failure).endswith('..." (5000 characters)')
    assert len(failure.actual) < 2100
    assert failures(path="body", length=5000) == []


def test_nan_fails_every_comparison():
    for data in ({"lt": 5}, {"gt": 5}, {"equals": 5}, {"not_equals": 5}, {"warning": 5}, {"error": "@1:2"}):
        assert evaluate([compile_expectation({"path": "x", **data})], {"x": math.nan}) != []


def test_what_cannot_be_looked_up_fails_even_where_nothing_is_expected():
    deep: dict = {}
    node = deep
    for _ in range(150):
        node["a"] = node = {}
    (failure,) = evaluate([compile_expectation({"path": "$..error", "exists": False})], deep)
    assert "cannot be looked up: recursion" in str(failure)


def test_what_is_too_deep_to_compare_fails():
    def nested():
        value: list = []
        for _ in range(3000):
            value = [value]
        return value

    for matcher in ({"set_equals": [1]}, {"equals": [[]]}):
        (failure,) = evaluate([compile_expectation({"path": "x", **matcher})], {"x": [nested()]})
        assert failure.severity == "error"


@pytest.mark.parametrize(
    "data, key, reason",
    [
        ([], None, "must be a mapping"),
        ({"equals": 1}, None, "missing required key 'path'"),
        ({"path": 5, "equals": 1}, "path", "path must be text"),
        ({"path": "", "equals": 1}, "path", "must not be empty"),
        ({"path": "a-b", "equals": 1}, "path", "write $['a-b']"),
        ({"path": "a"}, None, "nothing is expected"),
        ({"path": "a", "severity": "warning"}, None, "nothing is expected"),
        ({"path": "a", "eqals": 1}, "eqals", "unknown key 'eqals'; did you mean 'equals'?"),
        ({"path": "a", "zzz": 1}, "zzz", "known: path, equals"),
        ({"path": "a", 5: 1}, "5", "unknown key '5'"),
        ({"path": "a", "lt": "5"}, "lt", "lt must be a number"),
        ({"path": "a", "between": [5, 1]}, "between", "between can never hold"),
        ({"path": "a", "in": []}, "in", "in must not be empty"),
        ({"path": "a", "length": -1}, "length", "length must be"),
        ({"path": "a", "type": "strng"}, "type", "did you mean 'string'"),
        ({"path": "a", "matches": "("}, "matches", "matches is not a regular expression"),
        ({"path": "a", "exists": False, "equals": 1}, "exists", "cannot be combined"),
        ({"path": "a", "exists": False, "warning": 1}, "exists", "cannot be combined"),
        ({"path": "a", "equals": 1, "severity": "fatal"}, "severity", "warning or error"),
        ({"path": "a", "equals": 1, "severity": []}, "severity", "warning or error"),
        ({"path": "a", "error": 1, "severity": "warning"}, "severity", "contradicts"),
        ({"path": "a", "warning": 2, "error": 1}, "warning", "can never be seen"),
        ({"path": "a", "error": "x"}, "error", "error must be a number"),
        ({"path": "a", "warning": None, "error": 1}, "warning", "warning must be a number"),
    ],
)
def test_what_cannot_be_compiled_names_the_key_to_blame(data, key, reason):
    with pytest.raises(ExpectationError) as refused:
        compile_expectation(data)
    assert refused.value.key == key
    assert reason in str(refused.value)


def test_the_observation_is_the_result_with_its_raw_data_beside_it():
    result = CheckResult.success("fine", 0.5, {"status_code": 200}, phases={"dns": 0.1})
    assert observation(result) == {"status": "success", "message": "fine", "response_time": 0.5, "phases": {"dns": 0.1}, "status_code": 200}


def test_the_schema_has_every_key():
    schema = expectation_schema()
    assert tuple(sorted(schema["properties"])) == tuple(sorted(KEYS))
    json.dumps(schema)


def test_ten_thousand_compile_in_a_moment():
    started = perf_counter()
    for number in range(10_000):
        compile_expectation({"path": f"json.q{number}.depth", "lt": 5, "severity": "warning"})
    assert perf_counter() - started < 5  # 0.05 s, but machines differ
