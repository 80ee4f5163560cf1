import html
import io
import json
import re
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from monitorpy.core.result import CheckResult, SkippedCheck, Source, document
from monitorpy.errors import UsageError
from monitorpy.reporting.causes import Cause, root_causes
from monitorpy.reporting.github import publish, step_summary, workflow_commands

NASTY = (
    "x\x1b[2J `a` `` | \\| <script>alert(1)</script> @octocat [l](http://e.org) ![i](x) www.x.org http://y.org #12 __init__ _em_ a_b "
    "**b** ~~s~~ $a$ &amp; <!-- 100%\r\n\r\n::error::pwned\u202e ##[add-mask]x | c | 日本語 \udc80 </code></details>"
)


def result(name, status="error", message="refused", *, group=None, line=3, file="checks.yaml", **more):
    fault = more.pop("fault", "target") if status == "error" else None
    source = Source(file, line) if file else None
    return CheckResult(status, message, more.pop("time", 0.1), id=name, group=group, fault=fault, source=source, **more).to_dict()


def blocked(name, root, **more):
    return result(name, message=f"blocked by {root}", fault="blocked", attempts=0, time=0.0, **more)


def run(*results):
    """The document of a run and its root causes."""
    found = json.loads(json.dumps(document(list(results), 1.5)))
    return found, root_causes(found["results"])


def commands(*results, warnings=()):
    return list(workflow_commands(run(*results)[1], warnings))


def parsed(line):
    """(command, properties, message) as the runner of GitHub Actions understands the line, or None."""
    if not (found := re.match(r"::(?P<command>\w+) ?(?P<given>.*?)::(?P<message>.*)", line)):
        return None
    given = dict(part.split("=", 1) for part in found["given"].split(","))
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        given = {name: value.replace(code, char) for name, value in given.items()}
    message = found["message"]
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        message = message.replace(code, char)
    return found["command"], given, message


class Page:
    """A step's summary as GitHub's Markdown has it: the tables, and what is not in one."""

    def __init__(self, text):
        self.tables, self.rest, self.tags = [], [], set()
        tokens = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough").parse(text)
        for before, token in pairwise(tokens):
            if token.type == "table_open":
                self.tables.append([])
            elif token.type == "tr_open":
                self.tables[-1].append([])
            elif token.type == "inline":
                shown = "".join(map(self._shown, token.children))
                (self.tables[-1][-1] if before.type in {"th_open", "td_open"} else self.rest).append(shown)
            elif token.type == "html_block":
                self.tags.update(re.findall("<[^>]*>", token.content))

    def _shown(self, token):
        if token.type == "html_inline":
            self.tags.add(token.content)
            return ""
        assert token.type in {"text", "text_special", "strong_open", "strong_close"}, token
        return token.content


def test_one_annotation_for_each_root_cause_and_each_warning():
    results = [
        result("alone", line=2),
        result("db", group="data", raw_data={"host": "h"}, line=4),
        result("alike", raw_data={"host": "h"}),
        blocked("later", "db"),
        result("crashed", file=None, fault="plugin"),
        result("piped", file="<stdin>", message=""),
    ]
    assert commands(*results, warnings=[result("mild", "warning", "slow", line=9)]) == [
        "::error file=checks.yaml,line=4,title=data%3A%3Adb::refused%0A2 checks blocked or failing behind it",
        "::error file=checks.yaml,line=2,title=alone::refused",
        "::error title=crashed::refused",
        "::error title=piped::error",
        "::warning file=checks.yaml,line=9,title=mild::slow",
    ]


def test_as_many_as_github_shows_and_the_others_are_counted():
    results = [result(f"e{i}") for i in range(11)]
    lines = commands(*results, warnings=[result(f"w{i}", "warning") for i in range(13)])
    assert [line.split()[0] for line in lines] == ["::error"] * 10 + ["::warning"] * 10 + ["::notice"]
    assert lines[-1] == "::notice title=monitorpy::1 more errors and 3 more warnings: GitHub shows 10 annotations of each kind"
    assert not commands(*results[:10])[-1].startswith("::notice")


def test_an_annotation_of_hostile_text_is_one_command():
    (line,) = commands(result("a=b,c:d%0A::e", group=NASTY, message=NASTY, file="x,line=1,y::z\n.yaml"))
    assert line.isprintable()
    assert "##[" not in line
    command, given, message = parsed(line)
    assert (command, given["line"], given["file"]) == ("error", "3", "x,line=1,y::z\\n.yaml")
    assert given["title"].startswith("x\\x1b[2J")
    assert len(given["title"]) <= 103
    first, *_, last = message.split("\n")
    assert first.endswith("100%")
    assert last.startswith("\\x3a:error::pwned")
    assert len(commands(result("a", message="%" * 10**6))[0]) < 10_000
    assert parsed(commands(result("a=b,c:d%0A::e"))[0])[1]["title"] == "a=b,c:d%0A::e"


@pytest.mark.parametrize("linked", [False, True])
def test_paths_are_those_of_the_repository(tmp_path, monkeypatch, linked):
    workspace = tmp_path / "repo"
    (workspace / "monitoring").mkdir(parents=True)
    monkeypatch.chdir(workspace / "monitoring")
    if linked:
        (tmp_path / "link").symlink_to(workspace)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "link" if linked else workspace))
    files = [parsed(commands(result("a", file=file))[0])[1]["file"] for file in ("checks.yaml", "../../other.yaml", "/etc/checks.yaml")]
    assert files == ["monitoring/checks.yaml", "../../other.yaml", "/etc/checks.yaml"]


