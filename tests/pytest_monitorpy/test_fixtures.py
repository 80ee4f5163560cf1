import pytest

import pytest_monitorpy
from pytest_monitorpy.fixtures import monitorpy_fixture


@pytest.fixture
def python_tests(project):
    project.write(
        "test_own.py",
        """
        import pytest

        def test_good(monitorpy_check):
            result = monitorpy_check("say", url="http://x")
            assert result.is_success() and result.response_time == 0.25

        def test_soft(monitorpy_check):
            monitorpy_check("say", {"status": "warning"}, message="one")
            monitorpy_check("say", status="warning", message="two")

        def test_bad(monitorpy_check):
            assert monitorpy_check.run("say", status="error").is_error()
            monitorpy_check("say", status="error", message="it is down", password="geheim")

        def test_unknown(monitorpy_check):
            monitorpy_check("sai")

        def test_own_failure(monitorpy_check):
            monitorpy_check("say", status="warning")
            assert False
    """,
    )


def test_checks_in_python_tests(python_tests, run):
    result = run("-rx")
    result.assert_outcomes(passed=1, xfailed=1, failed=3)
    result.stdout.fnmatch_lines_random(
        [
            '>       monitorpy_check("say", status="error", message="it is down", password="geheim")',
            "E       monitorpy.CheckFailed: say check: ERROR: it is down",
            "test_own.py:14: CheckFailed",
            "WARNED test_own.py::test_soft - warning: one; two",
            "*Plugin 'sai' not found in registry; did you mean 'say'?*",
        ]
    )
    result.stdout.no_fnmatch_line("E * geheim*")


def test_strict_makes_warnings_of_python_tests_fail(python_tests, project):
    project.run("--monitorpy-strict").assert_outcomes(passed=1, failed=4)


def test_fixtures_as_checks(project, run):
    project.conftest("""
        @pytest.fixture(scope="session")
        def broker():
            yield {"orders": 7}

        @monitorpy_fixture("queue_depth", scope="session")
        def queue_depth(broker):
            return lambda config: CheckResult.success(f"{broker[config['queue']]} waiting", raw_data={"waiting": broker[config["queue"]]})

        @pytest.fixture
        def disk_ok(monitorpy_config):
            return CheckResult.warning(f"{monitorpy_config['path']} is filling up")

        @pytest.fixture
        def sloppy():
            return True

        @pytest.fixture
        def forgetful():
            return lambda config: None

        @pytest.fixture
        def crashing():
            return lambda config: 1 / 0

        @pytest.fixture
        def skipping():
            return lambda config: pytest.skip("not here")

        @pytest.fixture
        def failing():
            return lambda config: pytest.fail("I say no")
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: deep, plugin: queue_depth, config: {queue: orders}, expect: [{path: waiting, lt: 5}]}
          - {id: ok, plugin: queue_depth, config: {queue: orders}, expect: [{path: waiting, lt: 10}]}
          - {id: disk, plugin: "fixture:disk_ok", config: {path: /var}}
          - {id: sloppy, plugin: "fixture:sloppy"}
          - {id: forgetful, plugin: "fixture:forgetful"}
          - {id: crashing, plugin: "fixture:crashing"}
          - {id: skipping, plugin: "fixture:skipping"}
          - {id: failing, plugin: "fixture:failing"}
    """,
    )
    result = run("--monitorpy=checks.yaml", "-rA", "--monitorpy-json=r.json")
    result.assert_outcomes(passed=1, xfailed=1, failed=5, skipped=1)
    result.stdout.fnmatch_lines_random(
        [
            "WARNED checks.yaml::disk - warning: /var is filling up",
            "FAILED checks.yaml::deep - *7*",
            "FAILED checks.yaml::sloppy - the fixture 'sloppy' must return a CheckResult, or a function that takes the config and returns one, not bool True",
            "FAILED checks.yaml::forgetful - a check must return a CheckResult, not None",
            "FAILED checks.yaml::crashing - the plugin crashed: ZeroDivisionError: division by zero",
            "FAILED checks.yaml::failing - Failed: I say no",
            "SKIPPED *not here",
            "*conftest.py*line *in <lambda>*",
            "monitorpy: 8 checks: 1 success, 1 warning, 5 error, 1 skipped*",
        ]
    )


def test_a_python_test_has_no_checks_config(project):
    project.write("test_own.py", "def test_own(monitorpy_config): pass")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the fixture monitorpy_config is for checks of check files; a Python test has no check's config"])


def test_overrides_by_folder(project, run):
    for name, level in (("conftest.py", "top"), ("sub/conftest.py", "sub")):
        project.write(
            name,
            f"""
            from monitorpy import CheckResult
            from pytest_monitorpy import monitorpy_fixture

            @monitorpy_fixture("level")
            def level():
                return lambda config: CheckResult.success("{level}")
        """,
        )
    for name, level in (("checks.yaml", "top"), ("sub/checks.yaml", "sub")):
        project.write(name, f"checks: [{{id: a, plugin: level, expect: [{{path: message, equals: {level}}}]}}]")
    run("--monitorpy=sub/checks.yaml", "--monitorpy=checks.yaml").assert_outcomes(passed=2)


def test_the_decorator_wants_a_name():
    with pytest.raises(TypeError, match="use @monitorpy_fixture"):
        monitorpy_fixture(lambda: None)


def test_the_package_exports_the_decorator():
    assert pytest_monitorpy.monitorpy_fixture is monitorpy_fixture
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        pytest_monitorpy.nope  # noqa: B018
