import pytest

from monitorpy import CheckSpec
from monitorpy.core.result import Source
from pytest_monitorpy.changed_checks import dropped


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
                case "half.yaml": checks[1] = replace(b, group="x\\udc80")
                case "tags.yaml": checks[1] = replace(b, tags="prod")
                case "twice.yaml": checks.append(replace(b, source=None))
                case "needs.yaml": checks.remove(a)
                case "circle.yaml": checks[0] = replace(a, needs=("c",))
                case "own.yaml": checks.append(replace(b, id="d", source=None, needs=("e",)))
                case "crash.yaml": raise RuntimeError("not with " + a.config["key"])
    """)
    names = ("bool", "list", "int", "id", "half", "tags", "twice", "needs", "circle", "own", "crash")
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
            "pytest_monitorpy_modify_checks (conftest.py) left a CheckSpec in checks[[]1[]] whose id, plugin, group, tags and needs are not all text: ''",
            "* left a CheckSpec in checks[[]1[]] whose id, plugin, group, tags and needs are not all text: 'x?udc80'",
            "pytest_monitorpy_modify_checks (conftest.py) left a CheckSpec in checks[[]1[]] whose tags is str",
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


def test_a_file_that_no_hook_is_for_is_left_as_it_is(project, run):
    project.write("sub/conftest.py", "def pytest_monitorpy_collect_check(check): return False")
    for name in ("sub/checks.yaml", "checks.yaml"):
        project.write(name, "checks: [{id: a, plugin: say}]")
    result = run("--monitorpy=sub/checks.yaml", "--monitorpy=checks.yaml", "-rA")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines_random(["monitorpy: 1 check dropped by hooks", "PASSED checks.yaml::a"])
