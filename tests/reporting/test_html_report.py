import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from monitorpy.core.result import document
from monitorpy.reporting.html_report import html_report

ROOT = Path(__file__).parents[2]
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`<!--\0\u202e\udc80]]>&lt;{{7*7}} javascript:alert(1)"


@pytest.fixture
def page(mixed):
    return html_report(mixed.run().to_dict())


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of each kind."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.texts = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.setdefault(self.found[-1][0] if self.found else "", []).append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def test_failures_come_first(outcomes):
    outcomes.add("success").add("skipped").add("error", fault="not_run").add("error", fault="blocked").add("warning").add("error").add(
        "success"
    )
    made = html_report(outcomes.run().to_dict())
    order = re.findall(r"<tr id=c(\d+) class=(\w+)>.*?scope=row>(\w+)", made)
    assert order == [
        ("0", "error", "c5"), ("1", "error", "c2"), ("2", "warning", "c4"), ("3", "blocked", "c3"),
        ("4", "skipped", "c1"), ("5", "success", "c0"), ("6", "success", "c6"),
    ]  # fmt: skip


def test_it_is_made_of_the_document_alone(mixed, page):
    assert html_report(json.loads(json.dumps(mixed.run().to_dict()))) == page


def test_what_is_said_first(mixed, page):
    assert "<title>2 of 6 checks fail - MonitorPy report</title>" in page
    assert "<header><p>MonitorPy report</p><h1>2 of 6 checks fail</h1><ul>" in page
    assert "<html lang=en class=bad>" in page
    more = html_report(mixed.run().to_dict(), title="<Nightly>", notes=["a <b>\nsecond"], unrun=["<x>"], unselected=3)
    assert "<title>2 of 7 checks fail, 1 did not run - &lt;Nightly&gt;</title>" in more
    assert "<p class=note>a &lt;b&gt;\nsecond</p>" in more
    assert "<li>&lt;x&gt;" in more
    assert "<dt>Selected<dd>7 of 10 checks<" in more


def test_without_results_there_is_no_table():
    made = html_report(document([], 0.0))
    assert "Nothing was checked" in made
    assert "<table" not in made


def test_sections(outcomes):
    outcomes.add("error", group="web", tags=("prod",), phases={"dns": 0.1, "handshake": 0.02, "tls": None})
    made = html_report(outcomes.run().to_dict())
    assert re.findall(r"<section(?: class=breakdown)?(?: id=(\w+))?>", made) == ["times", "groups", "tags", "checks"]
    legend = re.search(r"<ul class=legend>(.*?)</ul>", made)[1]
    assert re.findall(r"class=(\w+).*?</svg> ([\w ]+)", legend) == [("p0", "dns"), ("p6", "other")]
    outcomes.outcomes[0] = outcomes.outcomes[0].changed(phases={}, group=None, tags=())
    assert "<ul class=legend>" not in html_report(outcomes.run().to_dict())


def test_headers_of_the_table(page):
    elements = Elements(page)
    assert list(re.findall(r"<th scope=col>(\w+)", page.partition("<section id=checks>")[2]))[:7] == [
        "Status", "Check", "Group", "Plugin", "Target", "Time", "Message",
    ]  # fmt: skip
    assert {head["scope"] for head in elements.all("th")} == {"col", "row"}


def test_nothing_is_loaded_and_only_our_own_style_and_script_may_act(page):
    elements = Elements(page)
    policy = next(meta["content"] for meta in elements.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    for kind in ("style", "script"):
        [text] = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        assert f"{kind}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
        assert text.isascii()
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"@import|url\(|fetch|XMLHttp|innerHTML|\beval\b", page)
    attributes = {name for _, found in elements.found for name in found}
    assert not {name for name in attributes if name.startswith("on")} | attributes & {"src", "style", "action", "srcset"}
    assert {link["href"].partition(",")[0] for link in elements.all("link")} == {"data:image/svg+xml"}


def test_whatever_a_check_holds_is_text(outcomes):
    tame = outcomes.add("error", "x", id="x", group="x", tags=("x",), raw_data={"url": "x", "x": {"x": "x"}}, phases={"x": 0.1})
    calm = Elements(html_report(tame.run().to_dict(), title="x", notes=["x"], unrun=["x"]))
    told = json.loads(json.dumps(tame.run().to_dict()).replace('"x"', json.dumps(HOSTILE)))
    told["results"][0] |= {"plugin": HOSTILE, "source": {"file": HOSTILE, "line": 1}}
    told["results"][0]["failures"] = []
    wild = Elements(html_report(told, title=HOSTILE, notes=[HOSTILE], unrun=[HOSTILE]))
    assert [tag for tag, _ in wild.found] == [tag for tag, _ in calm.found]
    assert [sorted(found) for _, found in wild.found] == [sorted(found) for _, found in calm.found]
    assert not wild.all("a") or {a["href"] for a in wild.all("a")} == {"#c0"}
    html_report(told).encode()  # no lone surrogate is left


def test_a_page_stays_small_and_failures_have_their_raw_data(outcomes):
    for number in range(3000):
        outcomes.add("success" if number else "error", raw_data={"body": f"{number}-{'x' * 3900}"})
    outcomes.outcomes.reverse()
    made = html_report(outcomes.run().to_dict())
    assert 8_000_000 < len(made) < 9_000_000
    assert "body: 0-xxx" in made
    left_out = int(
        re.search(r"<p>The raw data of (\d+) checks are left out to keep this page small; the results in JSON have them", made)[1]
    )
    assert made.count("<pre class=raw>") == 3000 - left_out


def test_style_and_script_are_in_the_wheel():
    wheel = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {"monitorpy/reporting/html_report.css", "monitorpy/reporting/html_report.js"} <= wheel


def colours():
    """The colours of the style by scheme: {"light": {"text": "#1c2330", ...}, "dark": ...}."""
    style = (ROOT / "monitorpy/reporting/html_report.css").read_text()
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+);", block)) for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2])
    return {"light": light, "dark": light | dark}


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back"),
    [(front, back) for front in ("text", "dim", "link", "error", "warning", "success", "blocked", "skipped") for back in ("page", "soft")]
    + [(status, f"{status}-soft") for status in ("error", "warning", "blocked", "skipped", "success")],
)  # fmt: skip
def test_texts_have_the_contrast_of_wcag_aa(scheme, front, back):
    lighter, darker = sorted((luminance(colours()[scheme][name]) for name in (front, back)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
