"""Our part of pytest-html's report: three columns, warnings as such, a summary with a histogram; everything is escaped.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any

from monitorpy.reporting.histogram import histogram, quantiles, response_times
from pytest_monitorpy.options import SUFFIXES
from pytest_monitorpy.report import counts, is_warning

if TYPE_CHECKING:
    from pytest_monitorpy.report import Recorder

_COLUMNS = (("target", "Target"), ("checktype", "Type"), ("responsetime", "Response time"))
_PLACE = 2  # behind Result and Test

_STYLE = """<style>
.col-result.monitorpy-warning { font-size: 0; }
.col-result.monitorpy-warning::after { content: "Warning"; font-size: 12px; color: #b36b00; }
.monitorpy svg { display: block; margin: 8px 0; }
.monitorpy rect { fill: #4a7ebb; }
.monitorpy text { font: 10px sans-serif; fill: #666; }
</style>"""


class HtmlReport:
    """The hooks of pytest-html that we implement; registered only where a report is written."""

    def __init__(self, recorder: Recorder, *, has_checks: bool) -> None:
        self._recorder = recorder
        self._has_checks = has_checks

    def pytest_html_report_title(self, report: Any) -> None:
        if self._has_checks:
            report.title = "MonitorPy report"
        with suppress(AttributeError, KeyError, TypeError):  # the label of the filter is pytest-html's own affair
            report.outcomes["xfailed"]["label"] = "Warnings and expected failures"

    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        cells[_PLACE:_PLACE] = [f'<th class="sortable" data-column-type="{name}">{title}</th>' for name, title in _COLUMNS]

    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        """Add the cells to every row, of Python tests too: pytest-html pairs cells and headers by their place."""
        if not cells:  # another plugin dropped the row
            return
        data = getattr(report, "monitorpy", {})
        result = data.get("result", {})
        if is_warning(report):
            cells[0] = cells[0].replace('"col-result"', '"col-result monitorpy-warning"')
        if report.nodeid.partition("::")[0].endswith(SUFFIXES):
            cells[1] = _escaped(report, cells[1])
        cells[_PLACE:_PLACE] = [
            f'<td class="col-target">{escape(data.get("target", ""))}</td>',
            f'<td class="col-checktype">{escape(result.get("plugin") or "")}</td>',
            f'<td class="col-responsetime">{_sortable(result.get("response_time"))}</td>',
        ]

    def pytest_html_results_table_html(self, report: Any, data: list[str]) -> None:
        """Show what a success or a skip came from; the text of a failure or warning is there already."""
        result = getattr(report, "monitorpy", {}).get("result")
        if result is not None and report.passed and result["status"] != "skipped":
            from monitorpy.core.result import CheckResult
            from monitorpy.reporting.explain import explain

            data[:] = [escape("\n".join(explain(CheckResult.from_dict(result), {}).verdict))]

    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        results = [result for _, result in self._recorder.results]
        prefix.append(_STYLE)
        if results:
            prefix.append(_summary(results))


def _escaped(report: Any, cell: str) -> str:
    """The cell with the node id, escaped: pytest-html puts it into the page as it is."""
    shown = report.nodeid if report.when == "call" else f"{report.nodeid}::{report.when}"
    return cell.replace(f">{shown}<", f">{escape(shown)}<")


def _sortable(seconds: float | None) -> str:
    """Milliseconds behind a hidden number of fixed width: pytest-html sorts cells as text."""
    if seconds is None:
        return ""
    return f"<span hidden>{seconds * 1000:013.3f}</span>{seconds * 1000:.0f} ms"


def _summary(results: list[dict[str, Any]]) -> str:
    told = ", ".join(f"{number} {name}" for name, number in counts(results).items() if number)
    times = response_times(results)
    parts = [f"<h3>Checks</h3><p>{len(results)} checks: {told}.</p>"]
    if times:
        parts.append(f"<p>Response time: {quantiles(times)}.</p>{histogram(times)}")
    return f'<div class="monitorpy">{"".join(parts)}</div>'
