"""What every implementation may rely on; what each hook can do is in test_user_hooks.py and test_prefetch.py."""

import pytest

DICE = """
    from monitorpy import PluginTemplate

    class Dice(PluginTemplate):
        def _execute_check(self):
            return self.success_result("six", 0.1, {})

    def pytest_monitorpy_register(registry):
        registry.register("dice", Dice)
"""


def test_register(project, run):
    project.conftest(DICE)
    project.write("checks.yaml", "checks: [{id: a, plugin: dice}]")
    run("--monitorpy=checks.yaml").assert_outcomes(passed=1)


def test_register_for_python_tests(project, run):
    project.conftest(DICE)
    project.write("test_own.py", "def test_it(monitorpy_check): monitorpy_check('dice')")
    run().assert_outcomes(passed=1)


def test_a_late_conftest_registers_too(project, run):
    project.write("a/checks.yaml", "checks: [{id: a, plugin: say}]")
    project.write("b/checks.yaml", "checks: [{id: b, plugin: dice}]")
    project.write("b/conftest.py", DICE)
    run("a/checks.yaml", "b/checks.yaml").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "files", [{"checks.yaml": "checks: [{id: a, plugin: say}]"}, {"test_own.py": "def test_it(monitorpy_check): monitorpy_check('say')"}]
)
def test_a_crash_in_register_shows_its_frames(project, run, files):
    project.conftest("""
        def pytest_monitorpy_register(registry):
            registry.register("dice", int)
    """)
    for name, text in files.items():
        project.write(name, text)
    result = run(*files)
    assert result.ret not in {pytest.ExitCode.OK, pytest.ExitCode.INTERNAL_ERROR}
    result.stdout.fnmatch_lines(
        ["*conftest.py:*: in pytest_monitorpy_register", "*TypeError: plugin 'dice' must be a subclass of MonitorPlugin*"]
    )
    result.stdout.no_fnmatch_line("*_caller*")


def test_a_hook_that_does_not_exist_is_told(project):
    project.conftest("""
        def pytest_monitorpy_check_done(item):
            "A name that is not (or not any more) one of the hooks."
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    result = project.run("--monitorpy=checks.yaml")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(["*unknown hook 'pytest_monitorpy_check_done'*"])


def test_optional_hooks_do_without_the_plugin(project):
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(optionalhook=True)
        def pytest_monitorpy_check_result(item, check, result): ...
    """,
    )
    project.write("test_own.py", "def test_it(): pass")
    project.pytester.runpytest_subprocess("-p", "no:monitorpy", "-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_each_hook_is_documented():
    from pytest_monitorpy import hooks

    assert all(getattr(hooks, name).__doc__ for name in dir(hooks) if name.startswith("pytest_"))
