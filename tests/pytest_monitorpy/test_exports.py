import os
from types import SimpleNamespace

import pytest

from pytest_monitorpy.exports import must_be_heard

EXPORTER = """
    def pytest_monitorpy_report_check(report, result):
        with open("seen", "a") as file:
            file.write(f"{os.getpid()} {report.nodeid} {report.when} {result.id} {result.status}\\n")
        if result.id == "bad":
            raise RuntimeError("the exporter is down")
"""


def test_every_final_result_is_exported_once(project, run):
    project.conftest(
        EXPORTER
        + """
    counts = {}

    @register_plugin("second")
    def second(config):
        counts["n"] = counts.get("n", 0) + 1
        return CheckResult.error("not yet") if counts["n"] < 2 else CheckResult.success("at last")

    @pytest.fixture
    def broken(monitorpy_config):
        raise RuntimeError("no broker")

    @pytest.fixture
    def checked(monitorpy_check):
        monitorpy_check("say")
        yield monitorpy_check
        monitorpy_check("say", status="warning")
    """
    )
    project.write(
        "checks.yaml",
        """
        - {id: good, plugin: say}
        - {id: rest, plugin: say, skip: later}
        - {id: again, plugin: second}
        - {id: broken, plugin: "fixture:broken"}
        - {id: bad, plugin: say}
    """,
    )
    project.write(
        "test_own.py",
        """
        import pytest

        def test_it(checked):
            checked.run("say", status="error")
            with pytest.raises(AssertionError):
                checked("say", status="error")
    """,
    )
    result = run("-p", "rerunfailures", "--reruns=1", "--monitorpy=checks.yaml", "test_own.py", fast=False)
    found = sorted(line.split(" ", 1) for line in (project.path / "seen").read_text().splitlines())
    assert {process for process, _ in found} == {str(os.getpid())}
    assert [told for _, told in found] == [
        "checks.yaml::again call again success",
        "checks.yaml::bad call bad success",
        "checks.yaml::broken setup broken error",
        "checks.yaml::good call good success",
        "checks.yaml::rest setup rest skipped",
        "test_own.py::test_it call test_it error",
        "test_own.py::test_it setup test_it success",
        "test_own.py::test_it teardown test_it warning",
    ]
    result.stdout.fnmatch_lines(["*ERROR at teardown of say check 'bad'*", "*RuntimeError: the exporter is down*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_an_implementation_that_the_controller_does_not_know_is_an_error(project):
    project.write("pytest.ini", "[pytest]\nmonitorpy_files = sub/checks.yaml")
    project.write("sub/conftest.py", "def pytest_monitorpy_report_check(report, result): print(f'heard of {result.id}')")
    project.write("sub/checks.yaml", "checks: [{id: a, plugin: say}]")
    project.write("sub/test_own.py", "def test_it(monitorpy_check): monitorpy_check('say')")
    result = project.run("-s")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines_random(["*heard of a", "*heard of test_it"])
    result = project.run("-n1")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["pytest_monitorpy_report_check in sub/conftest.py would not be called: with pytest-xdist *"] * 2)


def test_what_a_worker_knows_of_the_controller():
    hook = SimpleNamespace(get_hookimpls=lambda: [SimpleNamespace(plugin_name=name) for name in ("known", "/root/sub/conftest.py")])
    config = SimpleNamespace(hook=SimpleNamespace(pytest_monitorpy_report_check=hook), rootpath="/root", workerinput={})
    must_be_heard(config)
    config.workerinput["monitorpy_exporters"] = ["known", "sub/conftest.py"]
    must_be_heard(config)
    config.workerinput["monitorpy_exporters"] = ["known"]
    with pytest.raises(pytest.fail.Exception, match=r"in sub/conftest.py would not be called"):
        must_be_heard(config)
