import json
import re
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from monitorpy import __version__

CHECKS = """
    version: 1
    checks:
      - {id: good, plugin: say, group: web}
      - {id: soft, plugin: say, config: {status: warning, message: "usage 86% > 80%"}}
      - id: bad
        plugin: say
        config: {status: error, message: "expected status 200, got 503", url: "https://target/login"}
        group: web
      - {id: broken, plugin: crash}
      - {id: after bad, plugin: say, needs: [bad]}
      - {id: later, plugin: say, needs: [after bad]}
      - {id: rest, plugin: say, skip: "maintenance until Friday"}
"""


@pytest.fixture
def mixed(project):
    project.write("checks.yaml", CHECKS)


def test_each_status(mixed, run):
    result = run("--monitorpy=checks.yaml", "-v")
    result.assert_outcomes(passed=1, xfailed=1, failed=2, skipped=3)
    assert result.ret == 1
    result.stdout.fnmatch_lines_random(
        [
            "*checks.yaml::web::good*",
            "*WARNED*checks.yaml::soft - usage 86% > 80%",
            "monitorpy: 7 checks: 1 success, 1 warning, 2 error, 2 blocked, 1 skipped; slowest * 250 ms",
        ]
    )


def test_a_warning_alone_is_exit_code_0(project, run):
    project.write("checks.yaml", "checks: [{id: soft, plugin: say, config: {status: warning}}]")
    assert run("--monitorpy=checks.yaml").ret == 0


OPTIONS = [
    *("--runxfail", "-o xfail_strict=true", "--runxfail -o xfail_strict=true", "-W error", "-o filterwarnings=error"),
    *("-p no:terminal", "-p no:skipping", "--no-summary", "-q", "-qq", "-v", "-rA", "-rx", "-rN", "--durations=0"),
    *("--tb=no", "--tb=line", "--tb=short", "--tb=long", "--tb=native", "--tb=auto", "--full-trace", "--color=yes", "--color=no"),
    *("-s", "-p no:capture", "-p no:logging", "-p no:warnings", "--assert=plain", "--import-mode=importlib", "--maxfail=9"),
    *("-p rerunfailures --reruns=1", "-n2", "-n2 --runxfail -v", "-n2 --dist=loadscope", "-n2 -p rerunfailures --reruns=1"),
    *(("-o strict=true", "-o strict=true --runxfail") if pytest.version_tuple >= (9,) else ()),
]


@pytest.mark.parametrize("options", OPTIONS)
def test_outcomes_do_not_depend_on_other_options(mixed, project, options):
    """On the exit code, JUnit and JSON: what a machine reads."""
    result = project.run("--monitorpy=checks.yaml", "--junitxml=j.xml", "--monitorpy-json=r.json", "-W", "ignore", *options.split())
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    suite = ET.parse(project.path / "j.xml").getroot()[0]
    found = {
        case.get("name"): next(((child.tag, child.get("type")) for child in case if child.tag != "properties"), ("passed", None))
        for case in suite.iter("testcase")
    }
    skipped = ("skipped", "pytest.skip")
    assert found == {
        **dict.fromkeys(("after bad", "later", "rest"), skipped),
        "good": ("passed", None),
        "soft": ("skipped", "pytest.xfail"),
        "bad": ("failure", None),
        "broken": ("failure", None),
    }
    summary = json.loads((project.path / "r.json").read_text())["summary"]
    counts = {"total": 7, "success": 1, "warning": 1, "error": 2, "blocked": 2, "skipped": 1}
    assert {name: summary[name] for name in counts} == counts


@pytest.mark.parametrize(
    "options, letters, word",
    [
        ((), "checks.yaml .FwFsss*", None),
        (("--runxfail",), "checks.yaml .FwFsss*", None),
        (("--monitorpy-strict",), "checks.yaml .FFFsss*", None),
        (("-q",), ".FwFsss*", None),
        (("-v", "--runxfail"), None, "checks.yaml::soft WARNED (warning: usage 86% > 80%)*"),
        (("-v", "--monitorpy-strict"), None, "checks.yaml::soft FAILED*"),
        (("-rx", "-q"), None, "WARNED checks.yaml::soft - warning: usage 86% > 80%"),
        (("-v", "--color=yes", "--no-summary"), None, "*\x1b[[]33mWARNED\x1b[[]0m (warning: usage 86% > 80%)*"),
    ],
)
def test_letters_and_words(mixed, project, options, letters, word):
    project.run("--monitorpy=checks.yaml", *options).stdout.fnmatch_lines([letters or word])


