import json

from monitorpy.core.result import CheckResult
from monitorpy.reporting.json_report import document, line, pretty


def test_document_has_the_summary_and_the_results_in_file_order(mixed):
    data = json.loads(document(mixed.run()))
    assert list(data) == ["schema", "summary", "results"]
    assert data["summary"] == {"total": 6, "success": 1, "warning": 1, "error": 2, "blocked": 1, "skipped": 1, "duration": 1.5}
    assert [result["id"] for result in data["results"]] == ["c0", "c1", "root", "c3", "c4", "c5"]
    assert document(mixed.run()).endswith("}\n")


def test_result_has_the_keys_of_the_contract(mixed):
    keys = [
        "id",
        "plugin",
        "status",
        "fault",
        "message",
        "response_time",
        "timestamp",
        "attempts",
        "phases",
        "failures",
        "raw_data",
        "tags",
        "group",
        "source",
    ]
    for outcome in mixed.outcomes:
        assert list(json.loads(line(outcome))) == keys


def test_skipped_check_is_not_a_success(mixed):
    skipped = json.loads(line(mixed.outcomes[4]))
    assert (skipped["status"], skipped["message"], skipped["attempts"]) == ("skipped", "maintenance", 0)


def test_line_is_one_line(outcomes):
    outcomes.add("error", "one\ntwo\u2028three", raw_data={"body": "a\r\nb"})
    text = line(outcomes.outcomes[0])
    assert text.count("\n") == 1
    assert len(text.splitlines()) == 1
    assert json.loads(text)["message"] == "one\ntwo\u2028three"


def test_pretty_ends_without_a_line_end(outcomes):
    text = pretty(outcomes.add("success").outcomes[0])
    assert text.startswith("{\n")
    assert text.endswith("\n}")


def test_no_ci_takes_a_text_for_a_command_and_it_stays_the_same_text(outcomes):
    sent = "x ##[add-mask]e ##vso[task.setvariable variable=a]b ###[x] # ## [y]"
    text = line(outcomes.add("error", sent).outcomes[0])
    assert "##[" not in text
    assert "##vso[" not in text
    assert json.loads(text)["message"] == sent


def test_what_json_has_no_word_for_becomes_text():
    data = json.loads(line(CheckResult("success", "ok", raw_data={"a": float("nan"), "b": {1, 2}})))
    assert data["raw_data"] == {"a": "nan", "b": [1, 2]}