def test_the_summary():
    results = [
        result("fine", "success", time=0.02),
        result("alone"),
        result("db", group="data", raw_data={"host": "h"}, line=4, time=2),
        result("alike", raw_data={"host": "h"}, file=None),
        blocked("later", "db"),
        result("mild", "warning", "slow", time=0),
        SkippedCheck("left out", "tcp_port", message="maintenance").to_dict(),
    ]
    text = step_summary(*run(*results), notes=["It was <interrupted>."])
    page = Page(text)
    assert page.rest == [
        "MonitorPy: 7 checks in 1.50 s: 1 ok, 1 warning, 3 error, 1 blocked, 1 skipped",
        "It was <interrupted>.",
        "2 root causes, 2 checks blocked or failing behind them",
    ]
    assert page.tables == [
        [
            ["Check", "Error", "Behind it", "Where"],
            ["data::db", "refused", "2 checks blocked or failing behind it", "checks.yaml:4"],
            ["alone", "refused", "", "checks.yaml:3"],
        ],
        [["Check", "Warning", "Where"], ["mild", "slow", "checks.yaml:3"]],
        [["Check", "Because of"], ["alike", "data::db"], ["later", "data::db"]],
        [["Check", "Time"], ["data::db", "2.00 s"], ["alone", "100 ms"], ["alike", "100 ms"], ["fine", "20 ms"]],
    ]
    assert page.tags == {"<code>", "</code>", "<details>", "</details>", "<summary>", "</summary>"}


def test_the_summary_of_a_good_run_is_short():
    assert step_summary(*run(result("a", "success", time=0))) == "### MonitorPy: 1 check in 1.50 s: 1 ok\n\n"


def test_hostile_text_in_the_summary_is_text():
    text = step_summary(*run(result(NASTY, group=NASTY, message=NASTY, file=NASTY), blocked("b", NASTY), result("w", "warning", NASTY)))
    page = Page(text)
    assert page.tags == {"<code>", "</code>", "<details>", "</details>", "<summary>", "</summary>"}
    assert [{len(row) for row in table} for table in page.tables] == [{4}, {3}, {2}, {2}]
    shown = " ".join(NASTY.split()).replace("\x1b", r"\x1b").replace("\u202e", r"\u202e").replace("\udc80", r"\udc80")
    assert page.tables[0][1][1] == page.tables[1][1][1] == shown
    assert page.tables[0][1][3] == shown[:100] + "..."
    assert not re.search(r"@octocat|<script|`|https?://|\bwww\.", text)
    assert html.unescape(text).count("@octocat") == 6


@pytest.mark.parametrize("char", ["a", "|", "\U0001f600", "\U000e0001"])
def test_the_summary_of_a_huge_run_is_small_enough(char):
    long = char * 5000
    results = [result(f"{long}{i}", group=long, message=f"{i}{long}", file=long) for i in range(400)]
    results += [blocked(long, f"{long}{i}", group=long) for i in range(400)]
    results += [result(f"{long}{i}", "warning", long, file=long, group=long) for i in range(400)]
    text = step_summary(*run(*results))
    assert len(text.encode()) < 2**20 * 0.75
    assert [row for row in Page(text).rest if row.startswith("...")] == ["... and 350 more", "... and 350 more", "... and 200 more"]


def test_publishing(tmp_path, monkeypatch):
    path = tmp_path / "summary.md"
    path.write_text("of another command")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    found, causes = run(result("bad"), result("mild", "warning", "slow"))
    out = io.StringIO()
    publish(found, causes, out, notes=["Note."])
    assert [line.split(" ")[0] for line in out.getvalue().splitlines()] == ["::error", "::warning"]
    assert path.read_text().startswith("of another command\n### MonitorPy: 2 checks in")
    assert "\n\nNote.\n\n" in path.read_text()


@pytest.mark.parametrize(
    ("more", "levels"),
    [({"strict": True}, ["error", "error"]), ({"annotated": True}, ["warning"]), ({"annotated": True, "strict": True}, [])],
)
def test_warnings_may_be_errors_and_errors_may_be_annotated_already(monkeypatch, more, levels):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    out = io.StringIO()
    publish(*run(result("bad"), result("mild", "warning", "slow")), out, **more)
    assert [parsed(line)[0] for line in out.getvalue().splitlines() if parsed(line)] == levels


def test_outside_of_github_there_are_annotations_and_a_word_about_the_summary(monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "")
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    publish(*run(result("bad", message="größer")), out)
    out.flush()
    assert out.buffer.getvalue().decode().splitlines() == [
        r"::error file=checks.yaml,line=3,title=bad::gr\xf6\xdfer",
        "monitorpy: no step summary: GITHUB_STEP_SUMMARY is not set, as it is in GitHub Actions",
    ]


@pytest.mark.parametrize(("place", "reason"), [("/dev", "Is a directory"), ("/dev/full", "No space left on device")])
def test_a_summary_that_cannot_be_written(monkeypatch, place, reason):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", place)
    out = io.StringIO()
    with pytest.raises(UsageError, match=f"GITHUB_STEP_SUMMARY: '{place}' cannot be written: {reason}"):
        publish(*run(result("bad")), out)
    assert out.getvalue().startswith("::error")


def test_a_summary_for_which_there_is_no_room_is_left_out(tmp_path, monkeypatch):
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * (2**20 - 100))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    with pytest.raises(UsageError, match="was left out: there is room for 100"):
        publish(*run(result("bad")), io.StringIO())
    assert path.stat().st_size == 2**20 - 100


def test_a_cause_may_be_a_warning():
    assert list(workflow_commands([Cause(result("w", "warning", "slow"))], [])) == ["::error file=checks.yaml,line=3,title=w::slow"]
