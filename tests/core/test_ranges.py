from __future__ import annotations

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorpy.core.ranges import Range, Threshold

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    "given_range, fine, alerting",
    [
        ("10", [0, 5, 10, 10.0], [-0.1, 10.01, -INF, INF, NAN]),
        ("10:", [10, 1e9, INF], [9.99, -1, NAN]),
        ("~:10", [-1e9, 10, -INF], [10.0001, INF]),
        ("10:20", [10, 15, 20], [9.9, 20.1]),
        ("@10:20", [9.9, 20.1, -5], [10, 15, 20, NAN]),
        ("@10", [-1, 11], [0, 10]),
        ("-5:-1", [-5, -3.0, -1], [-5.1, 0]),
        ("0.5:1.5", [0.5, 1.5], [0.49, 1.51]),
        ("-inf:5", [-1e300], [6]),
        ("5:inf", [1e300], [4]),
        (":7", [0, 7], [-1, 8]),
        ("1e3", [1000], [1001]),
        ("@~:5", [6], [5, -1e9]),
        ("@5:", [4], [5, 1e9]),
        (0.5, [0.5, -3, 0], [0.500001, 10**400]),
        (5, [5, -100], [6]),
        ("0", [0], [1, -1]),
        (".5", [0.25], [0.51]),
    ],
)
def test_endpoints_are_fine_and_what_is_outside_alerts(given_range, fine, alerting):
    parsed = Range.parse(given_range)
    assert [value for value in fine if parsed.alerts(value)] == []
    assert [value for value in alerting if not parsed.alerts(value)] == []


@pytest.mark.parametrize(
    "wrong, reason",
    [
        (True, "must be a number"),
        (None, "must be a number"),
        ([1], "must be a number"),
        ("", "not ''"),
        ("@", "not '@'"),
        (" 5", "not ' 5'"),
        ("1:2:3", "must be a number"),
        ("a:b", "must be a number"),
        ("~", "must be a number"),
        (NAN, "not nan"),
        (INF, "not inf"),
        ("20:10", "starts above its end"),
        ("-5", 'write "~:-5"'),
        ("~:", "never alerts"),
        (":inf", "starts"),
        ("~:inf", "never alerts"),
        ("@~:", "alerts on every value"),
        ("inf:inf", "never alerts"),
    ],
)
def test_what_is_no_range_or_decides_nothing_is_refused(wrong, reason):
    if wrong == ":inf":
        assert Range.parse(wrong) == Range.parse("0:")
        return
    with pytest.raises(ValueError, match=r"range|number") as refused:
        Range.parse(wrong)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "given_range, value, text",
    [
        (0.5, 0.8123, "0.812 is above 0.5"),
        (0.5, 0.50001, "0.50001 is above 0.5"),
        (0.5, 0.5 + 1e-12, "0.500000000001 is above 0.5"),
        (0.5, 10**400, None),
        ("10:20", 25, "25 is above 20"),
        ("10:20", 5.5, "5.5 is below 10"),
        ("10:", 1, "1 is below 10"),
        ("@10:20", 15, "15 is within 10 to 20"),
        ("@~:20", 15, "15 is not above 20"),
        ("@20:", 25, "25 is not below 20"),
        (5, NAN, "NaN is not <= 5"),
        (5, INF, "inf is above 5"),
        ("1:", 0.0, "0 is below 1"),
        ("1:", 0.000001234, "0.000001 is below 1"),
        ("1:", 1e-12, "1e-12 is below 1"),
    ],
)
def test_the_complaint_tells_the_value_from_the_bound(given_range, value, text):
    complaint = Range.parse(given_range).complaint(value)
    assert complaint == text or (text is None and complaint.endswith("is above 0.5"))


@pytest.mark.parametrize(
    "given_range, text",
    [(5, "<= 5"), ("5", "0 to 5"), ("5:", ">= 5"), ("@5:", "< 5"), ("@~:5", "> 5"), ("@1:5", "outside 1 to 5"), ("1.5:2", "1.5 to 2")],
)
def test_prose_says_what_is_expected(given_range, text):
    assert str(Range.parse(given_range)) == text


def test_a_threshold_tests_the_error_first():
    threshold = Threshold.parse({"warning": 0.5, "error": 2})
    assert [threshold.judge(value) for value in (0.5, 0.6, 2, 2.1, NAN)] == [None, "warning", "warning", "error", "error"]
    assert Threshold.parse({"warning": 1}).judge(2) == "warning"
    assert Threshold.parse(1).judge(2) == "error"
    assert Threshold().judge(2) is None
    assert pickle.loads(pickle.dumps(threshold)) == threshold
    assert threshold.prose() == "warning unless <= 0.5, error unless <= 2"


def test_a_threshold_makes_the_failure():
    threshold = Threshold.parse({"warning": 0.5, "error": "0:2"})
    assert threshold.failure("response_time", 0.1) is None
    warned = threshold.failure("response_time", 0.812, what="response time", unit=" s")
    assert (warned.severity, str(warned), warned.expected, warned.actual) == (
        "warning",
        "response time 0.812 s is above 0.5 s",
        "<= 0.5 s",
        0.812,
    )
    failed = threshold.failure("phases.tls", 3)
    assert (failed.severity, str(failed), failed.expected) == ("error", "phases.tls 3 is above 2", "0 to 2")


@pytest.mark.parametrize(
    "wrong, reason",
    [
        ({}, "no other key"),
        ({"warn": 1}, "no other key"),
        ({"warning": "x"}, "warning must be a number"),
        ({"error": None}, "error must be a number"),
        ({"warning": 5, "error": 1}, "can never be seen"),
        ({"warning": "5:20", "error": "10:15"}, "can never be seen"),
        ({"warning": "@10:15", "error": "@5:20"}, "can never be seen"),
        ({"warning": "@30:40", "error": "10:15"}, "can never be seen"),
        ({"warning": "10:", "error": "@~:20"}, "can never be seen"),
        ({"warning": "~:20", "error": "@10:"}, "can never be seen"),
        ("x", "must be a number"),
    ],
)
def test_a_threshold_that_could_not_work_is_refused(wrong, reason):
    with pytest.raises(ValueError, match=reason):
        Threshold.parse(wrong)


@pytest.mark.parametrize("fine", [{"warning": 5, "error": 5}, {"warning": "10:", "error": "5:"}, {"warning": "~:5", "error": "@10:20"}, 7])
def test_other_thresholds_are_accepted(fine):
    assert Threshold.parse(fine).error is not None


bounds = st.one_of(st.integers(-5, 5), st.just(INF), st.just(-INF))
ranges = st.builds(lambda a, b, inside: Range(min(a, b), max(a, b), inside), bounds, bounds, st.booleans())


@given(ranges, ranges)
def test_covering_means_alerting_on_everything_the_other_alerts_on(one, other):
    if INF in (one.low, other.low) or -INF in (one.high, other.high):
        return  # parse makes none of those
    values = [v / 4 for v in range(-40, 41)]
    covered = all(one.alerts(value) for value in values if other.alerts(value))
    assert one.covers(other) is covered or (other.low, other.high) == (-INF, INF) or (one.low, one.high) == (-INF, INF)
