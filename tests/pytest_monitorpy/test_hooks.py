def test_register(project, run):
    project.conftest("""
        from monitorpy import PluginTemplate

        class Dice(PluginTemplate):
            def _execute_check(self):
                return self.success_result("six", 0.1, {})

        def pytest_monitorpy_register(registry):
            registry.register("dice", Dice)
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: dice}]")
    run("--monitorpy=checks.yaml").assert_outcomes(passed=1)


def test_a_late_conftest_registers_too(project, run):
    project.write("a/checks.yaml", "checks: [{id: a, plugin: say}]")
    project.write("b/checks.yaml", "checks: [{id: b, plugin: late}]")
    project.write(
        "b/conftest.py",
        """
        from monitorpy import CheckResult, PluginTemplate

        class Late(PluginTemplate):
            def _execute_check(self):
                return CheckResult.success("late")

        def pytest_monitorpy_register(registry):
            registry.register("late", Late)
    """,
    )
    run("a/checks.yaml", "b/checks.yaml").assert_outcomes(passed=2)


def test_modify_checks(project, run):
    project.conftest("""
        from dataclasses import replace

        def pytest_monitorpy_modify_checks(config, checks):
            checks[:] = [replace(check, group="all") for check in checks if check.id != "b"]
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}, {id: b, plugin: say}]")
    result = run("--monitorpy=checks.yaml", "-rA")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["PASSED checks.yaml::all::a"])
