import json
import os
import re
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from monitorpy.commands import batch as command
from monitorpy.core.result import Run

GOOD = {"id": "good", "plugin": "say", "group": "web", "tags": ["prod"]}
MILD = {"id": "mild", "plugin": "say", "config": {"status": "warning", "message": "slow"}, "tags": ["prod", "eu"]}
BAD = {"id": "bad", "plugin": "say", "config": {"status": "error", "message": "refused"}}
BLOCKED = {"id": "blocked", "plugin": "say", "needs": ["bad"]}
SKIPPED = {"id": "skipped", "plugin": "say", "skip": "maintenance"}
FIXTURE = {"id": "cart", "plugin": "fixture:cart"}


@pytest.fixture(autouse=True)
def _say(say):
    pass


@pytest.fixture
def batch(folder, told):
    """Run ``monitorpy batch checks.yaml`` over these checks; returns exit code, output, errors."""

    def run(*checks, argv=()):
        return told("batch", folder("checks.yaml", *checks), *argv)

    return run


@pytest.mark.parametrize(
    ("checks", "argv", "expected"),
    [
        ([GOOD], [], 0),
        ([GOOD, MILD], [], 1),
        ([GOOD, MILD], ["--fail-on", "error"], 0),
        ([GOOD, MILD], ["--fail-on", "warning"], 1),
        ([BAD, MILD], ["--fail-on", "error"], 2),
        ([BAD, BLOCKED], [], 2),
        ([GOOD, SKIPPED], [], 0),
        ([SKIPPED], [], 0),
        ([{**GOOD, "config": {"crash": "oops"}}], [], 2),
    ],
)
def test_exit_codes(batch, checks, argv, expected):
    assert batch(*checks, argv=argv)[0] == expected


def test_table(batch):
    _, out, err = batch(GOOD, MILD, BAD, BLOCKED, SKIPPED)
    assert [line.split()[:2] for line in out.splitlines()[:-1]] == [
        ["ERROR", "bad"],
        ["blocks", "1"],
        ["WARNING", "mild"],
        ["SKIPPED", "skipped"],
        ["OK", "web::good"],
        ["1", "root"],
    ]
    assert out.splitlines()[-1].endswith(": 1 ok, 1 warning, 1 error, 1 blocked, 1 skipped")
    assert err == ""


def test_it_is_said_when_nothing_was_checked(batch):
    assert batch(SKIPPED)[2] == "monitorpy: every check is skipped: nothing was checked\n"


def test_quiet_and_verbose(batch):
    assert "good" not in batch(GOOD, BAD, argv=["-q"])[1]
    out = batch(GOOD, BAD, argv=["-v"])[1]
    assert "      ERROR: refused" in out
    assert "message: refused" in out
    code, _, err = batch(GOOD, argv=["-q", "-v"])
    assert code == 3
    assert "not allowed with" in err


def test_a_crash_shows_its_own_frames_when_asked(batch):
    out = batch({**GOOD, "config": {"crash": "oops\n::error::x"}}, argv=["-v"])[1]
    assert "in said" in out
    assert "RuntimeError: oops" in out
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["-k", "web"], ["good"]),
        (["-k", "not web and not bad"], ["mild"]),
        (["--tag", "prod"], ["good", "mild"]),
        (["--tag", "eu", "--tag", "prod"], ["good", "mild"]),
        (["--tag", "prod", "-k", "MILD"], ["mild"]),
    ],
)
def test_selection(batch, argv, expected):
    out = batch(BAD, GOOD, MILD, argv=[*argv, "--json", "-"])[1]
    assert [result["id"] for result in json.loads(out)["results"]] == expected


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["-k", "nothing"], "monitorpy: no checks to run: none of 2 is selected\n"),
        (["-k", "(a"], "monitorpy: -k: a ) is missing in '(a'\n"),
        (["--tag", "prodd"], "monitorpy: --tag: no check has the tag 'prodd'; there are: eu, prod\n"),
        (["--tag", "prod", "--tag", "x"], "monitorpy: --tag: no check has the tag 'x'; there are: eu, prod\n"),
    ],
)
def test_nothing_selected(batch, argv, message):
    assert batch(GOOD, MILD, argv=argv) == (3, "", message)


