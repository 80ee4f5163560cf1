"""How response times are spread: a histogram as inline SVG, and the two figures that sum it up."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from monitorpy.reporting.explain import duration

_EDGES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds of the bars, in seconds; one more bar holds what is above."""

_BAR, _HEIGHT = 42, 60


def response_times(results: Iterable[Mapping[str, Any]]) -> list[float]:
    """Of the checks that ran, in seconds, the shortest first."""
    return sorted(result["response_time"] for result in results if result["response_time"] and result["attempts"])


def quantiles(times: Sequence[float]) -> str:
    """As ``median 131 ms, 95 % within 1.52 s``, of sorted times."""
    return f"median {duration(_quantile(times, 0.5))}, 95 % within {duration(_quantile(times, 0.95))}"


def histogram(times: Sequence[float]) -> str:
    """The times (seconds) as inline SVG: one bar for each step of 1, 2, 5."""
    numbers = [0] * (len(_EDGES) + 1)
    for seconds in times:
        numbers[bisect_left(_EDGES, seconds)] += 1
    labels = [_label(edge) for edge in _EDGES] + ["more"]
    bars = "".join(map(_bar, range(len(numbers)), numbers, repeat(max(numbers)), labels))
    size = f'width="{_BAR * len(numbers)}" height="{_HEIGHT + 30}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Response times" {size}>{bars}</svg>'


def _quantile(times: Sequence[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))]


def _bar(index: int, number: int, most: int, label: str) -> str:
    x, height = index * _BAR, round(_HEIGHT * number / most)
    bar = f'<rect x="{x + 2}" y="{_HEIGHT + 14 - height}" width="{_BAR - 4}" height="{height}"><title>{number}: {label}</title></rect>'
    count = f'<text x="{x + 4}" y="{_HEIGHT + 11 - height}">{number}</text>' if number else ""
    return f'{bar}{count}<text x="{x + 2}" y="{_HEIGHT + 26}">{label}</text>'


def _label(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"
