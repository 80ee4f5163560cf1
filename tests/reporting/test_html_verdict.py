import pytest

from monitorpy.reporting.html_verdict import Verdict, status_of, verdict

SUCCESS, WARNING, SKIPPED = ({"status": status, "fault": None} for status in ("success", "warning", "skipped"))
ERROR, BLOCKED, NOT_RUN = ({"status": "error", "fault": fault} for fault in ("target", "blocked", "not_run"))


@pytest.mark.parametrize(
    ("results", "unrun", "level", "headline"),
    [
        ([SUCCESS] * 3, 0, "good", "All 3 checks passed"),
        ([SUCCESS], 0, "good", "The check passed"),
        ([SUCCESS, SKIPPED], 0, "good", "1 check passed, 1 skipped"),
        ([SUCCESS, WARNING], 0, "mild", "No failures, 1 warning"),
        ([WARNING, WARNING], 0, "mild", "No failures, 2 warnings"),
        ([SKIPPED], 0, "mild", "Nothing was checked"),
        ([], 0, "mild", "Nothing was checked"),
        ([SUCCESS, ERROR], 0, "bad", "1 of 2 checks fails"),
        ([ERROR, ERROR, BLOCKED, WARNING], 0, "bad", "2 of 4 checks fail"),
        ([SUCCESS, ERROR, NOT_RUN], 2, "bad", "1 of 5 checks fails, 3 did not run"),
        ([SUCCESS, SKIPPED, NOT_RUN], 0, "bad", "Incomplete: 2 of 3 checks ran"),
        ([SUCCESS], 1, "bad", "Incomplete: 1 of 2 checks ran"),
        ([], 1, "bad", "Incomplete: 0 of 1 check ran"),
        ([SUCCESS, BLOCKED], 0, "bad", "1 of 2 checks is blocked"),
        ([BLOCKED, BLOCKED], 0, "bad", "2 of 2 checks are blocked"),
    ],
)
def test_the_verdict(results, unrun, level, headline):
    assert verdict(results, unrun, noted=False) == Verdict(level, headline)


def test_with_a_note_nothing_is_green():
    assert verdict([SUCCESS], 0, noted=True) == Verdict("mild", "The check passed")
    assert verdict([ERROR], 0, noted=True).level == "bad"


def test_a_blocked_check_is_no_error():
    assert [status_of(result) for result in (ERROR, BLOCKED, SKIPPED)] == ["error", "blocked", "skipped"]
