import xml.etree.ElementTree as ET

import pytest

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


@pytest.mark.parametrize("options", [("--runxfail",), ("-o", "xfail_strict=true"), ("--runxfail", "-o", "xfail_strict=true")])
def test_a_warning_is_no_expected_failure_of_pytest(project, options):
    project.write("checks.yaml", "checks: [{id: soft, plugin: say, config: {status: warning}}]")
    result = project.run("--monitorpy=checks.yaml", "-v", *options)
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["checks.yaml::soft WARNED (warning: it is a warning)*"])


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


def test_a_crash_shows_the_plugins_own_frames_only(mixed, run):
    result = run("--monitorpy=checks.yaml", "--showlocals")
    result.stdout.fnmatch_lines(['    return config["nope"]', "KeyError: 'nope'", "E   ERROR: the plugin crashed: KeyError: 'nope'"])
    result.stdout.no_fnmatch_line("*registry.py*")
    result.stdout.no_fnmatch_line("*_callers.py*")


@pytest.mark.parametrize(
    "style, present, absent",
    [
        ("line", "checks.yaml:6: expected status 200, got 503", "E * ERROR*"),
        ("short", "E * ERROR: expected status 200*", "*url: https://target/login"),
        ("no", "FAILED checks.yaml::web::bad*", "E * ERROR*"),
    ],
)
def test_traceback_styles(mixed, project, style, present, absent):
    result = project.run("--monitorpy=checks.yaml", f"--tb={style}")
    result.stdout.fnmatch_lines([present])
    result.stdout.no_fnmatch_line(absent)


def test_more_verbosity_shows_the_raw_data(mixed, project):
    project.run("--monitorpy=checks.yaml", "-vv").stdout.fnmatch_lines(['*"body": "x"*'])


def test_junit(mixed, run, project):
    run("--monitorpy=checks.yaml", "--junitxml=junit.xml")
    cases = {case.get("name"): case for case in ET.parse(project.path / "junit.xml").getroot().iter("testcase")}
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
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: a, plugin: say, config: {status: error, key: "${secret:TOKEN}", message: "refused ${secret:TOKEN}"}}
          - {id: b, plugin: "fixture:leaking", config: {key: "${secret:TOKEN}"}}
          - {id: c, plugin: say, skip: "needs ${secret:TOKEN}"}
          - {id: d, plugin: "fixture:leaving", config: {key: "${secret:TOKEN}"}}
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
    result.assert_outcomes(failed=1, errors=1, skipped=2)
    shown = result.stdout.str() + result.stderr.str() + "".join((project.path / name).read_text() for name in ("j.xml", "o.html", "r.json"))
    assert "geheim123" not in shown
    result.stdout.fnmatch_lines(["*refused [*][*][*]*"])


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
