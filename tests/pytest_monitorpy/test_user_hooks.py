import json
import os

import pytest

from monitorpy import CheckSpec
from monitorpy.core.result import Source
from pytest_monitorpy.user_hooks import dropped


def test_a_check_is_kept_dropped_or_replaced(project, run, monkeypatch):
    monkeypatch.setenv("TOKEN", "geheim123")
    project.conftest("""
        from monitorpy import CheckSpec

        def pytest_monitorpy_collect_check(config, check):
            if check.id == "drop":
                return False
            if check.id == "swap":
                return CheckSpec("swapped", "say", {"status": "error", "message": "no " + check.config["key"]}, needs=("keep",))
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: keep, plugin: say, tags: [x]}
          - {id: drop, plugin: crash}
          - {id: swap, plugin: crash, config: {key: "${secret:TOKEN}"}}
    """,
    )
    result = run("--monitorpy=checks.yaml", "-rA")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["checks.yaml:5: error"])
    result.stdout.fnmatch_lines_random(
        ["monitorpy: 1 check dropped by hooks", "PASSED checks.yaml::keep", r"FAILED checks.yaml::swapped - no [*][*][*]"]
    )


def test_the_checks_of_a_file_are_changed_in_place(project, run):
    project.conftest("""
        from dataclasses import replace
        from monitorpy import CheckSpec

        def pytest_monitorpy_modify_checks(session, config, checks):
            assert session.config is config
            a, b, c, d = checks
            checks[:] = [CheckSpec("new", "say"), replace(b, group="all"), replace(c, id="a"), CheckSpec("d", "say", {"status": "error"})]
    """)
    project.write("checks.yaml", "checks:\n" + "".join(f"  - {{id: {name}, plugin: say}}\n" for name in "abcd"))
    result = run("--monitorpy=checks.yaml", "-rA")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["checks.yaml:5: error"])
    result.stdout.fnmatch_lines_random(
        ["PASSED checks.yaml::new", "PASSED checks.yaml::all::b", "PASSED checks.yaml::a", "monitorpy: 1 check dropped by hooks"]
    )


def test_what_is_dropped_is_counted_by_its_place():
    one, two, three = (CheckSpec(name, "say", source=Source("f", 1 + (name == "c"))) for name in "abc")  # a and b are of one matrix
    assert dropped([one, two, three], [two]) == 2
    assert dropped([one, two, three], [CheckSpec("new", "say", source=one.source), two, three, CheckSpec("more", "say")]) == 0


