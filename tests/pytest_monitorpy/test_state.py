from types import SimpleNamespace

import pytest

from monitorpy import CheckSpec
from pytest_monitorpy.state import State, exporters
from tests.pytest_monitorpy.as_worker import AsWorker


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
    project.run("a.yaml", "--monitorpy-per-host=0").stdout.fnmatch_lines(["monitorpy: 1 check file, 32 workers, any number per host"])
    project.write("test_own.py", "def test_own(): pass")
    project.run("test_own.py").stdout.no_fnmatch_line("monitorpy: *")


def test_a_file_is_a_check_file_by_being_asked_for_or_by_its_looks(project):
    checks = "checks: [{id: a, plugin: say}]"
    for name, text in (("a.yaml", checks), ("b.conf", checks), ("compose.yaml", "services: {}"), ("sub/c.yaml", checks)):
        project.write(name, text)
    project.write("test_own.py", "def test_own(): pass")

    def collected(*args):
        return {line.partition("::")[0] for line in project.run("--co", "-q", *args).outlines if "::" in line}

    assert collected("a.yaml", "test_own.py") == {"a.yaml", "test_own.py"}
    assert collected("--monitorpy=b.conf") == {"b.conf"}
    assert collected("compose.yaml") == set()
    assert collected(".") == {"test_own.py"}
    assert collected(".", "--monitorpy=sub") == {"test_own.py", "sub/c.yaml"}


def test_what_was_asked_for_and_not_collected_is_missed(project):
    """A name that no check has, and a file in a folder that leaves it out."""
    project.conftest("""
        class Empty(pytest.Directory):
            def collect(self):
                return []

        def pytest_collect_directory(path, parent):
            return Empty.from_parent(parent, path=path) if path.name == "empty" else None
    """)
    for name in ("a.yaml", "empty/b.yaml"):
        project.write(name, "checks: [{id: a, plugin: say}]")
    result = project.run("--monitorpy=a.yaml::zzz", "--monitorpy=empty/b.yaml", ".")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: not found: {project.path}/empty/b.yaml", "ERROR: not found: a.yaml::zzz"], consecutive=False)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ('registry.register("say", int)', "E   TypeError: plugin 'say' must be *"),
        ('pytest.skip("not here")', "E   Skipped: not here"),
        ("raise SystemExit(0)", "E   SystemExit: 0"),
    ],
)
def test_plugins_that_cannot_be_registered(project, call, told):
    project.conftest(f"""
        def pytest_monitorpy_register(registry):
            {call}
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    result = project.run("checks.yaml")
    assert result.ret not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    result.stdout.fnmatch_lines(["*conftest.py:*: in pytest_monitorpy_register", told])


def test_a_conftest_is_named_the_same_on_another_machine():
    hook = SimpleNamespace(get_hookimpls=lambda: [SimpleNamespace(plugin_name=name) for name in ("a_plugin", "/root/sub/conftest.py")])
    assert exporters(SimpleNamespace(hook=SimpleNamespace(pytest_monitorpy_report_check=hook), rootpath="/root")) == [
        "a_plugin",
        "sub/conftest.py",
    ]


def test_the_secrets_of_all_checks_are_hidden():
    state = State(settings=None)
    state.specs = [CheckSpec("a", "say", config={"password": "swordfish"}), CheckSpec("b", "say", config={"token": "herring-7"})]
    assert state.masker.text("swordfish, herring-7 and cod") == "***, *** and cod"


@pytest.mark.parametrize("option", ["json", "html"])
def test_a_report_that_could_not_be_written_is_told_before_anything_runs(project, option):
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    result = project.run("--monitorpy=checks.yaml", f"--monitorpy-{option}=conftest.py/report")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --monitorpy-{option}: cannot write *"])
    in_worker = project.run("--monitorpy=checks.yaml", f"--monitorpy-{option}=conftest.py/report", plugins=[AsWorker()])
    in_worker.assert_outcomes(passed=1)  # it is the controller that writes it
    assert project.run("--monitorpy=checks.yaml", f"--monitorpy-{option}=new/folder/report").ret == 0
    assert (project.path / "new/folder/report").stat().st_size
