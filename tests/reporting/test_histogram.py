import re

import pytest

from monitorpy.reporting.histogram import histogram, quantiles, response_times


def test_it_counts_every_time():
    drawn = histogram([0.0005, 0.25, 0.3, 4.0, 99.0])
    counted = {label: int(number) for number, label in re.findall(r"<title>(\d+): ([^<]+)</title>", drawn)}
    assert {label: number for label, number in counted.items() if number} == {"1 ms": 1, "500 ms": 2, "5 s": 1, "more": 1}
    assert len(counted) == 14


def test_a_bar_is_as_high_as_its_share_of_the_highest():
    heights = [int(height) for height in re.findall(r'<rect [^>]*height="(\d+)"', histogram([0.0005, 0.3, 0.3]))]
    assert [height for height in heights if height] == [30, 60]


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([0.2], "median 200 ms, 95 % within 200 ms"),
        ([n / 100 for n in range(1, 101)], "median 510 ms, 95 % within 960 ms"),
    ],
)
def test_quantiles(times, told):
    assert quantiles(times) == told


def test_only_checks_that_ran_have_a_time():
    results = [(2.0, 1), (0.5, 3), (0.1, 0), (None, 0), (0.0, 1)]
    assert response_times([{"response_time": seconds, "attempts": attempts} for seconds, attempts in results]) == [0.5, 2.0]