def test_all_checks_dropped_is_no_success(project, run):
    project.conftest("""
        def pytest_monitorpy_collect_check(check):
            return False
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}, {id: b, plugin: say}]")
    result = run("--monitorpy=checks.yaml")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["monitorpy: 2 checks dropped by hooks"])


def test_mistakes_of_hooks_end_the_collection(project, run, monkeypatch):
    monkeypatch.setenv("TOKEN", "geheim123")
    project.conftest("""
        from dataclasses import replace

        def pytest_monitorpy_collect_check(config, check):
            return True if check.source.file == "bool.yaml" else None

        def pytest_monitorpy_modify_checks(config, checks):
            a, b, c = checks
            match a.source.file:
                case "list.yaml": return [a, b]
                case "int.yaml": checks[1] = 7
                case "id.yaml": checks[1] = replace(b, id="")
                case "twice.yaml": checks.append(replace(b, source=None))
                case "needs.yaml": checks.remove(a)
                case "circle.yaml": checks[0] = replace(a, needs=("c",))
                case "own.yaml": checks.append(replace(b, id="d", source=None, needs=("e",)))
                case "crash.yaml": raise RuntimeError("not with " + a.config["key"])
    """)
    names = ("bool", "list", "int", "id", "twice", "needs", "circle", "own", "crash")
    for name in names:
        project.write(
            f"{name}.yaml",
            """
            - {id: a, plugin: say, config: {key: "${secret:TOKEN}"}}
            - {id: b, plugin: say, config: {password: swordfish}}
            - {id: c, plugin: say, needs: [b, a]}
        """,
        )
    result = run(*(f"--monitorpy={name}.yaml" for name in names), "--showlocals")
    result.stdout.fnmatch_lines_random(
        [
            "pytest_monitorpy_collect_check (conftest.py) must return None, False or a CheckSpec, not bool True; asked for 'a'",
            "pytest_monitorpy_modify_checks (conftest.py) must return nothing, not list; change the list in place: checks[[]:[]] = [[]...[]]",
            "pytest_monitorpy_modify_checks (conftest.py) must leave CheckSpecs in checks, not int (checks[[]1[]])",
            "the id of a check must be text, not ''; pytest_monitorpy_modify_checks (conftest.py) left it in checks[[]1[]]",
            "twice.yaml:3:3: the hooks give the id 'b' to 2 checks: give each its own",
            "needs.yaml:4:3: 'c' needs 'a', which the hooks left out: drop both, or take it out of the needs",
            "circle.yaml:*: the checks need one another in a circle: *",
            "own.yaml:1:1: 'd' needs 'e', which the hooks left out: *",
            "conftest.py:*: in pytest_monitorpy_modify_checks",
            "E   RuntimeError: not with [*][*][*]",
        ]
    )
    assert result.ret in {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED}
    shown = result.stdout.str()
    assert "geheim123" not in shown
    assert "swordfish" not in shown
    assert "_pytest" not in shown.replace("<_pytest", "")


RESULTS = """
    - {id: soft, plugin: say, severity: warning, config: {status: error}}
    - {id: hard, plugin: say, severity: warning}
    - {id: down, plugin: say, config: {status: error}}
    - {id: behind, plugin: say, needs: [down]}
    - {id: secret, plugin: say, config: {key: "${secret:TOKEN}", password: swordfish}}
    - {id: bool, plugin: say}
    - {id: odd, plugin: say}
    - {id: crash, plugin: say}
"""


def test_results_that_hooks_change_are_judged_and_finished(project, run, monkeypatch):
    monkeypatch.setenv("TOKEN", "geheim123")
    project.conftest("""
        def pytest_monitorpy_check_result(item, check, result):
            match check.id:
                case "soft": return result.changed(message="still")
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
    result.assert_outcomes(passed=1, xfailed=3, failed=4)
    found = {r["id"]: r for r in json.loads((project.path / "r.json").read_text())["results"]}
    assert {name: (r["status"], r["fault"], r["message"]) for name, r in found.items()} == {
        "soft": ("warning", "target", "still"),
        "hard": ("error", "target", "escalated"),
        "down": ("warning", None, "in maintenance: it is a error"),
        "behind": ("warning", None, "in maintenance: blocked by down"),
        "secret": ("success", None, "*** and ***"),
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
                case "test_it": return "call us"
                case "soft": raise RuntimeError("it does not fail")
    """)
    project.write("checks.yaml", "".join(
        f'- {{id: {name}, plugin: say, config: {{status: {status}, message: "refused ${{secret:TOKEN}}"}}}}\n'
        for name, status in (("own", "error"), ("bool", "error"), ("crash", "error"), ("skip", "error"), ("usual", "error"), ("soft", "warning"))
    ))  # fmt: skip
    project.write("test_own.py", "def test_it(monitorpy_check): monitorpy_check('say', status='error')")
    result = run("test_own.py", "--monitorpy=checks.yaml")
    result.assert_outcomes(failed=6, xfailed=1)
    for lines in (
        [r"E   call the team: refused [*][*][*]", r"E   with \x23#[[]error[]]\x1b[[]31m", "", "checks.yaml:1: error"],
        ["pytest_monitorpy_failure_repr (conftest.py) must return a str or None, not bool False", r"E   ERROR: refused [*][*][*]"],
        ["conftest.py:*: in pytest_monitorpy_failure_repr", "E   RuntimeError: no text", r"E   ERROR: refused [*][*][*]"],
        ["E   Skipped: no text either", r"E   ERROR: refused [*][*][*]"],
        ["E   monitorpy.CheckFailed: call us"],
    ):
        result.stdout.fnmatch_lines(lines)
    result.stdout.no_fnmatch_line("*it does not fail*")


EXPORTER = """
    def pytest_monitorpy_report_check(report, result):
        with open("seen", "a") as file:
            file.write(f"{os.getpid()} {report.nodeid} {report.when} {result.id} {result.status}\\n")
        if result.id == "bad":
            raise RuntimeError("the exporter is down")
"""


def test_every_final_result_is_exported_once(project, run):
    project.conftest(
        EXPORTER
        + """
    counts = {}

    @register_plugin("second")
    def second(config):
        counts["n"] = counts.get("n", 0) + 1
        return CheckResult.error("not yet") if counts["n"] < 2 else CheckResult.success("at last")

    @pytest.fixture
    def broken(monitorpy_config):
        raise RuntimeError("no broker")

    @pytest.fixture
    def checked(monitorpy_check):
        monitorpy_check("say")
        yield monitorpy_check
        monitorpy_check("say", status="warning")
    """
    )
    project.write(
        "checks.yaml",
        """
        - {id: good, plugin: say}
        - {id: rest, plugin: say, skip: later}
        - {id: again, plugin: second}
        - {id: broken, plugin: "fixture:broken"}
        - {id: bad, plugin: say}
    """,
    )
    project.write(
        "test_own.py",
        """
        import pytest

        def test_it(checked):
            checked.run("say", status="error")
            with pytest.raises(AssertionError):
                checked("say", status="error")
    """,
    )
    result = run("-p", "rerunfailures", "--reruns=1", "--monitorpy=checks.yaml", "test_own.py", fast=False)
    found = sorted(line.split(" ", 1) for line in (project.path / "seen").read_text().splitlines())
    assert {process for process, _ in found} == {str(os.getpid())}
    assert [told for _, told in found] == [
        "checks.yaml::again call again success",
        "checks.yaml::bad call bad success",
        "checks.yaml::broken setup broken error",
        "checks.yaml::good call good success",
        "checks.yaml::rest setup rest skipped",
        "test_own.py::test_it call test_it error",
        "test_own.py::test_it setup test_it success",
        "test_own.py::test_it teardown test_it warning",
    ]
    result.stdout.fnmatch_lines(["*ERROR at teardown of say check 'bad'*", "*RuntimeError: the exporter is down*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_hook_before_a_check_returns_nothing(project, run):
    project.conftest("""
        def pytest_monitorpy_check_setup(item, check):
            return None if check.id == "good" else False
    """)
    project.write("checks.yaml", "checks: [{id: good, plugin: say}, {id: bad, plugin: say}]")
    result = run("--monitorpy=checks.yaml")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["pytest_monitorpy_check_setup (conftest.py) must return nothing, not bool False"])
