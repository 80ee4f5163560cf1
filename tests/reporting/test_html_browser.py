"""The page in Debian's Chromium: what a person sees and can do, with JavaScript and without."""

from __future__ import annotations

import json
import struct
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from monitorpy.core.result import CheckResult, Failure, SkippedCheck, Source, document
from monitorpy.reporting.html_report import html_report

from .browser import PATIENCE, browser

HOSTILE = "</th><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
ROWS = "#checks > table > tbody > tr"
NAMES = f"{ROWS} > th"


def check(name, status, seconds, **more):
    fault = more.pop("fault", "target" if status == "error" else None)
    phases = {"dns": seconds / 10, "connect": seconds / 5, "first_byte": seconds / 2}
    raw = {"url": f"http://shop.example/{len(name)}", "body": "a body that nobody looks for"}
    source = Source("checks.yaml", 9)
    return CheckResult(status, more.pop("message", f"{name} said"), seconds, raw, id=name, plugin="website_status", fault=fault,
                       phases=phases, source=source, **more)  # fmt: skip


CHECKS = [
    check("quick", "success", 0.002, group="web", tags=("prod",)),
    check("slow", "success", 2.5, group="web"),
    check("page-10", "success", 0.3, group="api", tags=("prod", "eu")),
    check("page-9", "success", 0.09),
    SkippedCheck("rest", "tcp_port", "maintenance"),
    check("mild", "warning", 0.5, group="web"),
    check("root", "error", 0.1, message="refused\nsecond line", failures=(Failure("status_code", "200", 503),)),
    check(HOSTILE, "error", 0.0, fault="blocked", message="blocked by root", attempts=0),
]
ORDER = ["root", "mild", HOSTILE, "rest", "quick", "slow", "page-10", "page-9"]


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html_report(document([c.to_dict() for c in CHECKS], 3.2)), encoding="utf-8")
    return path


def just_opened(window, path, *, javascript):
    window.size(1280, 900)
    window.likes("light")
    window.javascript(on=javascript)
    window.open(path)


@pytest.fixture
def page(window, path):
    """The page, just opened; nothing went wrong in it when the test ends."""
    just_opened(window, path, javascript=True)
    yield window
    assert window.log("browser") == []
    assert requests(window, path) == [path.as_uri()]


def requests(window, path):
    """What the page has asked for, itself included; the browser's own pages, such as that of a new tab, ask for more."""
    messages = [json.loads(entry["message"])["message"] for entry in window.log("performance")]
    sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [p["request"]["url"] for p in sent if p["documentURL"] == path.as_uri() and not p["request"]["url"].startswith("data:")]


def names(page):
    """Of the checks that can be seen, without their tags."""
    return page.run("Array.from(document.querySelectorAll(arguments[0])).filter(e => e.checkVisibility()).map(e => e.firstChild.data.trim())", NAMES)  # fmt: skip


