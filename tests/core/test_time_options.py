from __future__ import annotations

import pytest

from monitorpy.core.plugin_config import parse_config
from monitorpy.core.time_options import TimeOptions


@pytest.mark.parametrize(
    "limit, seconds, severity",
    [
        (None, 9.0, None),
        (0.5, 0.5, None),
        (0.5, 0.6, "error"),
        ({"warning": 0.5, "error": 2}, 0.6, "warning"),
        ({"warning": 0.5, "error": 2}, 2.1, "error"),
        ("0.1:0.5", 0.05, "error"),
    ],
)
def test_response_time(limit, seconds, severity):
    options = parse_config(TimeOptions, {} if limit is None else {"max_response_time": limit})
    assert [failure.severity for failure in options.slow_failures(seconds)] == [severity] * (severity is not None)


def test_the_sentence():
    (slow,) = parse_config(TimeOptions, {"max_response_time": 0.5}).slow_failures(0.8123)
    assert (slow.path, slow.expected, slow.actual) == ("response_time", "<= 0.5 s", 0.8123)
    assert str(slow) == "response time 0.812 s is above 0.5 s"
