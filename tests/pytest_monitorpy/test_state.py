from types import SimpleNamespace

import pytest

from pytest_monitorpy.state import exporters


def test_standard_input_in_this_process(project):
    """Without capturing; test_selection.py has the rest."""
    project.conftest("""
        import io, sys
        sys.stdin = io.StringIO("checks: [{id: a, plugin: say}]")
    """)
    result = project.run("--monitorpy=-", "-s", "-rA", "-p", "no:xdist")
    result.stdout.fnmatch_lines(["*PASSED <stdin>::a"])


def test_a_bad_name_is_told_once(project):
    result = project.run("--monitorpy=nope.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().count("nope.yaml") == 1


def test_the_header_counts_files(project):
    for name in ("a.yaml", "b.yaml"):
        project.write(name, "checks: [{id: a, plugin: say}]")
    project.run("--monitorpy=a.yaml", "--monitorpy=b.yaml").stdout.fnmatch_lines(["monitorpy: 2 check files, 32 workers, 10 per host"])
    project.run("a.yaml").stdout.no_fnmatch_line("monitorpy: 2*")


def test_plugins_that_cannot_be_registered(project):
    project.conftest("""
        def pytest_monitorpy_register(registry):
            registry.register("say", int)
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    project.run("checks.yaml").stdout.fnmatch_lines(
        ["*conftest.py:*: in pytest_monitorpy_register", "E   TypeError: plugin 'say' must be *"]
    )


def test_a_conftest_is_named_the_same_on_another_machine():
    hook = SimpleNamespace(get_hookimpls=lambda: [SimpleNamespace(plugin_name=name) for name in ("a_plugin", "/root/sub/conftest.py")])
    assert exporters(SimpleNamespace(hook=SimpleNamespace(pytest_monitorpy_report_check=hook), rootpath="/root")) == [
        "a_plugin",
        "sub/conftest.py",
    ]


@pytest.mark.parametrize("option", ["json", "html"])
def test_a_report_that_could_not_be_written_is_told_before_anything_runs(project, option):
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    result = project.run("--monitorpy=checks.yaml", f"--monitorpy-{option}=conftest.py/report")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --monitorpy-{option}: cannot write *"])
    assert project.run("--monitorpy=checks.yaml", f"--monitorpy-{option}=new/folder/report").ret == 0
    assert (project.path / "new/folder/report").stat().st_size
