import pytest

from tests.pytest_monitorpy.as_worker import AsWorker

ONE = "checks: [{id: a, plugin: say}]"


def test_only_a_run_with_checks_has_the_hooks(project):
    project.conftest("""
        def pytest_runtest_setup(item):
            mark("with" if item.config.pluginmanager.has_plugin("pytest_monitorpy.running") else "without")
    """)
    project.write("a.yaml", ONE)
    project.write("b.yaml", ONE)
    project.write("test_own.py", "def test_own(): pass")
    project.run("test_own.py").assert_outcomes(passed=1)
    assert not (project.path / "with").exists()
    project.run("test_own.py", "--monitorpy=a.yaml", "--monitorpy=b.yaml").assert_outcomes(passed=3)
    assert (project.path / "without").read_text() == "x"


def test_no_check_runs_where_nothing_is_to_run(project):
    """A run that only shows something, and one whose checks a hook takes away."""
    project.conftest("""
        @register_plugin("touch")
        def touch(config):
            mark("ran")
            return CheckResult.success("touched")

        def pytest_monitorpy_collect_check(check):
            return False if os.path.exists("none") else None
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: touch}]")
    project.write("test_own.py", "def test_own(): pass")
    for option in ("--co", "--setup-only", "--setup-plan"):
        assert project.run("--monitorpy=checks.yaml", option).ret == 0
    project.write("none", "")
    project.run("--monitorpy=checks.yaml", "test_own.py").assert_outcomes(passed=1)
    assert not (project.path / "ran").exists()
    (project.path / "none").unlink()
    project.run("--monitorpy=checks.yaml", "test_own.py").assert_outcomes(passed=2)
    assert (project.path / "ran").read_text() == "x"


@pytest.mark.parametrize("plugins", [(), (AsWorker(),)], ids=["alone", "worker"])
def test_checks_run_ahead_of_their_items(project, plugins):
    """The first waits for the second."""
    project.conftest("""
        second = threading.Event()

        @register_plugin("wait")
        def wait(config):
            return CheckResult.success("it ran") if second.wait(60) else CheckResult.error("it did not")

        @register_plugin("tell")
        def tell(config):
            second.set()
            return CheckResult.success("told")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: wait}, {id: b, plugin: tell}]")
    project.run("--monitorpy=checks.yaml", plugins=plugins).assert_outcomes(passed=2)


def test_what_is_raised_for_a_check_shows_no_secret_to_other_plugins(project):
    """Of a Python test it is none of our business."""
    project.conftest("""
        @pytest.hookimpl(wrapper=True)
        def pytest_fixture_setup(request):
            try:
                return (yield)
            except Exception as error:
                mark(f"{request.node.name}: {error}, {error.__cause__}")
                raise

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            if call.excinfo is not None:
                mark(f"{item.name} in {call.when}: {call.excinfo.value}")
            return report

        def pytest_runtest_call(item):
            if item.name == "hook":
                raise RuntimeError(f"no tunnel for {item.spec.config['password']}")

        @pytest.fixture
        def broken():
            raise RuntimeError("no broker for swordfish") from ValueError("closed")
    """)
    project.write(
        "checks.yaml",
        """
        - {id: secret, plugin: "fixture:broken", config: {password: swordfish}}
        - {id: open, plugin: "fixture:broken"}
        - {id: hook, plugin: say, config: {password: herring}}
    """,
    )
    project.write("test_own.py", "def test_own(broken): pass")
    project.run("--monitorpy=checks.yaml", "test_own.py").assert_outcomes(errors=3, failed=1)
    assert {path.name for path in project.path.iterdir() if ": " in path.name} == {
        *("secret: no broker for ***, closed", "secret in setup: no broker for ***"),
        *("open: no broker for swordfish, closed", "open in setup: no broker for swordfish"),
        *("test_own: no broker for swordfish, closed", "test_own in setup: no broker for swordfish"),
        "hook in call: no tunnel for ***",
    }


def test_the_report_of_a_python_test_has_what_its_checks_found(project):
    project.conftest("""
        def pytest_runtest_logreport(report):
            found = getattr(report, "monitorpy", {})
            if found:
                statuses = [result["status"] for result in found.get("results", ())]
                mark(f"{report.nodeid.partition('::')[2]} {report.when} {' '.join(statuses)}")

        @pytest.fixture
        def late(monitorpy_check):
            yield
            monitorpy_check("say")
    """)
    project.write(
        "test_own.py",
        """
        def test_warned(monitorpy_check):
            monitorpy_check("say")
            monitorpy_check("say", status="warning")

        def test_failed(monitorpy_check):
            monitorpy_check("say", status="error")

        def test_late(late):
            pass

        def test_none():
            pass
    """,
    )
    result = project.run("test_own.py", "-v")
    result.assert_outcomes(xfailed=1, failed=1, passed=2)
    result.stdout.fnmatch_lines(["test_own.py::test_warned WARNED*"])
    assert {path.name for path in project.path.glob("test_* *")} == {
        "test_warned call success warning",
        "test_failed call error",
        "test_late teardown success",
    }