def pixels(png):
    """Width, height, and each line of pixels, of a PNG with 8 bits a channel; lines as they are stored are enough to compare."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    data, place = b"", 8
    while place < len(png):
        length = int.from_bytes(png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += 12 + length
    lines = zlib.decompress(data)
    step = 1 + width * {2: 3, 6: 4}[kind] * depth // 8
    return width, height, [lines[i : i + step] for i in range(0, len(lines), step)]


def test_it_can_be_seen(page):
    width, height, lines = pixels(page.screenshot())
    assert (width, height, len(lines)) == (1280, 900, 900)
    assert len(set(lines)) > 200  # not blank
    assert page.run("document.title") == "1 of 8 checks fails - MonitorPy report"
    assert page.texts("h1") == ["1 of 8 checks fails"]


def test_all_checks_are_there_failures_first(page):
    assert names(page) == ORDER


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
def test_no_width_is_too_narrow(page, width):
    page.size(width, 900)
    assert pixels(page.screenshot())[0] == width
    assert page.run("document.documentElement.scrollWidth") <= width
    assert names(page) == ORDER


def test_dark_and_light(page):
    looks = {}
    for scheme in ("light", "dark"):
        page.likes(scheme)
        background = page.run("getComputedStyle(document.documentElement).backgroundColor")
        looks[scheme] = (background, page.screenshot())
    assert looks["light"][0] == "rgb(255, 255, 255)"
    assert looks["dark"][0] == "rgb(20, 23, 28)"
    assert looks["light"][1] != looks["dark"][1]


def test_sorting(page):
    time = "#checks thead th:nth-child(6)"
    order = lambda: page.run("document.querySelector(arguments[0]).ariaSort", time)  # noqa: E731
    assert order() == "none"
    page.click(f"{time} button")
    assert (order(), names(page)[:4], names(page)[-2:]) == ("descending", ["slow", "mild", "page-10", "root"], [HOSTILE, "rest"])
    page.click(f"{time} button")
    assert (order(), names(page)[-4:]) == ("ascending", ["root", "page-10", "mild", "slow"])
    page.click(f"{time} button")
    assert (order(), names(page)) == ("none", ORDER)

    page.click("#checks thead th:nth-child(2) button")
    assert [name for name in names(page) if name.startswith("page")] == ["page-9", "page-10"]  # as numbers
    assert order() == "none"
    page.click("#checks thead th:nth-child(1) button")
    page.click("#checks thead th:nth-child(1) button")
    assert names(page) == ORDER[::-1]


def test_filters(page):
    page.type(".tools input", "REFUSED")
    assert names(page) == ["root"]
    assert page.texts(".tools output") == ["1 of 8 shown"]
    page.type(".tools input", "\ue003" * 7 + "nobody looks")  # backspaces; raw data do not count
    assert names(page) == []
    page.type(".tools input", "\ue003" * 12)
    page.click(".tools button[value=OK]")
    page.click(".tools button[value=WARNING]")
    assert names(page) == ["mild", "quick", "slow", "page-10", "page-9"]
    page.click(".tools select:nth-of-type(2) option:nth-child(3)")
    assert names(page) == ["quick", "page-10"]
    page.click(".tools select:nth-of-type(1) option[value='=web']")
    assert names(page) == ["quick"]
    assert page.run("Array.from(document.querySelectorAll('.tools button'), b => b.ariaPressed)") == [
        "false",
        "true",
        "false",
        "false",
        "true",
    ]


def test_a_group_chooses_its_checks(page):
    page.click("#groups tbody tr:nth-child(2) button")
    assert names(page) == ["page-10"]
    assert page.run("document.querySelector('.tools select').value") == "=api"


def test_a_link_shows_its_check_whatever_is_filtered(page):
    page.type(".tools input", "quick")
    page.run("addEventListener('hashchange', () => { window.arrived = true; })")  # after the page's own listener
    page.click("#causes a")
    page.run("new Promise(done => { const look = () => window.arrived ? done() : requestAnimationFrame(look); look(); })")
    assert names(page) == ["root", "quick"]
    assert page.texts(f"{ROWS}:target details table td") == ["status_code", "200", "503"]


def test_what_a_check_shows_when_it_is_opened(page):
    details = f"{ROWS}:first-child details"
    assert page.texts(f"{details} pre") == []
    page.click(f"{details} summary")
    assert page.texts(f"{details} pre:first-of-type") == ["refused\nsecond line"]
    assert "a body that nobody looks for" in page.texts(f"{details} pre.raw")[0]


def test_a_hostile_name_is_text(page):
    assert page.run("document.title") == "1 of 8 checks fails - MonitorPy report"
    assert page.run("document.scripts.length") == 1
    assert page.run("document.images.length") == 0


def test_links_are_of_the_web_only_and_tell_nobody_where_they_were(page):
    links = page.run("Array.from(document.querySelectorAll(arguments[0]), a => [a.protocol, a.rel])", f"{ROWS} td a")
    assert links
    assert {tuple(link) for link in links} == {("http:", "noreferrer")}


def test_it_is_a_table_to_those_who_cannot_see_it(page):
    wanted = {"banner", "main", "heading", "table", "row", "columnheader", "rowheader", "cell", "searchbox", "status"}
    until = time.monotonic() + PATIENCE
    while not (wanted <= (roles := page.roles()).keys() and roles["rowheader"] >= len(CHECKS)):  # it is made bit by bit
        assert time.monotonic() < until, roles


@pytest.fixture
def plain(window, path):
    """The page without JavaScript."""
    just_opened(window, path, javascript=False)
    yield window
    window.javascript(on=True)


def test_without_javascript_everything_is_there_and_nothing_is_without_effect(plain, path):
    assert names(plain) == ORDER
    assert plain.texts("button, input, select, [onclick], [aria-sort]") == []
    assert plain.texts("h2") == ["1 root cause, 1 check blocked behind it", "Response times", "Groups", "Tags", "Checks"]
    plain.click(f"{ROWS}:first-child summary")
    assert plain.texts(f"{ROWS}:first-child details pre:first-of-type") == ["refused\nsecond line"]
    plain.click("#causes a")
    assert plain.run("document.querySelector(':target').id") == "c0"
    assert len(set(pixels(plain.screenshot())[2])) > 200
    assert plain.log("browser") == []
    assert requests(plain, path) == [path.as_uri()]


def test_the_browsers_own_search_looks_into_what_is_closed(plain):
    assert plain.run("window.find('a body that nobody looks for')") is True


def test_on_paper(page):
    page.devtools("Emulation.setEmulatedMedia", media="print")
    assert page.texts(".tools") == []
    assert page.texts(f"{ROWS} details td") == ["status_code", "200", "503"]  # nobody can click on paper
    assert page.texts("pre.raw") == []
    assert names(page) == ORDER
    assert page.devtools("Page.printToPDF")["data"].startswith("JVBERi0")  # "%PDF-"
    page.devtools("Emulation.setEmulatedMedia", media="")


class Strict(BaseHTTPRequestHandler):
    """Serves the page as Jenkins serves artifacts: without style and script."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self'; style-src 'self'")
        self.end_headers()
        self.wfile.write(self.server.page)

    def log_message(self, *_):
        pass


def test_where_a_server_forbids_style_and_script_everything_can_be_read(window, path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Strict) as server:
        server.page = path.read_bytes()
        Thread(target=server.serve_forever, daemon=True).start()
        window.visit(f"http://127.0.0.1:{server.server_port}/")
        assert window.texts("h1") == ["1 of 8 checks fails"]
        assert names(window) == ORDER
        assert window.texts("button, input, select") == []
        server.shutdown()


def test_without_checks_nothing_goes_wrong(window, tmp_path):
    empty = tmp_path / "empty.html"
    empty.write_text(html_report(document([], 0.0)))
    window.open(empty)
    assert window.texts("h1") == ["Nothing was checked"]
    assert window.log("browser") == []
