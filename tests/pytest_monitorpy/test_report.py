import json
import sys

import pytest


@pytest.fixture
def mixed(project):
    project.conftest("""
        @pytest.fixture
        def broken(monitorpy_config):
            raise RuntimeError("no broker")
    """)
    project.write(
        "b.yaml",
        """
        checks:
          - {id: good, plugin: say, group: web, tags: [prod]}
          - {id: soft, plugin: say, config: {status: warning}}
          - {id: bad, plugin: say, config: {status: error}, group: web}
          - {id: after, plugin: say, needs: [bad]}
          - {id: rest, plugin: say, skip: later}
          - {id: broken, plugin: "fixture:broken"}
    """,
    )
    project.write("a.yaml", "checks: [{id: last, plugin: say}]")


def test_the_json_document(mixed, project, run):
    run("--monitorpy=b.yaml", "--monitorpy=a.yaml", "--monitorpy-json=out/r.json")
    document = json.loads((project.path / "out/r.json").read_text())
    assert document["schema"] == 1
    assert document["summary"].pop("duration") > 0
    assert document["summary"] == {"total": 7, "success": 2, "warning": 1, "error": 2, "blocked": 1, "skipped": 1}
    assert [(r["id"], r["status"], r["fault"]) for r in document["results"]] == [
        ("good", "success", None),
        ("soft", "warning", None),
        ("bad", "error", "target"),
        ("after", "error", "blocked"),
        ("rest", "skipped", None),
        ("broken", "error", "plugin"),
        ("last", "success", None),
    ]
    good, _, bad, _, rest, broken, _ = document["results"]
    assert good["source"] == {"file": "b.yaml", "line": 3}
    assert (good["group"], good["tags"], good["plugin"], good["response_time"]) == ("web", ["prod"], "say", 0.25)
    assert bad["failures"] == [{"path": "status_code", "expected": "200", "actual": 503, "severity": "error"}]
    assert (rest["message"], rest["attempts"]) == ("later", 0)
    assert broken["message"] == "the test failed in setup: RuntimeError: no broker"


def test_the_same_document_as_the_batch_runner(project):
    from monitorpy.checkfile import load
    from monitorpy.core.batch_runner import run_batch

    project.write(
        "checks.yaml", "checks: [{id: a, plugin: say}, {id: b, plugin: say, config: {status: error}}, {id: c, plugin: say, skip: later}]"
    )
    project.run("--monitorpy=checks.yaml", "--monitorpy-json=r.json")
    ours = json.loads((project.path / "r.json").read_text())
    theirs = run_batch(load("checks.yaml").checks).to_dict()
    for document in (ours, theirs):
        del document["summary"]["duration"]
        for result in document["results"]:
            del result["timestamp"]
    assert ours == json.loads(json.dumps(theirs))


def test_a_python_test_with_a_warning_has_no_result(project, run):
    project.write("test_own.py", "def test_own(monitorpy_check): monitorpy_check('say', status='warning')")
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    run("checks.yaml", "test_own.py", "--monitorpy-json=r.json").assert_outcomes(passed=1, xfailed=1)
    assert [r["id"] for r in json.loads((project.path / "r.json").read_text())["results"]] == ["a"]


def test_root_causes_are_of_what_failed(mixed, project, run):
    """What was expected to fail, or that a hook excuses, blocks but is no cause: see test_github.py."""
    run("--monitorpy=b.yaml").stdout.fnmatch_lines(
        ["2 root causes, 1 check blocked behind them", "CAUSE b.yaml::web::bad - *", "CAUSE *::broken - *"]
    )


def test_a_check_that_kills_its_worker_is_told_of(project):
    project.conftest("""
        @register_plugin("die")
        def die(config):
            os._exit(3)
    """)
    project.write("checks.yaml", "checks: [{id: fatal, plugin: die}, {id: good, plugin: say}]")
    result = project.run(
        "--monitorpy=checks.yaml", "-n2", "--html=o.html", "--monitorpy-json=r.json", "--junitxml=j.xml", "--max-worker-restart=1"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    fatal = next(r for r in json.loads((project.path / "r.json").read_text())["results"] if r["id"] == "fatal")
    assert (fatal["status"], fatal["fault"]) == ("error", "plugin")
    assert "the worker process crashed" in fatal["message"]
    assert "checks.yaml::fatal" in (project.path / "o.html").read_text()
    assert "<failure" in (project.path / "j.xml").read_text()


def test_values_that_would_end_an_xdist_run(project):
    project.conftest("""
        import enum, datetime, decimal

        class Colour(str, enum.Enum):
            RED = "red"

        @register_plugin("odd")
        def odd(config):
            raw = {"e": Colour.RED, "d": datetime.datetime.now(), "n": decimal.Decimal("1.5"), "s": "x\\udc80", "b": b"\\xff", 3: {4}, "o": object()}
            return CheckResult.error("bad \\udc80 <b>\\x1b[31m", raw_data=raw)
    """)
    project.write("checks.yaml", 'checks: [{id: "a\\u0301 <b>@x", plugin: odd, tags: [x]}]')
    result = project.pytester.runpytest_subprocess(
        "--monitorpy=checks.yaml", "-n2", "--monitorpy-json=r.json", "--junitxml=j.xml", "--html=o.html", "-p", "no:cacheprovider"
    )
    result.assert_outcomes(failed=1)
    assert "\x1b[31m" not in result.stdout.str()
    assert sys.getsizeof((project.path / "r.json").read_text()) > 0


def test_a_check_that_is_expected_to_fail_and_not_run(project):
    project.conftest("""
        def pytest_collection_modifyitems(items):
            items[0].add_marker(pytest.mark.xfail(run=False, reason="known"))
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: crash}]")
    project.run("--monitorpy=checks.yaml", "--monitorpy-json=r.json").assert_outcomes(xfailed=1)
    assert json.loads((project.path / "r.json").read_text())["results"][0]["status"] == "skipped"


def test_a_check_that_is_blocked_by_one_that_passes_elsewhere(torn):
    result = torn.run("--monitorpy=checks.yaml", "-n2")
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["BLOCKED checks.yaml::after"])


def test_a_check_that_is_blocked_by_one_that_a_hook_excuses(project):
    project.conftest("""
        def pytest_monitorpy_check_result(item, check, result):
            return result.changed(status="warning") if check.id == "root" else None
    """)
    project.write("checks.yaml", "checks: [{id: root, plugin: say, config: {status: error}}, {id: after, plugin: say, needs: [root]}]")
    result = project.run("--monitorpy=checks.yaml")
    result.assert_outcomes(xfailed=1, skipped=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("BLOCKED*")
