from datetime import UTC, datetime, timedelta, timezone

import pytest

from monitorpy.reporting.html_parts import bar, block, link, plural, shown, utc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("<script>alert('x')</script>", "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;"),
        ('a" onclick="b', "a&quot; onclick=&quot;b"),
        ("&lt;", "&amp;lt;"),
        ("a\0b\nc\x1b[31m", "a\\x00b\\nc\\x1b[31m"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        ("\udc80", "\\udc80"),
        ("grün 漢字 😀", "grün 漢字 😀"),
        ("##[error]x", "#&#35;[error]x"),
        ("x" * 500, "x" * 400 + "... (500 characters)"),
    ],
)
def test_a_text_is_shown_and_does_nothing(text, expected):
    assert shown(text) == expected


def test_lines_stay_lines():
    assert block(["a: <b>", "  ::error::x", "c\x07", "d::e"]) == "a: &lt;b&gt;\n  &#58;:error::x\nc\\x07\nd::e"


@pytest.mark.parametrize("target", ["http://a.example/?q=1&r=2", "HTTPS://a.example:8443/grün", "http://[::1]/"])
def test_a_url_of_the_web_is_a_link(target):
    escaped = target.replace("&", "&amp;")
    assert link(target) == f'<a href="{escaped}" rel=noreferrer>{escaped}</a>'


@pytest.mark.parametrize(
    "target",
    [
        "",
        "127.0.0.1:80",
        "javascript:alert(1)",
        "JaVaScRiPt://http://x",
        " https://a.example/",
        "data:text/html,<script>",
        "ftp://a.example/",
        "http://",
        "http:a.example",
        'http://a" onmouseover="x',
        "http://a.example/ b",
        "http://a\\@b/",
        "http://a.example/\u202egpj.exe",
        "http://a.example/\n",
        "http://a.example/" + "x" * 400,
    ],
)
def test_nothing_else_is_a_link(target):
    assert "<" not in link(target)


def test_a_bar_has_its_parts_one_after_the_other():
    drawn = bar([("p0", 10.04), ("p1", 0.1), ("p2", 30)], 96, "dns 1 ms")
    assert drawn == "<svg width=96 height=6><title>dns 1 ms</title><path class=p0 d=M0,3h10 /><path class=p2 d=M10.1,3h30 /></svg>"


def test_times_are_in_utc():
    assert utc(datetime(2026, 11, 23, 9, 0, 0, 999, UTC)) == "2026-11-23 09:00:00 UTC"
    assert utc(datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))) == "2025-12-31 23:30:00 UTC"


def test_plural():
    assert [plural(number, "check") for number in (0, 1, 2)] == ["0 checks", "1 check", "2 checks"]
