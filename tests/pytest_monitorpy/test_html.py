import html
import json
import re

import pytest

from pytest_monitorpy.html import HtmlReport
from pytest_monitorpy.report import Recorder


@pytest.fixture
def rows(project, run):
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: good, plugin: say, group: web}
          - {id: soft, plugin: say, config: {status: warning, message: "<i>soft</i>"}}
          - {id: "<script>alert(1)</script>", plugin: say, config: {status: error, url: "<img src=x>"}}
          - {id: after, plugin: say, needs: ["<script>alert(1)</script>"]}
          - {id: rest, plugin: say, skip: later}
    """,
    )
    project.write("test_own.py", "def test_own(): pass\ndef test_setup(nope): pass")
    run("--monitorpy=checks.yaml", ".", "--html=o.html", "--self-contained-html")
    page = (project.path / "o.html").read_text()
    data = json.loads(html.unescape(re.search(r'data-jsonblob="([^"]*)"', page)[1]))
    return page, {nodeid: tests[-1] for nodeid, tests in data["tests"].items()}


def test_the_report(rows):
    page, tests = rows
    assert '<h1 id="title">MonitorPy report</h1>' in page
    header = re.findall(r'data-column-type="(\w+)"', page)
    assert header[:6] == ["result", "testId", "target", "checktype", "responsetime", "duration"]
    assert {len(test["resultsTableRow"]) for test in tests.values()} == {7}
    assert all(test["result"] for test in tests.values())

    good = tests["checks.yaml::web::good"]
    assert (good["target"], good["checktype"]) == ("http://target", "say")
    assert good["responsetime"] == "<span hidden>000000250.000</span>250 ms"
    assert "SUCCESS: it is a success" in good["log"]
    assert "connect 20 ms" in good["log"]

    soft = tests["checks.yaml::soft"]
    assert soft["resultsTableRow"][0] == '<td class="col-result monitorpy-warning">XFailed</td>'
    assert "&lt;i&gt;soft" in soft["log"]

    bad = tests["checks.yaml::<script>alert(1)</script>"]
    assert bad["resultsTableRow"][1] == '<td class="col-testId">checks.yaml::&lt;script&gt;alert(1)&lt;/script&gt;</td>'
    assert bad["target"] == "&lt;img src=x&gt;"
    assert "<script>alert" not in "".join(bad["resultsTableRow"])

    assert tests["test_own.py::test_own"]["target"] == ""
    assert "5 checks: 1 success, 1 warning, 1 error, 1 blocked, 1 skipped." in page
    assert "median 250 ms" in page
    assert "<svg" in page
    assert "Warnings and expected failures" in page


def test_without_checks_nothing_is_summed_up(project):
    project.write("test_own.py", "def test_own(): pass")
    project.run("--html=o.html")
    assert "<svg" not in (project.path / "o.html").read_text()


def test_without_pytest_html(project, run):
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    run("--monitorpy=checks.yaml", "-p", "no:html").assert_outcomes(passed=1)


def test_a_row_that_was_dropped_stays_dropped():
    cells = []
    HtmlReport(Recorder(0.0), has_checks=False).pytest_html_results_table_row(None, cells)
    assert cells == []


def test_the_label_is_pytest_htmls_own_affair():
    HtmlReport(Recorder(0.0), has_checks=False).pytest_html_report_title(object())


def test_only_skipped_checks_have_no_times(project):
    project.write("checks.yaml", "checks: [{id: a, plugin: say, skip: later}]")
    project.run("--monitorpy=checks.yaml", "--html=o.html")
    page = (project.path / "o.html").read_text()
    assert "1 checks: 1 skipped." in page
    assert "<svg" not in page
