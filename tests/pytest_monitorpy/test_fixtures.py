import sys

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


def test_a_checks_config_is_a_copy(project):
    project.conftest("""
        @pytest.fixture
        def greedy(monitorpy_config):
            return CheckResult.success(monitorpy_config.pop("word"))
    """)
    checks = (f"{{id: {n}, plugin: 'fixture:greedy', config: {{word: hello}}, expect: [{{path: message, equals: hello}}]}}" for n in "ab")
    project.write("checks.yaml", f"defaults: {{timeout: 3}}\nchecks: [{', '.join(checks)}]")
    project.run("checks.yaml").assert_outcomes(passed=2)


def test_a_python_test_has_no_checks_config(project):
    project.write("test_own.py", "def test_own(monitorpy_config): pass")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the fixture monitorpy_config is for checks of check files; a Python test has no check's config"])


def test_it_is_for_one_test(project):
    project.conftest("""
        @pytest.fixture(scope="session")
        def too_wide(monitorpy_check):
            monitorpy_check("say")
    """)
    project.write("test_own.py", "def test_own(too_wide): pass")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*ScopeMismatch: You tried to access the function scoped fixture monitorpy_check with a session scoped request*"]
    )


def test_classes_and_parameters(project, run):
    project.write(
        "test_own.py",
        """
        import pytest

        class TestAll:
            @pytest.mark.parametrize("status", ["success", "warning", "error"])
            def test_it(self, monitorpy_check, status):
                monitorpy_check("say", status=status)
    """,
    )
    result = run("-rA")
    result.assert_outcomes(passed=1, xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["WARNED test_own.py::TestAll::test_it[[]warning[]] - warning: it is a warning"])


@pytest.mark.skipif(pytest.version_tuple < (9, 0), reason="pytest has subtests since 9.0")
def test_subtests(project, run):
    """A warning of one neither hides the failure of another nor is hidden by it."""
    project.write(
        "test_own.py",
        """
        def test_bad(subtests, monitorpy_check):
            for status in ("warning", "error", "success", "warning"):
                with subtests.test(status):
                    monitorpy_check("say", status=status)

        def test_soft(subtests, monitorpy_check):
            for message in ("one", "two"):
                with subtests.test(message):
                    monitorpy_check("say", status="warning", message=message)

        def test_good(subtests, monitorpy_check):
            with subtests.test():
                monitorpy_check("say")
    """,
    )
    result = run("-rA")
    result.assert_outcomes(failed=2, passed=1, xfailed=1)  # a failed subtest counts, and so does the test around it
    result.stdout.fnmatch_lines_random(
        [
            "SUBFAILED[[]error[]] test_own.py::test_bad - monitorpy.CheckFailed: say check*",
            "FAILED test_own.py::test_bad - contains 1 failed subtest",
            "say: it is a warning",
            "WARNED test_own.py::test_soft - warning: one; two",
        ]
    )


def test_checks_that_are_fixtures(project, run):
    project.conftest("""
        @pytest.fixture
        def broker():
            return {"orders": 7}

        @monitorpy_fixture("backlog")
        def backlog(broker):
            return lambda config: CheckResult.success(f"{broker[config['queue']]} wait")

        @pytest.fixture
        def missing():
            pytest.skip("nothing to look at")
    """)
    project.write(
        "test_own.py",
        """
        import pytest
        from monitorpy import CheckResult

        @pytest.fixture
        def mine():
            return CheckResult.warning("hm")

        def test_good(monitorpy_check):
            assert monitorpy_check("backlog", queue="orders").message == "7 wait"

        def test_soft(monitorpy_check, mine):
            assert monitorpy_check.run("fixture:mine") is not mine
            monitorpy_check("fixture:mine")

        def test_bad(monitorpy_check):
            monitorpy_check("backlog", queue="invoices")

        def test_unknown(monitorpy_check):
            monitorpy_check("fixture:min")

        def test_skipped(monitorpy_check):
            monitorpy_check("fixture:missing")
    """,
    )
    result = run("-rA")
    result.assert_outcomes(passed=1, xfailed=1, failed=2, skipped=1)
    result.stdout.fnmatch_lines_random(
        [
            "WARNED test_own.py::test_soft - warning: hm",
            "E       monitorpy.CheckBroken: backlog check: ERROR: the plugin crashed: KeyError: 'invoices'",
            "E       monitorpy.CheckBroken: fixture:min check: ERROR: unknown fixture 'min'; did you mean 'mine'?",
            "SKIPPED *: nothing to look at",
        ]
    )


def test_the_decorator_wants_a_name():
    with pytest.raises(TypeError, match="use @monitorpy_fixture"):
        monitorpy_fixture(lambda: None)
    for name in ("", "fixture:x"):
        with pytest.raises(ValueError, match="must not be empty, nor begin with 'fixture:'"):
            monitorpy_fixture(name)


def test_who_makes_a_fixture_of_an_async_function(monkeypatch):
    """pytest-asyncio does, unless it uses anyio_backend; nobody, where it is not installed."""

    async def plain():
        pass

    async def yields(request):
        yield

    async def of_anyio(anyio_backend):
        pass

    for function, is_asyncios in ((plain, True), (yields, True), (of_anyio, False)):
        monitorpy_fixture("x")(function)
        assert hasattr(function, "_force_asyncio_fixture") == is_asyncios
    monitorpy_fixture("x", loop_scope="session")(plain)
    assert plain._loop_scope == "session"

    async def alone():
        pass

    monkeypatch.setitem(sys.modules, "pytest_asyncio", None)
    monitorpy_fixture("x", loop_scope="session", scope="session")(alone)
    assert not hasattr(alone, "_force_asyncio_fixture")


def test_the_package_exports_the_decorator():
    assert pytest_monitorpy.monitorpy_fixture is monitorpy_fixture
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        pytest_monitorpy.nope  # noqa: B018
