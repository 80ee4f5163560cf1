import json

RESULTS = """
    - {id: soft, plugin: say, severity: warning, config: {status: error}}
    - {id: hard, plugin: say, severity: warning}
    - {id: down, plugin: say, config: {status: error}}
    - {id: behind, plugin: say, needs: [down]}
    - {id: secret, plugin: say, config: {key: "${secret:TOKEN}", password: swordfish}}
    - {id: touched, plugin: say, config: {key: "${secret:TOKEN}"}}
    - {id: bool, plugin: say}
    - {id: odd, plugin: say}
    - {id: crash, plugin: say}
"""


def test_results_that_hooks_change_are_judged_and_finished(project, run, monkeypatch):
    monkeypatch.setenv("TOKEN", "geheim123")
    project.conftest("""
        def pytest_monitorpy_check_result(item, check, result):
            match check.id:
                case "soft":
                    result.raw_data["by the way"] = {check.id}
                    return result.changed(message="still")
                case "touched": result.raw_data["key"] = {check.config["key"]}
                case "hard": return CheckResult.error("escalated")
                case "down" | "behind": return result.changed(status="warning", message=f"in maintenance: {result.message}")
                case "secret":
                    told = f"{check.config['key']} and {check.config['password']}"
                    return result.changed(message=told, raw_data={"body": told, "big": "x" * 100_000, "set": {1}})
                case "bool": return True
                case "odd": return result.changed(phases={"connect": "soon"})
                case "crash": raise RuntimeError(f"not with {check.config}")
    """)
    project.write("checks.yaml", RESULTS)
    result = run("--monitorpy=checks.yaml", "-rA", "--showlocals", "--monitorpy-json=r.json")
    result.assert_outcomes(passed=2, xfailed=3, failed=4)
    found = {r["id"]: r for r in json.loads((project.path / "r.json").read_text())["results"]}
    assert {name: (r["status"], r["fault"], r["message"]) for name, r in found.items()} == {
        "soft": ("warning", "target", "still"),
        "hard": ("error", "target", "escalated"),
        "down": ("warning", None, "in maintenance: it is a error"),
        "behind": ("warning", None, "in maintenance: blocked by down"),
        "secret": ("success", None, "*** and ***"),
        "touched": ("success", None, "it is a success"),
        "bool": (
            "error",
            "plugin",
            "the test failed in call: Failed: pytest_monitorpy_check_result (conftest.py) must return a CheckResult or None, not bool True",
        ),
        "odd": (
            "error",
            "plugin",
            "the test failed in call: Failed: the CheckResult of pytest_monitorpy_check_result (conftest.py) cannot be used: could not convert string to float: 'soon'",
        ),
        "crash": ("error", "plugin", "the test failed in call: RuntimeError: not with {}"),
    }
    assert found["down"]["source"] == {"file": "checks.yaml", "line": 4}
    assert found["secret"]["raw_data"]["set"] == [1]
    assert found["touched"]["raw_data"]["key"] == ["***"]
    assert len(found["secret"]["raw_data"]["big"]) < 64_100
    result.stdout.fnmatch_lines(
        ["pytest_monitorpy_check_result (conftest.py) must return a CheckResult or None, not bool True", "*conftest.py:*: RuntimeError"]
    )
    for word in ("geheim123", "swordfish", "_callers.py"):
        assert word not in result.stdout.str()


def test_a_conftest_acts_on_its_folder(project, run):
    for folder in ("sub", "other"):
        project.write(f"{folder}/checks.yaml", f"checks: [{{id: a, plugin: say}}, {{id: {folder}, plugin: say}}]")
    project.write(
        "sub/conftest.py",
        """
        def pytest_monitorpy_collect_check(check):
            return False if check.id == "a" else None

        def pytest_monitorpy_check_result(result):
            return result.changed(status="warning")
    """,
    )
    result = run("--monitorpy=sub/checks.yaml", "--monitorpy=other/checks.yaml", "-rA")
    result.assert_outcomes(passed=2, xfailed=1)
    result.stdout.fnmatch_lines_random(["WARNED sub/checks.yaml::sub*", "PASSED other/checks.yaml::a"])


def test_the_text_of_a_failure(project, run, monkeypatch):
    monkeypatch.setenv("TOKEN", "geheim123")
    project.conftest("""
        def pytest_monitorpy_failure_repr(item, result):
            match item.name:
                case "own": return f"call the team: {result.message}\\nwith ##[error]\\x1b[31m"
                case "bool": return False
                case "crash": raise RuntimeError("no text")
                case "skip": pytest.skip("no text either")
                case "exit": raise SystemExit(0)
                case "test_it": return "call us"
                case "soft": raise RuntimeError("it does not fail")
    """)
    project.write("checks.yaml", "".join(
        f'- {{id: {name}, plugin: say, config: {{status: {status}, message: "refused ${{secret:TOKEN}}"}}}}\n'
        for name, status in (("own", "error"), ("bool", "error"), ("crash", "error"), ("skip", "error"), ("exit", "error"), ("usual", "error"), ("soft", "warning"))
    ))  # fmt: skip
    project.write("test_own.py", "def test_it(monitorpy_check): monitorpy_check('say', status='error')")
    result = run("test_own.py", "--monitorpy=checks.yaml")
    result.assert_outcomes(failed=7, xfailed=1)
    for lines in (
        [r"E   call the team: refused [*][*][*]", r"E   with \x23#[[]error[]]\x1b[[]31m", "", "checks.yaml:1: error"],
        ["pytest_monitorpy_failure_repr (conftest.py) must return a str or None, not bool False", r"E   ERROR: refused [*][*][*]"],
        ["conftest.py:*: in pytest_monitorpy_failure_repr", "E   RuntimeError: no text", r"E   ERROR: refused [*][*][*]"],
        ["E   Skipped: no text either", r"E   ERROR: refused [*][*][*]"],
        ["E   SystemExit: 0", r"E   ERROR: refused [*][*][*]"],
        ["E   monitorpy.CheckFailed: call us"],
    ):
        result.stdout.fnmatch_lines(lines)
    result.stdout.no_fnmatch_line("*it does not fail*")


def test_a_hook_before_a_check_returns_nothing(project, run):
    project.conftest("""
        def pytest_monitorpy_check_setup(item, check):
            return None if check.id == "good" else False
    """)
    project.write("checks.yaml", "checks: [{id: good, plugin: say}, {id: bad, plugin: say}]")
    result = run("--monitorpy=checks.yaml")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["pytest_monitorpy_check_setup (conftest.py) must return nothing, not bool False"])


def test_checks_from_outside_are_in_reach_of_the_root(project, run, tmp_path):
    """A file outside of the root directory; the conftest.py of another folder is not for it."""
    project.conftest("""
        def pytest_monitorpy_check_result(result):
            return result.changed(status="warning")
    """)
    project.write("pytest.ini", "[pytest]")
    project.write("sub/checks.yaml", "checks: [{id: inside, plugin: say}]")
    project.write("sub/conftest.py", "def pytest_monitorpy_check_result(result): return result.changed(status='error')")
    outside = tmp_path / "far" / "checks.yaml"
    outside.parent.mkdir()
    outside.write_text("checks: [{id: outside, plugin: say}]")
    result = run("--monitorpy=sub/checks.yaml", f"--monitorpy={outside}")
    result.assert_outcomes(failed=1, xfailed=1)
    result.stdout.fnmatch_lines(["WARNED */far/checks.yaml::outside - *", "FAILED sub/checks.yaml::inside*"])
