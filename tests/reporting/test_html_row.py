import re

import pytest

from monitorpy.core.result import CheckResult, Failure, SkippedCheck, Source
from monitorpy.reporting.html_row import colour_of, row

RESULT = CheckResult.error(
    "expected status 200, got 503",
    0.2,
    {"url": "http://a.example/?a&b", "status_code": 503},
    id="home",
    plugin="website_status",
    group="web",
    tags=("prod", "eu"),
    fault="target",
    source=Source("checks.yaml", 9),
    phases={"dns": 0.001, "connect": 0.049, "tls": None, "first_byte": 0.1, "handshake": 0.025},
    failures=(Failure("status_code", "200", 503), Failure("body", "contains <b>", "x", severity="warning")),
)


def cells(result, number=7):
    made = row(number, result.to_dict())
    return made, re.split(r"<t[dh](?: scope=row)?>", made)


def test_what_is_seen_at_once():
    made, (start, status, name, group, plugin, target, time, *_) = cells(RESULT)
    assert start == "<tr id=c7 class=error>"
    assert status == "<b>ERROR</b>"
    assert name == "home <i>prod</i> <i>eu</i>"
    assert (group, plugin) == ("web", "website_status")
    assert target == '<a href="http://a.example/?a&amp;b" rel=noreferrer>http://a.example/?a&amp;b</a>'
    assert time.startswith("<data value=0.200000>200 ms</data><svg width=96 height=6><title>dns 1 ms, connect 49 ms, first byte 100 ms")
    assert re.findall(r"<path class=(\w+) d=M([\d.]+),3h([\d.]+)", time) == [
        ("p0", "0", "0.48"), ("p1", "0.48", "23.5"), ("p3", "24", "48"), ("p6", "72", "12"),
    ]  # fmt: skip
    assert "<details><summary>expected status 200, got 503</summary>" in made


def test_what_a_click_shows():
    made, _ = cells(RESULT)
    assert "<tr><td>status_code<td>200<td>503<tr><td>body (warning)<td>contains &lt;b&gt;<td>x</table>" in made
    stamp = f"{RESULT.timestamp:%Y-%m-%d %H:%M:%S} UTC"
    phases = "dns 1 ms, connect 49 ms, tls not reached, first byte 100 ms, handshake 25 ms"
    assert f"<p>{phases} · {stamp} · checks.yaml:9</p>" in made


def test_a_success_is_short():
    made, _ = cells(RESULT.changed(status="success", fault=None, failures=(), message="200 OK"))
    assert "not reached" not in made
    assert "<table>" not in made


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (RESULT.changed(attempts=3), " · 3 attempts · "),
        (RESULT.changed(fault="plugin"), "<p>the plugin is at fault, the target was not judged</p>"),
        (RESULT.changed(message="first\nsecond <b>"), "<summary>first</summary><pre>first\nsecond &lt;b&gt;</pre>"),
        (RESULT.changed(message="x" * 500), "... (500 characters)</summary><pre>xxx"),
        (RESULT.changed(message=""), "<summary></summary>"),
        (RESULT.changed(fault="blocked", attempts=0), "class=blocked><td><b>BLOCKED</b>"),
        (RESULT.changed(group=None), "</i><td><td>website_status"),
        (RESULT.changed(failures=[Failure("x", "y", "z")] * 25), "<tr><td colspan=3>and 5 more</table>"),
        (RESULT.changed(phases={}), "<data value=0.200000>200 ms</data><td>"),
        (RESULT.changed(source=None), " UTC</p>"),
        (RESULT.changed(raw_data={"traceback": 'Traceback:\n  File "mine.py", line 1\n    <oops>\nKeyError: x'}), "<pre>Traceback:\n  File &quot;mine.py&quot;, line 1\n    &lt;oops&gt;\nKeyError: x</pre>"),
        (SkippedCheck("rest", "tcp_port", "later"), "<td><td><details><summary>later</summary><p></p>"),
    ],
)  # fmt: skip
def test_what_there_is(result, expected):
    assert expected in cells(result)[0]


def test_phases_that_overlap_do_not_leave_the_line():
    ends = [float(a) + float(b) for a, b in re.findall(r"d=M([\d.]+),3h([\d.]+)", cells(RESULT.changed(response_time=0.01))[0])]
    assert max(ends) == pytest.approx(96, abs=0.5)


def test_of_many_lines_the_first_and_the_last():
    made, _ = cells(RESULT.changed(message="\n".join(f"line {n}" for n in range(100)) + "x" * 5000))
    assert "line 19\n... 60 lines ...\nline 80" in made
    assert len(made) < 4000


def test_colours():
    assert [colour_of(phase) for phase in ("dns", "send", "handshake", "banner")] == [0, 5, 6, 6]