@pytest.mark.parametrize("options", ["-x", "--maxfail=1", "--pdb", "-p rerunfailures --reruns=2", "-n2 -x", "-p cacheprovider --stepwise"])
def test_a_warning_stops_nothing(project, options):
    project.write("checks.yaml", "checks: [{id: soft, plugin: say, config: {status: warning}}, {id: a, plugin: say}]")
    result = project.run("--monitorpy=checks.yaml", *options.split(), fast=False)
    assert (result.parseoutcomes(), result.ret) == ({"passed": 1, "xfailed": 1}, 0)


@pytest.mark.parametrize("options", ["-x", "--maxfail=1", "-p cacheprovider --stepwise"])
def test_an_error_does(mixed, project, options):
    result = project.run("--monitorpy=checks.yaml", *options.split(), fast=False)
    assert result.parseoutcomes() == {"passed": 1, "failed": 1}
    assert result.ret in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}


MARKED = """
    checks:
      - {id: xfail good, plugin: say}
      - {id: xfail soft, plugin: say, config: {status: warning}}
      - {id: xfail bad, plugin: say, config: {status: error}}
      - {id: strict good, plugin: say}
      - {id: strict soft, plugin: say, config: {status: warning}}
      - {id: notrun bad, plugin: crash}
      - {id: raises bad, plugin: say, config: {status: error}}
      - {id: skip bad, plugin: crash}
      - {id: behind skip, plugin: say, needs: [skip bad]}
      - {id: behind xfail, plugin: say, needs: [xfail bad]}
"""


@pytest.mark.parametrize(
    "options, expected",
    [
        ((), "xpassed xfailed xfailed failed xfailed xfailed failed skipped failed skipped"),
        (("--runxfail",), "passed xfailed failed passed xfailed failed failed skipped failed skipped"),
        (("--monitorpy-strict",), "xpassed xfailed xfailed failed xfailed xfailed failed skipped failed skipped"),
        (("-o", "xfail_strict=true"), "failed xfailed xfailed failed xfailed xfailed failed skipped failed skipped"),
    ],
)
def test_marks_that_a_conftest_adds(project, run, options, expected):
    """A check that only a skip hides blocks loudly; a warning stays one, whatever was expected."""
    project.conftest("""
        MARKS = {
            "xfail": pytest.mark.xfail(reason="known"),
            "strict": pytest.mark.xfail(reason="known", strict=True),
            "notrun": pytest.mark.xfail(reason="known", run=False),
            "raises": pytest.mark.xfail(reason="known", raises=ValueError),
            "skip": pytest.mark.skip(reason="not now"),
        }

        def pytest_collection_modifyitems(items):
            for item in items:
                if mark := MARKS.get(item.name.split()[0]):
                    item.add_marker(mark)
    """)
    project.write("checks.yaml", MARKED)
    result = run("--monitorpy=checks.yaml", *options)
    assert result.parseoutcomes() == dict(Counter(expected.split()))
    assert result.ret == 1


def test_strict(mixed, run):
    result = run("--monitorpy=checks.yaml", "--monitorpy-strict")
    result.assert_outcomes(passed=1, failed=3, skipped=3)


def test_strict_by_ini(mixed, project):
    project.pytester.makeini("[pytest]\nmonitorpy_strict = true")
    project.run("--monitorpy=checks.yaml").assert_outcomes(passed=1, failed=3, skipped=3)


def test_reasons_of_skips(mixed, run):
    result = run("--monitorpy=checks.yaml", "-rs")
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED [[]1] checks.yaml:*: blocked by bad",
            "SKIPPED [[]1] checks.yaml: maintenance until Friday",
        ]
    )


def test_the_text_of_a_failure(mixed, run):
    result = run("--monitorpy=checks.yaml")
    result.stdout.fnmatch_lines(
        [
            "*___ say check 'bad' ___*",
            "    url: https://target/login",
            "E   ERROR: expected status 200, got 503",
            "E     status_code",
            "E       - expected: 200",
            "E       + actual:   503",
            "E     dns 1 ms  connect 20 ms  tls not reached  total 250 ms",
            "checks.yaml:6: error",
        ]
    )
    result.stdout.fnmatch_lines(["FAILED checks.yaml::web::bad - expected status 200, got 503"])
    result.stdout.no_fnmatch_line("*_pytest*")


