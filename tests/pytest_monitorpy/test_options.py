import pytest


@pytest.fixture
def one(project):
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")


@pytest.mark.parametrize(
    "option, text",
    [
        ("--monitorpy-workers=x", "--monitorpy-workers: expected a whole number, 1 or more, not 'x'"),
        ("--monitorpy-workers=0", "--monitorpy-workers: expected a whole number, 1 or more, not '0'"),
        ("--monitorpy-per-host=-1", "--monitorpy-per-host: expected a whole number, 0 or more, not '-1'"),
        ("--monitorpy-deadline=soon", "--monitorpy-deadline: expected seconds, 0.001 or more, not 'soon'"),
        ("--monitorpy-deadline=nan", "--monitorpy-deadline: expected seconds, 0.001 or more, not 'nan'"),
        ("--monitorpy-json=conftest.py/x.json", "--monitorpy-json: cannot write *"),
        ("--monitorpy-json=", "--monitorpy-json: cannot write *: Is a directory"),
    ],
)
def test_bad_values_are_usage_errors(one, project, option, text):
    result = project.run("--monitorpy=checks.yaml", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {text}"])


def test_ini_twins(one, project):
    project.pytester.makeini("[pytest]\nmonitorpy_workers = 7\nmonitorpy_per_host = 0\nmonitorpy_deadline = 60")
    project.run("--monitorpy=checks.yaml").stdout.fnmatch_lines(["monitorpy: 1 check file, 7 workers, any number per host"])


@pytest.mark.parametrize(
    "table, file", [("tool.pytest.ini_options", "pyproject.toml"), ("tool.pytest", "pyproject.toml"), ("pytest", "pytest.toml")]
)
def test_numbers_of_toml(one, project, table, file):
    if table != "tool.pytest.ini_options" and pytest.version_tuple < (9,):
        pytest.skip("a table of pytest 9")
    options = {"workers": 7, "per_host": 0, "deadline": 0.5, "strict": "true", "files": '["checks.yaml"]'}
    project.write(file, f"[{table}]\n" + "\n".join(f"monitorpy_{name} = {value}" for name, value in options.items()))
    result = project.run()
    result.stdout.fnmatch_lines(["monitorpy: 1 check file, 7 workers, any number per host"])
    result.assert_outcomes(passed=1)


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="a table of pytest 9")
@pytest.mark.parametrize("value", ['"7"', "true", "[7]", "7.5"])
def test_other_types_of_toml(one, project, value):
    project.write("pytest.toml", f"[pytest]\nmonitorpy_workers = {value}")
    result = project.run("--monitorpy=checks.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: ini monitorpy_workers: expected a whole number, 1 or more, not *"])


def test_the_command_line_comes_before_ini(one, project):
    project.pytester.makeini("[pytest]\nmonitorpy_workers = 7")
    project.run("--monitorpy=checks.yaml", "--monitorpy-workers=3").stdout.fnmatch_lines(
        ["monitorpy: 1 check file, 3 workers, 10 per host"]
    )


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("workers", "many", "a whole number, 1 or more"),
        ("per_host", "-1", "a whole number, 0 or more"),
        ("deadline", "soon", "seconds, 0.001 or more"),
    ],
)
def test_a_bad_ini_value(one, project, name, value, expected):
    project.pytester.makeini(f"[pytest]\nmonitorpy_{name} = {value}")
    result = project.run("--monitorpy=checks.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.re_match_lines([f"ERROR: ini monitorpy_{name}: expected {expected}, not '?{value}'?$"])


def test_a_deadline_fails_what_it_cut_off(project, run):
    project.conftest("""
        @register_plugin("hang")
        def hang(config):
            threading.Event().wait(30)
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: hang}, {id: b, plugin: say}]")
    result = run("--monitorpy=checks.yaml", "--monitorpy-deadline=0.3")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["E   ERROR: the run's deadline of 0.3 s was reached"])


def test_the_help_has_a_section(project):
    project.run("--help").stdout.fnmatch_lines(["monitoring checks (MonitorPy):", "*--monitorpy=FILE*"])
