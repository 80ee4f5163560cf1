import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from pytest_monitorpy.plugin import pytest_configure_node, pytest_handlecrashitem, pytest_sessionfinish, pytest_testnodedown
from pytest_monitorpy.state import STATE
from tests.pytest_monitorpy.as_worker import AsWorker

HEAVY = (
    "requests",
    "pydantic",
    "dns",
    "yaml",
    "cryptography",
    "rich",
    "monitorpy",
    "pytest_monitorpy.selection",
    "pytest_monitorpy.report",
)


def test_a_project_that_does_not_use_it_pays_nothing(project):
    project.write("conftest.py", "")
    project.write(
        "test_own.py",
        f"""
        import sys
        def test_own():
            assert "pytest_monitorpy.plugin" in sys.modules
            assert [name for name in {HEAVY!r} if name in sys.modules] == []
    """,
    )
    result = project.pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:html", "-p", "no:xdist")
    result.assert_outcomes(passed=1)


def test_importing_the_package_first_is_no_warning(project):
    project.write("test_own.py", "def test_own(): pass")
    code = "import sys, monitorpy, pytest_monitorpy, pytest; sys.exit(pytest.main(['-W', 'error', '-p', 'no:cacheprovider']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=project.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "already imported" not in done.stdout


@pytest.mark.parametrize("stdin, sent", [(None, {}), (("text", None), {"monitorpy_stdin": "text"})])
def test_workers_get_what_they_cannot_find_out(stdin, sent):
    hook = SimpleNamespace(get_hookimpls=lambda: [SimpleNamespace(plugin_name=name) for name in ("some_plugin", "/root/sub/conftest.py")])
    config = SimpleNamespace(
        stash={STATE: SimpleNamespace(stdin=stdin)}, hook=SimpleNamespace(pytest_monitorpy_report_check=hook), rootpath="/root"
    )
    node = SimpleNamespace(config=config, workerinput={})
    pytest_configure_node(node)
    assert node.workerinput == {"monitorpy_exporters": ["some_plugin", "sub/conftest.py"], **sent}


def test_workers_tell_how_many_checks_were_dropped():
    """Each of them collects the same; one that crashed tells nothing."""
    worker = SimpleNamespace(stash={STATE: SimpleNamespace(dropped=2)}, workeroutput={})
    pytest_sessionfinish(SimpleNamespace(config=worker))
    controller = SimpleNamespace(stash={STATE: SimpleNamespace(dropped=0)})
    for node in ({"workeroutput": worker.workeroutput}, {"workeroutput": worker.workeroutput}, {}):
        pytest_testnodedown(SimpleNamespace(config=controller, **node))
    assert controller.stash[STATE].dropped == 2


def test_what_hooks_drop_and_export(project):
    project.conftest("""
        def pytest_monitorpy_collect_check(check):
            return None if check.id == "a" else False

        def pytest_monitorpy_report_check(report, result):
            mark(f"{result.id} {result.status}")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}, {id: b, plugin: say}]")
    project.run("--monitorpy=checks.yaml").stdout.fnmatch_lines(["monitorpy: 1 check dropped by hooks"])
    assert (project.path / "a success").read_text() == "x"


def test_switched_off(project):
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    project.write("conftest.py", "")
    assert project.run("-p", "no:monitorpy", "checks.yaml").ret != 0


def test_by_name_without_autoload(project, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    result = project.pytester.runpytest_subprocess("-p", "monitorpy", "--monitorpy=checks.yaml")
    result.assert_outcomes(passed=1)


def test_markers_are_listed(project):
    project.run("--markers").stdout.fnmatch_lines(["@pytest.mark.monitorpy(type, group):*"])


@pytest.mark.parametrize("more", [(), ("-n2",)])
def test_warnings_as_errors(project, more):
    project.write("checks.yaml", "checks: [{id: a, plugin: say, tags: [prod]}, {id: b, plugin: say, config: {status: warning}}]")
    result = project.run("--monitorpy=checks.yaml", "-W", "error", "--strict-markers", "--strict-config", *more)
    result.assert_outcomes(passed=1, xfailed=1)


def test_a_check_that_nobody_looked_at_fails_the_run(torn):
    result = torn.run("--monitorpy=checks.yaml", "-n2")
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


REPORTS = ("--monitorpy-json=r.json", "--monitorpy-html=p.html", "--html=o.html", "--monitorpy-github")


def written(project):
    return {name for name in ("r.json", "p.html", "o.html", "summary.md") if (project.path / name).exists()}


def test_reports_are_written_by_the_process_that_sees_all_of_the_run(project, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary.md"))
    project.write("checks.yaml", "checks: [{id: a, plugin: say, config: {status: error}}]")
    result = project.run("--monitorpy=checks.yaml", *REPORTS, plugins=[AsWorker()])
    result.assert_outcomes(failed=1)
    assert written(project) == set()
    result.stdout.no_fnmatch_line("::error *")
    result = project.run("--monitorpy=checks.yaml", *REPORTS)
    result.assert_outcomes(failed=1)
    assert written(project) == {"r.json", "p.html", "o.html", "summary.md"}
    result.stdout.fnmatch_lines(["::error *"])


def test_what_takes_its_worker_with_it(project):
    """Of a check there is a result, and a row in pytest-html's page; a Python test is none of our business."""
    project.conftest("""
        @register_plugin("die")
        def die(config):
            os._exit(3)
    """)
    project.write("checks.yaml", "checks: [{id: first, plugin: die}, {id: second, plugin: die}]")
    result = project.run("--monitorpy=checks.yaml", "-n1", "--max-worker-restart=1", "--html=o.html", "--monitorpy-json=r.json")
    result.assert_outcomes(failed=2)
    found = json.loads((project.path / "r.json").read_text())["results"]
    assert [(each["id"], each["status"], each["fault"]) for each in found] == [(name, "error", "plugin") for name in ("first", "second")]
    page = (project.path / "o.html").read_text()
    assert "checks.yaml::first" in page
    assert "checks.yaml::second" in page
    report = pytest.TestReport("test_own.py::test_own", ("test_own.py", None, "test_own.py"), {}, "failed", "died", "???")
    pytest_handlecrashitem("test_own.py::test_own", report)
    assert (report.when, hasattr(report, "monitorpy")) == ("???", False)