STYLES = ["auto", "long", "short", "line", "native", "no"]
CRASHES = """
    checks:
      - {id: a, plugin: crash}
      - {id: b, plugin: "fixture:falls"}
      - {id: c, plugin: several}
      - {id: d, plugin: leaves}
      - {id: e, plugin: coroutine}
"""


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("more", [(), ("--showlocals", "-vv")])
def test_a_crash_shows_the_plugins_own_frames_only(project, style, more):
    project.conftest("""
        @pytest.fixture
        def falls():
            return crash

        @register_plugin("several")
        def several(config):
            raise ExceptionGroup("many", [KeyError("one"), ValueError("two")])

        @register_plugin("leaves")
        def leaves(config):
            raise SystemExit(3)

        @register_plugin("coroutine")
        async def coroutine(config):
            return crash(config)
    """)
    project.write("checks.yaml", CRASHES)
    result = project.run("--monitorpy=checks.yaml", f"--tb={style}", *more)
    result.assert_outcomes(failed=5)
    result.stdout.fnmatch_lines(["FAILED checks.yaml::a - the plugin crashed: KeyError: 'nope'"])
    shown = result.stdout.str().partition("= FAILURES =")[2]
    assert shown.count(", line ") == (0 if style in {"line", "no"} else 6)
    assert [name for name in ("_pytest", "pluggy", "pytest_monitorpy", "monitorpy/", "asyncio") if name in shown] == []


def test_an_interrupt_in_a_thread_is_a_crash_and_in_a_fixture_an_interrupt(project):
    project.conftest("""
        @register_plugin("interrupt")
        def interrupt(config):
            raise KeyboardInterrupt

        @pytest.fixture
        def stop():
            return interrupt
    """)
    project.write(
        "checks.yaml", 'checks: [{id: a, plugin: interrupt}, {id: b, plugin: say}, {id: c, plugin: "fixture:stop"}, {id: d, plugin: say}]'
    )
    result = project.pytester.runpytest_subprocess("--monitorpy=checks.yaml")
    assert (result.parseoutcomes(), result.ret) == ({"failed": 1, "passed": 1}, pytest.ExitCode.INTERRUPTED)


@pytest.mark.parametrize(
    "style, parts, place",
    [
        ("auto", (True, True), "checks.yaml:6: error"),
        ("long", (True, True), "checks.yaml:6: error"),
        ("native", (True, True), "checks.yaml:6: error"),
        ("short", (False, True), "checks.yaml:6: error"),
        ("line", (False, False), "checks.yaml:6: expected status 200, got 503"),
        ("no", (False, False), None),
    ],
)
def test_traceback_styles(mixed, project, style, parts, place):
    result = project.run("--monitorpy=checks.yaml", f"--tb={style}")
    lines = result.outlines
    assert ("    url: https://target/login" in lines, "E   ERROR: expected status 200, got 503" in lines) == parts
    assert [line for line in lines if line.startswith("checks.yaml:6")] == ([place] if place else [])
    assert "FAILED checks.yaml::web::bad - expected status 200, got 503" in lines


@pytest.mark.parametrize("colour", ["yes", "no"])
def test_colours(mixed, run, colour):
    """Under pytest-xdist, too: the text is of the one form that keeps its colours on the way."""
    lines = run("--monitorpy=checks.yaml", f"--color={colour}").outlines
    assert ("\x1b[1m\x1b[31mE   ERROR: expected status 200, got 503\x1b[0m" in lines) is (colour == "yes")
    assert ("E   ERROR: expected status 200, got 503" in lines) is (colour == "no")