def test_a_tag_where_there_are_none(batch):
    assert batch(BAD, argv=["--tag", "x"])[2] == "monitorpy: --tag: no check has the tag 'x'; there are no tags\n"


def test_a_needed_check_that_is_not_selected_runs_and_is_not_reported(batch):
    code, out, _ = batch(BAD, BLOCKED, argv=["-k", "blocked", "--json", "-"])
    (result,) = json.loads(out)["results"]
    assert (code, result["id"], result["fault"], result["message"]) == (2, "blocked", "blocked", "blocked by bad")
    out = batch(BAD, BLOCKED, argv=["-k", "blocked"])[1]
    assert out.splitlines()[0].split()[:2] == ["BLOCKED", "blocked"]


def test_a_check_that_several_need_in_turn(batch):
    again = {**GOOD, "id": "again", "needs": ["good", "both"]}
    assert batch(GOOD, {**GOOD, "id": "both", "needs": ["good"]}, again)[0] == 0


class TestFixtures:
    MESSAGE = "checks.yaml:1:{}: check 'cart' needs pytest: fixture:cart is a fixture. Run pytest --monitorpy=checks.yaml\n"

    @pytest.fixture(autouse=True)
    def _nothing_runs(self, monkeypatch):
        self.ran = []
        monkeypatch.setattr(command, "run_batch", lambda chosen, **more: self.ran.append([spec.id for spec in chosen]) or Run((), 0.0))

    def test_before_anything_runs(self, batch):
        code, out, err = batch(GOOD, FIXTURE)
        assert (code, out) == (3, "")
        assert err.partition(": check")[2] == self.MESSAGE.partition(": check")[2]
        assert self.ran == []

    def test_one_that_is_needed(self, batch):
        middle = {**GOOD, "id": "middle", "needs": ["cart"]}
        code, _, err = batch({**GOOD, "needs": ["middle"]}, middle, FIXTURE, argv=["-k", "good"])
        assert code == 3
        assert "check 'cart' needs pytest" in err

    def test_one_that_nobody_asks_for(self, batch):
        batch(GOOD, FIXTURE, {**FIXTURE, "id": "later", "skip": "not yet"}, argv=["-k", "good or later"])
        assert self.ran == [["good", "later"]]


