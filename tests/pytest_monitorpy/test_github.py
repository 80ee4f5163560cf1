import pytest

CHECKS = """
    checks:
      - {id: db, plugin: say, config: {status: error, message: refused}}
      - {id: shop, plugin: say, needs: [db]}
      - {id: mild, plugin: say, config: {status: warning, message: slow}}
      - {id: good, plugin: say}
"""
ERROR = "::error file=checks.yaml,line=3,title=db::refused%0A1 check blocked behind it"
WARNING = "::warning file=checks.yaml,line=5,title=mild::slow"


@pytest.fixture
def summary(project, monkeypatch):
    """The file of the step's summary, in a step of GitHub Actions."""
    project.write("checks.yaml", CHECKS)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.path))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary.md"))
    return project.path / "summary.md"


def commands(result):
    return [line for line in result.outlines if line.startswith("::")]


def test_annotations_and_a_summary(project, run, summary):
    result = run("--monitorpy=checks.yaml", "--monitorpy-github", "-q")
    assert commands(result) == [ERROR, WARNING]
    text = summary.read_text()
    assert text.count("### MonitorPy: 4 checks in ") == 1
    assert "**1 root cause, 1 check blocked behind it**" in text
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_not_unless_it_is_asked_for(project, summary):
    assert commands(project.run("--monitorpy=checks.yaml")) == []
    assert commands(project.run("--monitorpy=checks.yaml", "--monitorpy-github", "--co")) == []
    project.write("test_own.py", "def test_own(): pass")
    assert project.run("test_own.py", "--monitorpy-github").ret == 0
    assert summary.read_text() == ""


def test_a_mistake_in_a_check_file_does_not_look_good(project, summary):
    project.write("checks.yaml", "checks: [{id: a, plugin: nonsense}]")
    result = project.run("--monitorpy=checks.yaml", "--monitorpy-github")
    assert commands(result) == []
    assert "### MonitorPy: 0 checks in " in summary.read_text()
    assert "\n\nThe run was interrupted; the output of pytest tells why.\n\n" in summary.read_text()


def test_no_secret(project, summary, monkeypatch):
    monkeypatch.setenv("TOKEN", "hunter2-of-github")
    project.write("checks.yaml", "checks: [{id: a, plugin: say, config: {status: error, message: 'got ${secret:TOKEN}'}}]")
    result = project.run("--monitorpy=checks.yaml", "--monitorpy-github")
    assert commands(result) == ["::error file=checks.yaml,line=1,title=a::got ***"]
    assert "hunter2" not in result.stdout.str() + summary.read_text()


def test_strict_makes_errors_of_warnings(project, summary):
    result = project.run("--monitorpy=checks.yaml::mild", "--monitorpy-github", "--monitorpy-strict")
    assert commands(result) == [WARNING.replace("::warning", "::error")]
    assert "pytest ended" not in summary.read_text()


def test_what_was_expected_to_fail_is_no_error(project, summary):
    project.conftest("""
        def pytest_collection_modifyitems(items):
            items[0].add_marker(pytest.mark.xfail(reason="known"))
    """)
    assert commands(project.run("--monitorpy=checks.yaml", "--monitorpy-github")) == [WARNING]


def test_what_a_hook_excuses_blocks_but_is_no_error(project, summary):
    project.conftest("""
        def pytest_monitorpy_check_result(check, result):
            return result.changed(status="warning", fault=None) if check.id == "db" else None
    """)
    result = project.run("--monitorpy=checks.yaml", "--monitorpy-github")
    assert commands(result) == ["::warning file=checks.yaml,line=3,title=db::refused", WARNING]
    assert result.ret == 0


def test_outside_of_github(project, summary, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    result = project.run("--monitorpy=checks.yaml", "--monitorpy-github")
    assert commands(result) == [ERROR, WARNING]
    result.stdout.fnmatch_lines(["monitorpy: no step summary: GITHUB_STEP_SUMMARY is not set*"])


def test_a_run_that_fails_for_another_reason_does_not_look_good(project, summary):
    project.write("good.yaml", "checks: [{id: good, plugin: say}]")
    project.write("test_own.py", "def test_own(): assert 0")
    project.run("good.yaml", "test_own.py", "--monitorpy-github")
    assert "1 ok\n\npytest ended with exit code 1; its output tells why.\n" in summary.read_text()


def test_after_ctrl_c(project, summary):
    project.write("test_stop.py", "def test_stop(): raise KeyboardInterrupt")
    result = project.pytester.runpytest_inprocess("checks.yaml::db", "test_stop.py", "--monitorpy-github", no_reraise_ctrlc=True)
    assert commands(result) == [ERROR.partition("%0A")[0]]
    assert "### MonitorPy: 1 check in " in summary.read_text()
    assert "\n\nThe run was interrupted; the output of pytest tells why.\n\n" in summary.read_text()


def test_a_summary_that_cannot_be_written(project, summary, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path))
    result = project.run("--monitorpy=checks.yaml", "--monitorpy-github")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --monitorpy-github: GITHUB_STEP_SUMMARY: '*' cannot be written: Is a directory"])
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/dev/full")
    result = project.run("--monitorpy=checks.yaml::good", "--monitorpy-github")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["ERROR: --monitorpy-github: GITHUB_STEP_SUMMARY: '/dev/full' cannot be written: No space left on device"])
    assert project.run("--monitorpy=checks.yaml::db", "--monitorpy-github").ret == pytest.ExitCode.TESTS_FAILED


def test_failures_are_annotated_once(project, run, summary, capfd):
    """The other plugin writes to standard error, older ones to that of the worker."""
    other = "pytest_github_actions_annotate_failures"
    pytest.importorskip(other)
    result = run("--monitorpy=checks.yaml", "--monitorpy-github", "-p", other)
    assert commands(result) == [WARNING]
    assert capfd.readouterr().err.count("::error file=checks.yaml,line=3::") == 1
    assert "**1 root cause, 1 check blocked behind it**" in summary.read_text()