NASTY = """
    NASTY = "\\x1b[31mred\\x1b]0;title\\x07 \\x9b \\u202e\\r\\n::error file=x::pwned\\n  ::set-output name=x::y\\n##[error]a ##vso[task.x]b\\x00 <b>" + "x" * 600

    @register_plugin("nasty")
    def nasty(config):
        failures = (Failure(NASTY, NASTY, NASTY, message=NASTY + "!"),)
        return CheckResult(config["status"], NASTY, 0.1, {NASTY: NASTY, "body": [NASTY]}, failures=failures, phases={NASTY: 0.1})

    @register_plugin("nasty_crash")
    def nasty_crash(config):
        raise RuntimeError(NASTY)

    @pytest.fixture
    def set_up():
        raise RuntimeError(NASTY)

    @pytest.fixture
    def skips():
        pytest.skip(NASTY)

    @pytest.fixture
    def teardown():
        yield CheckResult.success(NASTY)
        raise RuntimeError(NASTY)
"""


@pytest.mark.parametrize(
    "options",
    ["", "-vv -rA", "--tb=native -rA", "--tb=short -v -n2 -rA", "--tb=line --monitorpy-strict", "--tb=no -rA", "--full-trace -l -vv"],
)
def test_what_a_peer_sent_steers_no_terminal_and_no_ci(project, options):
    project.conftest(NASTY)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: e, plugin: nasty, config: {status: error}}
          - {id: w, plugin: nasty, config: {status: warning}}
          - {id: s, plugin: nasty, config: {status: success}}
          - {id: crash, plugin: nasty_crash}
          - {id: set_up, plugin: "fixture:set_up"}
          - {id: skips, plugin: "fixture:skips"}
          - {id: teardown, plugin: "fixture:teardown"}
    """,
    )
    result = project.run("--monitorpy=checks.yaml", "--junitxml=j.xml", *options.split())
    assert result.parseoutcomes()["errors"] == 2
    shown = result.stdout.str()
    assert [line for line in shown.split("\n") if not line.isprintable() or re.match(r"\s*::|.*##(vso)?\[", line)] == []
    messages = [child.get("message") for case in ET.parse(project.path / "j.xml").getroot().iter("testcase") for child in case]
    assert [m for m in messages if m is not None and (len(m) > 500 or not m.isprintable())] == []
    assert len([m for m in messages if m is not None]) == 6


def test_more_verbosity_shows_the_raw_data(mixed, project):
    project.run("--monitorpy=checks.yaml", "-vv").stdout.fnmatch_lines(['*"body": "x"*'])


def test_junit(mixed, run, project):
    run("--monitorpy=checks.yaml", "--junitxml=junit.xml")
    suite = ET.parse(project.path / "junit.xml").getroot()[0]
    assert [(p.get("name"), p.get("value")) for p in suite.iterfind("properties/property")] == [("monitorpy.version", __version__)]
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    properties = {p.get("name"): p.get("value") for p in cases["bad"].iter("property")}
    assert properties == {
        "monitorpy.type": "say",
        "monitorpy.status": "error",
        "monitorpy.message": "expected status 200, got 503",
        "monitorpy.response_time": "0.25",
        "monitorpy.target": "https://target/login",
        "monitorpy.fault": "target",
    }
    assert cases["bad"].get("classname") == "checks.yaml.web"
    assert cases["bad"].find("failure").get("message") == "expected status 200, got 503"
    assert cases["soft"].find("skipped").get("type") == "pytest.xfail"
    assert float(cases["good"].get("time")) >= 0.25


def test_durations_are_those_of_the_checks(mixed, run):
    run("--monitorpy=checks.yaml", "--durations=1", "-vv").stdout.fnmatch_lines(["0.25s call * checks.yaml::*"])


def test_a_blocked_check_fails_when_nothing_else_tells_of_its_root(mixed, project):
    result = project.run("--monitorpy=checks.yaml", "-k", "after")
    result.assert_outcomes(failed=1, deselected=6)
    result.stdout.fnmatch_lines(["E   ERROR: blocked by bad"])


def test_secrets_are_masked_everywhere(project, run, monkeypatch):
    monkeypatch.setenv("TOKEN", "geheim123")
    project.conftest("""
        @pytest.fixture
        def leaking(monitorpy_config):
            raise RuntimeError("cannot use " + monitorpy_config["key"])

        @pytest.fixture
        def leaving():
            return lambda config: pytest.skip("not with " + config["key"])

        @pytest.fixture
        def chatty(monitorpy_config):
            import logging

            print("using", monitorpy_config["key"])
            logging.getLogger("chatty").warning("sent %s", monitorpy_config["key"])
            return CheckResult.error("refused")
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: a, plugin: say, config: {status: error, key: "${secret:TOKEN}", message: "refused ${secret:TOKEN}"}}
          - {id: b, plugin: "fixture:leaking", config: {key: "${secret:TOKEN}"}}
          - {id: c, plugin: say, skip: "needs ${secret:TOKEN}"}
          - {id: d, plugin: "fixture:leaving", config: {key: "${secret:TOKEN}"}}
          - {id: e, plugin: "fixture:chatty", config: {key: "${secret:TOKEN}"}}
    """,
    )
    result = run(
        "--monitorpy=checks.yaml",
        "-vv",
        "-rA",
        "--showlocals",
        "--junitxml=j.xml",
        "--html=o.html",
        "--self-contained-html",
        "--monitorpy-json=r.json",
    )
    result.assert_outcomes(failed=2, errors=1, skipped=2)
    shown = result.stdout.str() + result.stderr.str() + "".join((project.path / name).read_text() for name in ("j.xml", "o.html", "r.json"))
    assert "geheim123" not in shown
    result.stdout.fnmatch_lines(["*refused [*][*][*]*"])
    result.stdout.fnmatch_lines(["using [*][*][*]", "*sent [*][*][*]"])


def test_the_reason_of_an_expected_failure_is_its_message(project, run):
    project.conftest("""
        @pytest.fixture
        def known():
            return lambda config: pytest.xfail("ticket 7")

        def pytest_collection_modifyitems(items):
            items[1].add_marker(pytest.mark.xfail(run=False, reason="ticket 8"))
    """)
    project.write("checks.yaml", 'checks: [{id: a, plugin: "fixture:known"}, {id: b, plugin: crash}]')
    run("--monitorpy=checks.yaml", "--monitorpy-json=r.json").assert_outcomes(xfailed=2)
    results = json.loads((project.path / "r.json").read_text())["results"]
    assert [(r["status"], r["message"]) for r in results] == [("skipped", "ticket 7"), ("skipped", "[NOTRUN] ticket 8")]


def test_a_python_test_carries_what_its_checks_found(project):
    """In the phase in which they were asked for, and its warning beside it."""
    project.write(
        "test_own.py",
        """
        import pytest

        @pytest.fixture
        def checked(monitorpy_check):
            monitorpy_check("say", message="before")
            yield monitorpy_check
            monitorpy_check("say", message="after")

        def test_it(checked):
            checked("say", status="warning", message="careful")
    """,
    )
    reports = []

    class Log:
        def pytest_runtest_logreport(self, report):
            reports.append(report)

    project.run(plugins=[Log()]).assert_outcomes(xfailed=1)
    assert [(r.when, [found["message"] for found in r.monitorpy["results"]]) for r in reports] == [
        ("setup", ["before"]),
        ("call", ["careful"]),
        ("teardown", ["after"]),
    ]


def test_a_warning_takes_neither_a_failure_nor_a_skip_away(project):
    project.write(
        "test_own.py",
        """
        import pytest

        @pytest.fixture(autouse=True)
        def careful(monitorpy_check, request):
            monitorpy_check("say", status="warning" if "good" not in request.node.name else "success")

        def test_warned(): pass
        def test_good(): pass
        def test_failed(): assert 0
        def test_skipped(): pytest.skip("not here")
    """,
    )
    result = project.run("-v")
    result.assert_outcomes(xfailed=1, passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [f"test_own.py::test_{name} {name.upper().replace('GOOD', 'PASSED')}*" for name in ("warned", "good", "failed", "skipped")]
    )


def test_the_text_that_a_hook_gives_and_its_crash(project):
    project.conftest("""
        def pytest_monitorpy_failure_repr(item, result):
            return f"call the team: {result.message}" if item.name == "bad" else 1 / 0
    """)
    project.write("checks.yaml", CHECKS)
    result = project.run("--monitorpy=checks.yaml")
    result.stdout.fnmatch_lines(["E   call the team: expected status 200, got 503", "", "checks.yaml:6: error"])
    result.stdout.fnmatch_lines(
        ["conftest.py:*: in pytest_monitorpy_failure_repr", "E   ZeroDivisionError: *", "E   ERROR: the plugin crashed*"]
    )