class TestReports:
    def test_json_document(self, batch):
        batch(BAD, GOOD, SKIPPED, argv=["--json", "r.json"])
        data = json.loads(Path("r.json").read_text())
        assert data["schema"] == 1
        assert {key: data["summary"][key] for key in ("total", "success", "error", "skipped")} == {
            "total": 3,
            "success": 1,
            "error": 1,
            "skipped": 1,
        }
        assert [(r["id"], r["status"]) for r in data["results"]] == [("bad", "error"), ("good", "success"), ("skipped", "skipped")]
        assert data["results"][1]["source"] == {"file": "checks.yaml", "line": 1}

    def test_ndjson_has_a_line_for_each(self, batch):
        batch(BAD, GOOD, SKIPPED, argv=["--ndjson", "r.ndjson"])
        lines = Path("r.ndjson").read_text().splitlines()
        assert sorted(json.loads(line)["id"] for line in lines) == ["bad", "good", "skipped"]

    def test_junit(self, batch):
        batch(BAD, GOOD, argv=["--junit", "r.xml"])
        assert [case.get("name") for case in ET.parse("r.xml").iter("testcase")] == ["bad", "good"]

    def test_html(self, batch):
        batch(BAD, GOOD, MILD, argv=["--html", "r.html", "-k", "not mild"])
        page = Path("r.html").read_text(encoding="utf-8")
        assert "<h1>1 of 2 checks fails</h1>" in page
        assert "<dt>Selected<dd>2 of 3 checks<" in page
        assert "checks.yaml:1" in page

    def test_all_of_them_and_the_table(self, batch):
        out = batch(GOOD, argv=["--json", "a", "--ndjson", "b", "--junit", "c", "--html", "d"])[1]
        assert "OK       web::good" in out
        assert all(Path(name).stat().st_size for name in "abcd")

    @pytest.mark.parametrize(
        ("option", "read"),
        [
            ("--json", json.loads),
            ("--ndjson", lambda text: [json.loads(line) for line in text.splitlines()]),
            ("--junit", ET.fromstring),
            ("--html", re.compile("<!DOCTYPE html>[^\x80-\U0010ffff]*</script>\n").fullmatch),
        ],
    )
    def test_standard_output_stays_parseable(self, batch, option, read):
        _, out, err = batch(GOOD, {**BAD, "group": "grün"}, argv=[option, "-", "-v"])
        assert read(out) is not None
        assert "ERROR    grün::bad" in err

    def test_secrets_are_in_none(self, batch, monkeypatch):
        monkeypatch.setenv("TOKEN", "s3cr3t-t0ken")
        check = {**BAD, "config": {"status": "error", "message": "${secret:TOKEN}", "seen": "x ${secret:TOKEN}"}}
        _, out, err = batch(check, argv=["-v", "--json", "a", "--ndjson", "b", "--junit", "c", "--html", "d"])
        assert "s3cr3t" not in out + err + "".join(Path(name).read_text() for name in "abcd")
        assert "***" in out

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["--json", "gone/r.json"], "monitorpy: --json: 'gone/r.json' cannot be written: No such file or directory\n"),
            (["--ndjson", "."], "monitorpy: --ndjson: '.' cannot be written: Is a directory\n"),
            (["--junit", ""], "monitorpy: --junit: '' cannot be written: Is a directory\n"),
            (["--html", "gone/r.html"], "monitorpy: --html: 'gone/r.html' cannot be written: No such file or directory\n"),
            (["--json", "-", "--junit", "-"], "monitorpy: --junit: standard output is that of --json already\n"),
            (["--json", "checks.yaml"], "monitorpy: --json: checks.yaml is the check file checks.yaml already\n"),
        ],
    )
    def test_what_cannot_be_written_is_found_out_before_anything_runs(self, batch, monkeypatch, argv, message):
        monkeypatch.setattr(command, "run_batch", None)
        assert batch(GOOD, argv=argv) == (3, "", message)

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
    def test_a_full_disk_leaves_the_others_and_the_table(self, batch):
        code, out, err = batch(GOOD, argv=["--json", "/dev/full", "--junit", "r.xml"])
        assert code == 3
        assert err == "monitorpy: --json: '/dev/full' cannot be written: No space left on device\n"
        assert "1 check in " in out
        assert ET.parse("r.xml").find("testsuite/testcase") is not None


@pytest.mark.parametrize(
    "argv",
    [
        ["--workers", "0"],
        ["--workers", "-1"],
        ["--workers", "10001"],
        ["--workers", "x"],
        ["--per-host", "-1"],
        ["--per-host", "1.5"],
        ["--deadline", "0"],
        ["--deadline", "-1"],
        ["--deadline", "nan"],
        ["--deadline", "inf"],
        ["--deadline", "soon"],
        ["--fail-on", "never"],
    ],
)
def test_wrong_values(batch, argv):
    code, out, err = batch(GOOD, argv=argv)
    assert (code, out) == (3, "")
    assert err.splitlines()[-1].startswith(f"monitorpy batch: error: argument {argv[0]}: ")


def test_options_reach_the_runner(batch, monkeypatch):
    seen = {}

    def run(chosen, **more):
        seen.update(more)
        return Run((), 0.0)

    monkeypatch.setattr(command, "run_batch", run)
    batch(GOOD, argv=["--workers", "7", "--per-host", "0", "--deadline", "2.5"])
    assert (seen["workers"], seen["per_host"], seen["deadline"]) == (7, 0, 2.5)


def test_an_interrupted_run_is_no_success(batch, monkeypatch):
    monkeypatch.setattr(command, "run_batch", lambda chosen, **more: Run((), 0.0, interrupted=True))
    assert batch(GOOD)[0] == 130


def test_several_files_may_use_the_same_ids(folder, told):
    names = [folder("a.yaml", GOOD), folder("b.yaml", {**BAD, "id": "good"})]
    code, out, _ = told("batch", *names, "--json", "-")
    assert code == 2
    assert [(r["source"]["file"], r["status"]) for r in json.loads(out)["results"]] == [("a.yaml", "success"), ("b.yaml", "error")]


def slow(seconds, **more):
    return {"id": "slow", "plugin": "say", "config": {"sleep": seconds}, "timeout": 30, **more}


def read_line(process):
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line)


