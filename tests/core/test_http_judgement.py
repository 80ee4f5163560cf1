from __future__ import annotations

import pytest

from monitorpy.core.http_fields import PhaseLimits, TextMatch
from monitorpy.core.http_judgement import body_failures, header_failures, json_failures, phase_failures, redirect_failures
from monitorpy.core.json_schema import JsonSchema
from monitorpy.core.paths import compile_path
from monitorpy.core.patterns import Pattern
from monitorpy.core.plugin_config import parse_config
from monitorpy.net.deadline import Deadline


def match(pattern):
    return parse_config(TextMatch, {"matches": pattern})


HEADERS = {"server": "nginx", "set-cookie": "a=1; Secure, b=2", "empty": ""}
REPEATED = {"set-cookie": ["a=1; Secure", "b=2"]}


@pytest.mark.parametrize(
    "expected, unexpected, messages",
    [
        ({"Server": "nginx", "SET-COOKIE": "b=2", "empty": ""}, ["X-Powered-By"], []),
        ({"Set-Cookie": "a=1; Secure, b=2"}, [], []),
        ({"Set-Cookie": match("^b=")}, [], []),
        ({"Set-Cookie": match("^c=")}, [], ['header Set-Cookie: expected match of /^c=/, got "a=1; Secure, b=2"']),
        ({"Server": "ngin"}, [], ['header Server: expected "ngin", got "nginx"']),
        ({"X": "y"}, [], ['header X: expected "y", it is missing']),
        ({"X": match(".*")}, [], ["header X: expected match of /.*/, it is missing"]),
        ({}, ["SERVER", "empty", "x"], ['header SERVER: expected none, got "nginx"', 'header empty: expected none, got ""']),
    ],
)  # fmt: skip
def test_headers(expected, unexpected, messages):
    assert [str(failure) for failure in header_failures(expected, unexpected, HEADERS, REPEATED)] == messages


@pytest.mark.parametrize(
    "contains, lacks, pattern, messages",
    [
        (["low"], ["down"], Pattern("y.l"), []),
        (["high", "w"], ["yellow"], Pattern("^low"), ['the body does not contain "high"', 'the body contains "yellow"', "the body does not match /^low/"]),
    ],
)  # fmt: skip
def test_body(contains, lacks, pattern, messages):
    failures = list(body_failures(contains, lacks, pattern, "yellow"))
    assert [str(failure) for failure in failures] == messages
    assert {failure.actual for failure in failures} <= {"yellow"}


@pytest.fixture
def told(ms):
    def judge(expected, schema, raw):
        paths = {compile_path(path): value for path, value in expected.items()}
        made = None if schema is None else JsonSchema.parse(schema)
        return [str(failure) for failure in json_failures(paths, made, {"body": "<html>", "headers": {}, **raw}, Deadline(20_000 * ms))]

    return judge


VALUE = {"json": {"status": "ok", "queue": [{"n": 1}, {"n": 2}]}}


@pytest.mark.parametrize(
    "expected, schema, raw, messages",
    [
        ({}, None, {}, []),
        ({"status": "ok", "queue[0]": {"n": 1}}, {"type": "object"}, VALUE, []),
        ({"status": "ok"}, {"type": "object"}, {}, ["the body is not JSON (no content type)"]),
        ({}, {"type": "object"}, {"headers": {"content-type": "text/html"}}, ["the body is not JSON (text/html)"]),
        ({"$.queue[*].n": 1}, None, VALUE, ["json.queue[*].n: expected 1, got 2"]),
        ({"status": "ok", "gone": None}, None, VALUE, ["json.gone: expected null, but there is no such value"]),
        ({}, {"properties": {"status": {"const": "up"}}}, VALUE, ['json.status: expected "up", got "ok"']),
        ({"status": 1}, {"required": ["x"]}, VALUE, ['json.status: expected 1, got "ok"', "json.x: it is required, and missing"]),
        ({}, {"type": "object"}, {"json": None}, ["json: expected type object, got null"]),
    ],
)
def test_json(told, expected, schema, raw, messages):
    assert told(expected, schema, raw) == messages


def test_a_path_that_cannot_be_followed(told):
    value = []
    for _ in range(500):
        value = [value]
    (message,) = told({"$..x": 1}, None, {"json": value})
    assert message.startswith("json.$..x: expected 1, but it cannot be followed: ")


@pytest.mark.parametrize(
    "url, count, messages",
    [
        (None, None, []),
        ("https://h/", 1, []),
        ("https://h", 1, []),
        (match("^https:"), None, []),
        ("http://h/", None, ['final URL: expected "http://h/", got "https://h/"']),
        (match("^http:"), 0, ['final URL: expected match of /^http:/, got "https://h/"', "expected 0 redirects, got 1"]),
    ],
)
def test_redirects(url, count, messages):
    raw = {"final_url": "https://h/", "redirects": [{"url": "http://h/", "status_code": 301}]}
    assert [str(failure) for failure in redirect_failures(url, count, raw)] == messages


@pytest.mark.parametrize(
    "limits, failures",
    [
        ({"dns": 0.1, "first_byte": {"warning": 0.5, "error": 1}}, []),
        ({"connect": 0.1}, [("error", "phase connect 0.2 s is above 0.1 s")]),
        ({"connect": {"warning": 0.1, "error": 1}}, [("warning", "phase connect 0.2 s is above 0.1 s")]),
        ({"tls": {"warning": 9}}, [("error", "the phase tls has a limit, but was not reached (the answer came over http)")]),
        ({"transfer": 1}, [("error", "the phase transfer has a limit, but was not reached")]),
    ],
)
def test_phases(limits, failures):
    phases = {"dns": 0.0, "connect": 0.2, "tls": None, "first_byte": 0.3}
    assert [(f.severity, str(f)) for f in phase_failures(parse_config(PhaseLimits, limits), phases)] == failures
