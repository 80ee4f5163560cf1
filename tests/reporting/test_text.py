import io
from collections import Counter

import pytest

from monitorpy.core.result import Failure, Run
from monitorpy.reporting.text import counts, name, report, summary, wants_colour, word


def text(outcomes, **more):
    return list(report(outcomes.run(), outcomes.specs, **more))


def test_failures_come_first_and_blocked_checks_are_named_behind_their_root(mixed):
    assert text(mixed) == [
        "ERROR    root     refused  (131 ms)  checks.yaml:4",
        "         blocks 1 check: c3",
        "ERROR    c5       the plugin crashed  (131 ms)  checks.yaml:7",
        "WARNING  c1       slow  (131 ms)  checks.yaml:3",
        "SKIPPED  c4       maintenance  checks.yaml:6",
        "OK       web::c0  as expected  (131 ms)",
        "2 root causes, 1 check blocked behind them",
        "6 checks in 1.50 s: 1 ok, 1 warning, 2 error, 1 blocked, 1 skipped",
    ]


def test_quiet_leaves_out_what_is_good(mixed):
    assert not any(line.startswith("OK") for line in text(mixed, verbosity=-1))


def test_verbose_explains_what_is_not_good_and_lists_what_is_blocked(mixed):
    lines = text(mixed, verbosity=1)
    assert "      ERROR: refused" in lines
    assert "BLOCKED  c3       blocked by root  checks.yaml:5" in lines
    assert lines[-3:-1] == ["OK       web::c0  as expected  (131 ms)", "2 root causes, 1 check blocked behind them"]


def test_verbose_shows_the_config_without_its_secrets(outcomes, plugins):
    outcomes.add("error", "refused", config={"host": "a.example", "password": "hunter2"})
    lines = text(outcomes, verbosity=1)
    assert "          host: a.example" in lines
    assert "hunter2" not in "\n".join(lines)


def test_without_specs_there_is_nothing_to_explain(mixed):
    assert list(report(mixed.run(), verbosity=1))[1:3] == [
        "         blocks 1 check: c3",
        "ERROR    c5       the plugin crashed  (131 ms)  checks.yaml:7",
    ]


def test_many_successes_are_counted_and_listed_on_demand(outcomes):
    for _ in range(101):
        outcomes.add("success")
    assert text(outcomes) == ["OK       101 checks (-v lists them)", "101 checks in 1.50 s: 101 ok"]
    assert len(text(outcomes, verbosity=1)) == 102
    assert text(outcomes, verbosity=-1) == ["101 checks in 1.50 s: 101 ok"]


def test_many_blocked_checks_are_counted(outcomes):
    outcomes.add("error", "refused", id="root")
    for _ in range(9):
        outcomes.add("error", "blocked by root", fault="blocked", group="g")
    assert text(outcomes)[1] == "         blocks 9 checks: " + ", ".join(f"g::c{i}" for i in range(1, 9)) + ", ..."


def test_root_causes_come_first_and_what_fails_alike_follows_its_own(outcomes):
    outcomes.add("error", "lonely").add("error", "refused", id="a, b", raw_data={"host": "db"}).add("error", "other")
    outcomes.add("error", "refused", raw_data={"url": "http://db/"}).add("error", "blocked by a, b, c3", fault="blocked")
    assert [line.split("  (")[0] for line in text(outcomes)] == [
        "ERROR    a, b  refused",
        "         blocks 1 check: c4",
        "ERROR    c3    refused",
        "ERROR    c0    lonely",
        "ERROR    c2    other",
        "3 root causes, 2 checks blocked or failing behind them",
        "5 checks in 1.50 s: 0 ok, 4 error, 1 blocked",
    ]


@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_a_blocked_check_whose_root_was_not_selected_has_a_line_of_its_own(outcomes, verbosity):
    outcomes.add("error", "blocked by elsewhere", fault="blocked")
    assert text(outcomes, verbosity=verbosity)[0] == "BLOCKED  c0  blocked by elsewhere  (131 ms)  checks.yaml:2"


@pytest.mark.parametrize(("number", "lines"), [(8, 8), (9, 1)])
def test_what_a_stopped_run_left_over_is_counted(outcomes, number, lines):
    for _ in range(number):
        outcomes.add("error", "the run was interrupted", fault="not_run", attempts=0)
    assert len(text(outcomes)) == lines + 1
    assert len([line for line in text(outcomes, verbosity=1) if line.startswith("ERROR ")]) == number
    if lines == 1:
        assert text(outcomes)[0] == "ERROR    9 checks did not run (-v lists them): the run was interrupted"


def test_colours(mixed):
    lines = text(mixed, colour=True)
    assert lines[0].startswith("\x1b[31mERROR   \x1b[0m root")
    assert lines[-1].startswith("\x1b[31m6 checks")
    assert not any("\x1b" in line for line in text(mixed))


def test_what_a_peer_sent_can_neither_steer_the_terminal_nor_a_ci(outcomes):
    nasty = "x\x1b[2J\r\n::error::pwned\u202e [red]x[/red] ##[add-mask]x\n::set-output name=a::b"
    outcomes.add(
        "error",
        nasty,
        id="a\x1bb",
        failures=(Failure("body", nasty, nasty), Failure("::error::x", "1", "2")),
        raw_data={"traceback": nasty},
    )
    outcomes.add("error", "::warning::x", fault="plugin", raw_data={"traceback": "Traceback\n::error::in a crash\n"})
    outcomes.add("skipped", nasty)
    for verbosity in (-1, 0, 1):
        for line in text(outcomes, verbosity=verbosity):
            assert line.isprintable()
            assert not line.lstrip().startswith("::")
            assert "##[" not in line
    assert any("[red]x[/red]" in line for line in text(outcomes))


@pytest.mark.parametrize(
    ("status", "more", "expected"),
    [
        ("success", {}, "OK"),
        ("warning", {}, "WARNING"),
        ("error", {}, "ERROR"),
        ("error", {"fault": "blocked"}, "BLOCKED"),
        ("skipped", {}, "SKIPPED"),
    ],
)
def test_words(outcomes, status, more, expected):
    assert word(outcomes.add(status, **more).outcomes[0]) == expected


def test_summary_of_one_of_none_and_of_an_interrupted_run(outcomes):
    assert summary(Run((), 0.0)) == "0 checks in 0.0 ms: 0 ok"
    assert list(report(Run((), 0.0), colour=True)) == ["\x1b[32m0 checks in 0.0 ms: 0 ok\x1b[0m"]
    outcomes.add("error", "stopped", fault="not_run")
    assert summary(outcomes.run(interrupted=True)) == "1 check in 1.50 s: 0 ok, 1 error, interrupted"


def test_counts_so_far():
    assert counts(Counter(["OK", "OK", "ERROR", "BLOCKED"])) == "1 error, 1 blocked, 2 ok"


def test_name_has_the_group(outcomes):
    outcomes.add("success", id="a\nb").add("success", id="c", group="g")
    assert [name(outcome) for outcome in outcomes.outcomes] == ["a\\nb", "g::c"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_colour_is_for_terminals_only(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colour(Terminal())
