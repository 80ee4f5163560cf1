from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from monitorpy.core.result import CheckResult, Failure, Run, SkippedCheck, Source, worst


def test_the_seed_form():
    result = CheckResult(CheckResult.STATUS_SUCCESS, "fine", 0.5, {"a": 1})
    assert (result.status, result.message, result.response_time, result.raw_data) == ("success", "fine", 0.5, {"a": 1})
    assert result.is_success()
    assert not result.is_warning()
    assert not result.is_error()
    assert result.timestamp.tzinfo is UTC
    assert CheckResult("error", "x").raw_data == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ok", "x"), "status must be one of success, warning, error, not 'ok'"),
        (("success", "x", -1), "response_time must be a number of seconds, 0 or more, not -1"),
        (("success", "x", float("nan")), "not nan"),
        (("success", "x", True), "not True"),
        (("success", "x", "1"), "not '1'"),
        (("success", "x", 0.0, [1]), "raw_data must be a dict, not list"),
    ],
)
def test_impossible_values_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CheckResult(*arguments)


def test_a_result_is_frozen_and_copied_with_changes():
    result = CheckResult.warning("slow", 1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.status = "success"
    assert result.changed(message="slower").message == "slower"
    assert result.is_warning()


def test_an_exception_as_message_becomes_text():
    assert CheckResult.error(ValueError("no")).message == "no"


def test_to_dict_is_the_documented_object_and_comes_back():
    result = CheckResult.error(
        "expected status 200, got 503",
        0.131,
        {"status_code": 503},
        timestamp=datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC),
        phases={"dns": 0.001, "tls": None},
        failures=(Failure("status_code", "200", 503),),
        fault="target",
        id="home",
        plugin="website_status",
        tags=("prod",),
        group="web",
        source=Source("checks.yaml", 9),
    )
    data = json.loads(json.dumps(result.to_dict()))
    assert data == {
        "id": "home",
        "plugin": "website_status",
        "status": "error",
        "fault": "target",
        "message": "expected status 200, got 503",
        "response_time": 0.131,
        "timestamp": "2026-11-23T09:00:00.123456+00:00",
        "attempts": 1,
        "phases": {"dns": 0.001, "tls": None},
        "failures": [{"path": "status_code", "expected": "200", "actual": 503, "severity": "error"}],
        "raw_data": {"status_code": 503},
        "tags": ["prod"],
        "group": "web",
        "source": {"file": "checks.yaml", "line": 9},
    }
    assert CheckResult.from_dict(data) == result


def test_from_dict_takes_the_seed_form_and_datetimes():
    now = datetime.now(UTC)
    result = CheckResult.from_dict({"status": "success", "message": "m", "timestamp": now})
    assert result.timestamp == now
    assert result.source is None
    assert CheckResult.from_dict({"status": "warning", "message": "m"}).failures == ()
    with pytest.raises(KeyError):
        CheckResult.from_dict({"status": "success"})


@pytest.mark.parametrize(
    ("raw", "target"),
    [
        ({"target": "t", "url": "u"}, "t"),
        ({"url": "https://x/"}, "https://x/"),
        ({"host": "h", "port": 25}, "h:25"),
        ({"hostname": "h"}, "h"),
        ({"host": 5}, None),
        ({}, None),
    ],
)
def test_target_names_what_was_looked_at(raw, target):
    assert CheckResult.success("m", raw_data=raw).target == target


def test_a_failure_reads_as_a_sentence():
    assert str(Failure("a.b", "< 5", 7)) == "a.b: expected < 5, got 7"
    assert str(Failure("a", "b", message="c is not d")) == "c is not d"


def test_a_skipped_check_has_the_keys_of_a_result():
    skipped = SkippedCheck("a", "tcp_port", "maintenance", ("x",), "g", Source("f.yaml", 3))
    data = skipped.to_dict()
    assert list(data) == list(CheckResult.success("m").to_dict())
    assert data["status"] == "skipped"
    assert data["message"] == "maintenance"
    assert (data["response_time"], data["timestamp"], data["attempts"]) == (None, None, 0)
    assert SkippedCheck.from_dict(data) == skipped
    assert SkippedCheck.from_dict(SkippedCheck("a", "p", "later").to_dict()) == SkippedCheck("a", "p", "later")


def test_a_source_names_file_and_line():
    assert str(Source("checks.yaml", 9, 3)) == "checks.yaml:9"


def test_worst():
    assert worst([]) == "success"
    assert worst(["warning", "success"]) == "warning"
    assert worst(["warning", "error"]) == "error"


def test_a_run_counts_every_outcome_once():
    outcomes = (
        CheckResult.success("m"),
        CheckResult.warning("m"),
        CheckResult.error("m", fault="target"),
        CheckResult.error("m", fault="blocked"),
        SkippedCheck("a", "p", "later"),
    )
    run = Run(outcomes, 1.5)
    assert run.summary() == {"total": 5, "success": 1, "warning": 1, "error": 1, "blocked": 1, "skipped": 1, "duration": 1.5}
    assert run.status == "error"
    assert [r["status"] for r in run.to_dict()["results"]] == ["success", "warning", "error", "error", "skipped"]
    assert run.to_dict()["schema"] == 1