class TestProcess:
    def test_ctrl_c_writes_the_reports_of_what_has_ended(self, folder, start):
        folder("checks.yaml", GOOD, slow(60), {**GOOD, "id": "after", "needs": ["slow"]}, SKIPPED)
        process = start("batch", "checks.yaml", "--ndjson", "-", "--json", "r.json", "--junit", "r.xml", "--html", "r.html")
        ended = {read_line(process)["id"] for _ in range(2)}  # then slow is under way
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert ended == {"good", "skipped"}
        assert "interrupted" in err
        assert "Traceback" not in err
        page = Path("r.html").read_text()
        assert "<h1>Incomplete: 2 of 4 checks ran</h1>" in page
        assert "<p class=note>The run was interrupted.</p>" in page
        results = {r["id"]: r for r in json.loads(Path("r.json").read_text())["results"]}
        assert {name: r["fault"] or r["status"] for name, r in results.items()} == {
            "good": "success",
            "slow": "not_run",
            "after": "not_run",
            "skipped": "skipped",
        }
        assert sorted(json.loads(line)["id"] for line in out.splitlines()) == ["after", "slow"]
        assert [case.get("name") for case in ET.parse("r.xml").iter("testcase")] == ["good", "slow", "after", "skipped"]

    def test_the_deadline_of_the_run(self, folder, start):
        folder("checks.yaml", GOOD, slow(60))
        process = start("batch", "checks.yaml", "--deadline", "0.5", "--json", "-")
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 2
        assert [(r["status"], r["fault"]) for r in json.loads(out)["results"]] == [("success", None), ("error", "not_run")]

    def test_nobody_reads_on(self, folder, start):
        folder("checks.yaml", *({**GOOD, "id": f"c{i}", "config": {"message": "x" * 1000}} for i in range(200)))
        process = start("batch", "checks.yaml", "-v")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=20) == 3

    def test_standard_input(self, folder, start):
        folder("unused.yaml", GOOD)
        process = start("batch", "-", "--json", "-", stdin=subprocess.PIPE)
        out, _ = process.communicate("checks: [{id: a, plugin: say}]", timeout=20)
        assert process.returncode == 0
        assert json.loads(out)["results"][0]["source"] == {"file": "<stdin>", "line": 1}

    def test_plain_text_in_a_pipe_whatever_is_forced(self, folder, start, package):
        folder("checks.yaml", GOOD, {**BAD, "config": {"status": "error", "message": "a\x1b[31mb\r\n::error::c [red]d[/red] \u2603"}})
        process = start("batch", "checks.yaml", "-v", env={**package, "FORCE_COLOR": "1", "PYTHONIOENCODING": "ascii"}, text=False)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 2
        assert err == b""
        assert b"\x1b" not in out
        assert b"\r" not in out
        assert b"[red]d[/red]" in out
        assert not any(line.lstrip().startswith(b"::") for line in out.splitlines())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(batch, tmp_path):
    (tmp_path / "r.json").touch(mode=0o400)
    assert batch(GOOD, argv=["--json", "r.json"])[2] == "monitorpy: --json: 'r.json' cannot be written: Permission denied\n"


def test_github(batch, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    code, out, _ = batch(GOOD, MILD, BAD, BLOCKED, argv=["--github"])
    assert code == 2
    assert out.splitlines()[-2:] == [
        "::error file=checks.yaml,line=1,title=bad::refused%0A1 check blocked behind it",
        "::warning file=checks.yaml,line=1,title=mild::slow",
    ]
    code, out, err = batch(BAD, argv=["--github", "--json", "-"])
    assert json.loads(out)["summary"]["error"] == 1
    assert "::error file=checks.yaml" in err
    assert (tmp_path / "summary.md").read_text().count("### MonitorPy: ") == 2


def test_a_step_summary_that_cannot_be_written_is_told_before_anything_runs_or_after(batch, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    code, out, err = batch(GOOD, argv=["--github"])
    assert (code, out) == (3, "")
    assert err == f"monitorpy: GITHUB_STEP_SUMMARY: {str(tmp_path)!r} cannot be written: Is a directory\n"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/dev/full")
    code, out, err = batch(GOOD, argv=["--github"])
    assert code == 3
    assert "1 ok" in out
    assert err == "monitorpy: GITHUB_STEP_SUMMARY: '/dev/full' cannot be written: No space left on device\n"
