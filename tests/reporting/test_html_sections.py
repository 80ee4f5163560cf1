import re
from datetime import UTC, datetime

import pytest

from monitorpy import __version__
from monitorpy.core.result import document
from monitorpy.reporting import html_sections as sections


@pytest.fixture
def results(mixed):
    return mixed.run().to_dict()["results"]


def text(made):
    return re.sub(r"<title>.*?</title>|<[^>]+>", " ", made).split()


def test_facts(results):
    results[0]["timestamp"] = datetime(2026, 11, 23, 9, 0, 0, 200_000, UTC).isoformat()
    for result in results[1:]:
        result["timestamp"] = None
    told = sections.facts(document(results, 1.5), 0, 0)
    assert re.findall(r"<dt>([\w ]+)<dd>(.*?)</div>", told) == [
        ("Started", "2026-11-23 09:00:00 UTC"), ("Duration", "1.50 s"), ("Check files", "checks.yaml"), ("MonitorPy", __version__)
    ]  # fmt: skip
    assert "<dt>Selected<dd>8 of 10 checks<" in sections.facts(document(results, 1.5), 2, 2)
    assert "Started" not in sections.facts(document([], 0.0), 0, 0)


def test_of_many_files_some_are_named(outcomes):
    for _ in range(14):
        outcomes.add("success")
    found = outcomes.run().to_dict()["results"]
    for number, result in enumerate(found):
        result["source"]["file"] = f"<{number}>.yaml"
    assert "&lt;0&gt;.yaml, &lt;1&gt;.yaml, " in sections.facts(document(found, 1.0), 0, 0)
    assert "&lt;11&gt;.yaml, and 2 more<" in sections.facts(document(found, 1.0), 0, 0)


def test_counts(results):
    made = sections.counts(results, 0)
    assert text(made) == ["2", "ERROR", "1", "WARNING", "1", "BLOCKED", "1", "SKIPPED", "1", "OK"]
    assert "<title>2 errors, 1 warning, 1 blocked, 1 skipped, 1 OK</title>" in made
    assert text(sections.counts(results[:1], 3)) == ["3", "NOT", "RUN", "1", "OK"]
    assert "h250 />" in sections.counts(results[:1], 3)  # a quarter of the line
    assert sections.counts([], 0) == ""


def test_what_did_not_run_is_listed():
    assert sections.unrun([]) == ""
    assert "<details open><summary>2 checks</summary><ul><li>a<li>&lt;b&gt;</ul>" in sections.unrun(["a", "<b>"])
    many = sections.unrun([str(number) for number in range(100)])
    assert "<details><summary>100 checks<" in many
    assert many.count("<li>") == 100


def test_causes(results):
    made = sections.causes(results)
    assert "<h2>2 root causes, 1 check blocked behind them</h2>" in made
    assert "<li><a href=#c2>root</a> refused<p>blocks 1: <a href=#c3>c3</a></ol>" in made
    assert "<p>1 more cause, among the checks below." in made
    assert sections.causes(results[:2]) == ""


def test_checks_that_fail_alike(outcomes):
    for _ in range(7):
        outcomes.add("error", "refused\n<b>", raw_data={"host": "a.example"})
    made = sections.causes(outcomes.run().to_dict()["results"])
    assert "<h2>1 root cause, 6 checks failing behind it</h2>" in made
    assert "<li><a href=#c0>c0</a> refused &lt;b&gt;<p>6 more fail alike: <a href=#c1>c1</a>, " in made
    assert "<a href=#c4>c4</a>, and 2 more</ol></section>" in made


def test_what_did_not_run_is_no_cause(outcomes):
    for _ in range(2):
        outcomes.add("error", "the run was interrupted", fault="not_run", attempts=0)
    assert sections.causes(outcomes.run().to_dict()["results"]) == ""


def test_a_breakdown_has_the_worst_first(outcomes):
    for status, group in (("success", "good"), ("success", "<b>"), ("error", "<b>"), ("warning", "soft"), ("skipped", "rest")):
        outcomes.add(status, group=group)
    found = outcomes.run().to_dict()["results"]
    made = sections.breakdown("Group", ((result["group"], result) for result in found))
    rows = re.findall(r"<tr><th scope=row>(.*?)<td>(\d+)<td>.*?<small>(.*?)</small><td>([^<]*)", made)
    assert rows == [
        ("&lt;b&gt;", "2", "1 error, 1 OK", "131 ms"),
        ("soft", "1", "1 warning", "131 ms"),
        ("good", "1", "1 OK", "131 ms"),
        ("rest", "1", "1 skipped", ""),
    ]
    assert sections.breakdown("Tag", []) == ""


def test_times(results):
    results[1]["response_time"] = 2.5
    made = sections.times(results)
    assert "<p>Median 131 ms, 95 % within 2.50 s, slowest <a href=#c1>c1</a> 2.50 s</p>" in made
    assert "<svg" in made
    assert sections.times([result for result in results if result["status"] == "skipped"]) == ""
