from __future__ import annotations

import pytest

from monitorpy.core.spans import Span


@pytest.mark.parametrize("value, days", [(0, 0), (30, 30), (1.5, 1.5), ("33%", 29.7), ("0%", 0), ("12.5%", 11.25), ("100%", 90)])
def test_days_of_a_lifetime(value, days):
    assert Span.parse(value).of(90) == pytest.approx(days)


@pytest.mark.parametrize("value", [-1, True, None, "30", "101%", "33 %", "-1%", "", float("nan"), float("inf"), 36_501, [30]])
def test_what_is_no_span(value):
    with pytest.raises(ValueError, match="must be a number of days, 0 or more, or a share of the lifetime"):
        Span.parse(value)


@pytest.mark.parametrize(
    "warning, critical, never", [(5, 10, True), (10, 5, False), (5, 5, False), ("5%", "10%", True), ("10%", "5%", False), ("1%", 50, False)]
)
def test_a_warning_that_could_never_be_seen(warning, critical, never):
    assert Span.parse(warning).never_reached_before(Span.parse(critical)) is never
