"""Checks beside the plugins that people have installed: each of them alone, and all at once."""

import asyncio  # noqa: F401 - inner runs in this process forget what they import, and asyncio must stay one and the same
import json
import sys
from collections import Counter

import pytest

from tests.pytest_monitorpy.conftest import OTHERS, without

PEERS = (
    "rerunfailures",
    "timeout",
    "asyncio",
    "anyio",
    "randomly",
    "allure_pytest",
    "pytest_cov",
    "sugar",
    "pytest_github_actions_annotate_failures",
)

MIXED = """
    checks:
      - {id: good, plugin: say, group: web, tags: [smoke, "prio: high"], config: {url: "http://target/${secret:TOKEN}"}}
      - {id: soft, plugin: say, config: {status: warning, message: "usage ${secret:TOKEN}"}}
      - {id: bad, plugin: say, group: web, config: {status: error, message: "refused ${secret:TOKEN}"}}
      - {id: broken, plugin: crash, config: {password: "${secret:TOKEN}"}}
      - {id: after, plugin: say, needs: [bad]}
      - {id: rest, plugin: say, skip: "not with ${secret:TOKEN}"}
      - {id: no fixture, plugin: "fixture:leaking", config: {key: "${secret:TOKEN}"}}
      - {id: not here, plugin: "fixture:leaving", config: {key: "${secret:TOKEN}"}}
      - {id: own failure, plugin: "fixture:failing", config: {key: "${secret:TOKEN}"}}
"""

FIXTURES = """
    @pytest.fixture
    def leaking(monitorpy_config):
        raise RuntimeError("cannot use " + monitorpy_config["key"])

    @pytest.fixture
    def leaving(monitorpy_config):
        pytest.skip("cannot use " + monitorpy_config["key"])

    @pytest.fixture
    def failing():
        return lambda config: pytest.fail("cannot use " + config["key"])
"""


@pytest.fixture
def beside(project, monkeypatch):
    """Switches installed plugins on."""
    return lambda *plugins: monkeypatch.setenv("PYTEST_ADDOPTS", without(OTHERS - {*plugins}))


@pytest.fixture
def mixed(project, monkeypatch):
    monkeypatch.setenv("TOKEN", "geheim123")
    project.conftest(FIXTURES)
    project.write("checks.yaml", MIXED)


# pytest-rerunfailures; see test_prefetch.py for checks that need the one that is run again

COUNTED = """
    from pathlib import Path

    @register_plugin("counted")
    def counted(config):
        mark(config["n"])
        ran = Path(config["n"]).stat().st_size
        return CheckResult(config.get("status", "error") if ran <= config["failing"] else "success", config["message"])

    @monitorpy_fixture("counted_fixture")
    def counted_fixture():
        return counted
"""


@pytest.fixture
def counted(project):
    project.conftest(COUNTED)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: second, plugin: counted, config: {n: second, failing: 1, message: timed out}}
          - {id: third, plugin: counted_fixture, config: {n: third, failing: 2, message: timed out}}
          - {id: never, plugin: counted, config: {n: never, failing: 9, message: refused}}
          - {id: soft, plugin: counted, config: {n: soft, failing: 9, status: warning, message: slow}}
          - {id: after, plugin: say, needs: [never]}
    """,
    )
    return lambda: {path.name: len(path.read_text()) for path in map(project.path.joinpath, ("second", "third", "never", "soft"))}


def test_a_failing_check_runs_again_a_warning_does_not(counted, beside, run, xdist):
    beside("rerunfailures")
    result = run("--reruns=2", "--monitorpy=checks.yaml", "--monitorpy-json=r.json", "-rR")
    outcomes = result.parseoutcomes()
    assert {name: outcomes[name] for name in ("passed", "xfailed", "failed", "skipped")} == {
        "passed": 2,
        "xfailed": 1,
        "failed": 1,
        "skipped": 1,
    }
    result.stdout.fnmatch_lines_random(["RERUN checks.yaml::second", "RERUN checks.yaml::third", "RERUN checks.yaml::never"])
    result.stdout.fnmatch_lines(["monitorpy: 5 checks: 2 success, 1 warning, 1 error, 1 blocked*"])
    if xdist != "active":  # two workers, both of which may run what others need
        assert counted() == {"second": 2, "third": 3, "never": 3, "soft": 1}


def test_only_some_errors_are_worth_a_rerun(counted, beside, project):
    beside("rerunfailures")
    result = project.run("--reruns=1", "--only-rerun=timed out", "--monitorpy=checks.yaml")
    assert result.parseoutcomes() == {"passed": 1, "failed": 2, "xfailed": 1, "skipped": 1, "rerun": 2}
    assert counted() == {"second": 2, "third": 2, "never": 1, "soft": 1}


# pytest-timeout

HANGING = """
    @register_plugin("hang")
    def hang(config):
        threading.Event().wait(60)

    @monitorpy_fixture("hang_fixture")
    def hang_fixture():
        return hang
"""


@pytest.fixture
def hanging(project, ms):
    project.conftest(HANGING)
    project.write(
        "checks.yaml",
        f"""
        checks:
          - {{id: ahead, plugin: hang}}
          - {{id: in turn, plugin: hang_fixture}}
          - {{id: short, plugin: hang, timeout: {50 * ms}}}
          - {{id: short in turn, plugin: hang_fixture, timeout: {50 * ms}}}
          - {{id: good, plugin: say}}
    """,
    )


def test_a_check_that_hangs_is_interrupted(hanging, beside, run, ms):
    """Unless its own time-out comes first."""
    beside("timeout")
    result = run(f"--timeout={1500 * ms}", "--monitorpy=checks.yaml", "--show-capture=no", "--tb=short")
    result.assert_outcomes(passed=1, failed=4)
    result.stdout.fnmatch_lines_random(
        [
            "checks.yaml:3",
            "checks.yaml:4",
            "checks.yaml:5: error",
            "checks.yaml:6: error",
            "FAILED checks.yaml::ahead - Failed: Timeout *>*",
            "FAILED checks.yaml::in turn - Failed: Timeout *>*",
            "FAILED checks.yaml::short - no result within *",
            "FAILED checks.yaml::short in turn - no result within *",
            "*conftest.py:*in hang",
            "monitorpy: 5 checks: 1 success, 4 error*",
        ]
    )


def test_a_marker_bounds_the_time_of_some_checks(project, beside, ms):
    beside("timeout")
    project.conftest(
        HANGING
        + f"""
    def pytest_collection_modifyitems(items):
        for item in items:
            item.add_marker(pytest.mark.timeout({300 * ms}))
    """
    )
    project.write("checks.yaml", "checks: [{id: a, plugin: hang, tags: [timeout]}, {id: b, plugin: say, tags: [timeout]}]")
    result = project.run("--monitorpy=checks.yaml", "--show-capture=no")
    result.assert_outcomes(passed=1, failed=1)


def test_the_thread_method_ends_the_process(hanging, beside, project, ms):
    """It cannot do otherwise. A worker of pytest-xdist that dies so has a successor, and the check it took with it is reported."""
    beside("timeout")
    more = (f"--timeout={1000 * ms}", "--timeout-method=thread", "--monitorpy=checks.yaml", "-k", "ahead or good")
    alone = project.pytester.runpytest_subprocess(*more)
    assert alone.ret == 1
    assert "hang" in alone.stderr.str() + alone.stdout.str()
    result = project.run(*more, "-n1", "--max-worker-restart=2")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["worker 'gw0' crashed while running 'checks.yaml::ahead'*", "FAILED checks.yaml::ahead*"])


# pytest-asyncio


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_async_tests_and_fixtures_beside_checks(project, beside, run, mode):
    beside("asyncio")
    project.pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    project.conftest("""
        import asyncio
        import pytest_asyncio

        @pytest_asyncio.fixture
        async def broker():
            await asyncio.sleep(0)
            yield {"orders": 3}

        @monitorpy_fixture("backlog")
        def backlog(broker):
            return lambda config: CheckResult.success("counted", raw_data={"waiting": broker["orders"]})
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}, {id: b, plugin: backlog, expect: [{path: waiting, equals: 3}]}]")
    project.write(
        "test_own.py",
        """
        import pytest

        @pytest.mark.asyncio
        async def test_own(broker):
            assert broker == {"orders": 3}
    """,
    )
    run(f"--asyncio-mode={mode}", "-W", "error", "test_own.py", "--monitorpy=checks.yaml").assert_outcomes(passed=3)


# pytest-randomly


@pytest.fixture
def chained(project):
    """Checks in three groups, each needs the one before it; the third of each group fails."""
    lines = ["checks:"]
    for group in ("a", "b", "c"):
        for i in range(6):
            needs = f", needs: [{group}{i - 1}]" if i else ""
            plugin = "say" if i % 2 else "say_fixture"
            lines.append(
                f"  - {{id: {group}{i}, plugin: {plugin}, group: {group}, config: {{status: {'error' if i == 2 else 'success'}}}{needs}}}"
            )
    project.conftest("""
        @monitorpy_fixture("say_fixture")
        def say_fixture():
            return say
    """)
    project.write("checks.yaml", "\n".join(lines))


def order(result):
    return [line.split()[0] for line in result.outlines if line.startswith("checks.yaml::")]


def test_any_order_has_the_same_results_in_the_order_of_the_file(chained, beside, project):
    beside("randomly")
    orders = []
    for seed, more in ((1, ()), (1, ()), (2, ()), (3, ("-n2",))):
        result = project.run(f"--randomly-seed={seed}", "--monitorpy=checks.yaml", "--monitorpy-json=r.json", "-v", *more)
        result.assert_outcomes(passed=6, failed=3, skipped=9)
        results = json.loads((project.path / "r.json").read_text())["results"]
        assert [r["id"] for r in results] == [f"{group}{i}" for group in "abc" for i in range(6)]
        assert [r["message"] for r in results[3:6]] == ["blocked by a2"] * 3
        orders.append(order(result))
    first, again, other, _ = orders
    assert first == again
    assert sorted(first) == sorted(other)
    assert first != other


# allure-pytest


def allure_results(folder):
    """Of each check the status and the message, and all that was written as text."""
    written = "".join(path.read_text() for path in folder.iterdir())
    results = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    return {r["name"]: (r["status"], r.get("statusDetails", {}).get("message", "")) for r in results}, results, written


def test_allure_shows_each_status(mixed, beside, run, project):
    beside("allure_pytest")
    run("--monitorpy=checks.yaml", "--alluredir=allure")
    found, results, written = allure_results(project.path / "allure")
    assert {name: status for name, (status, _) in found.items()} == {
        "good": "passed",
        "soft": "skipped",
        "bad": "failed",
        "broken": "broken",
        "after": "skipped",
        "rest": "skipped",
        "no fixture": "broken",
        "not here": "skipped",
        "own failure": "failed",
    }
    assert found["soft"][1].startswith("XFAIL warning: usage ***")
    assert found["bad"][1] == "monitorpy.CheckFailed: refused ***"
    assert found["broken"][1].startswith("monitorpy.CheckBroken: the plugin crashed: KeyError")
    assert found["after"][1] == "Skipped: blocked by bad"
    assert found["no fixture"][1] == "RuntimeError: cannot use ***"
    assert "geheim123" not in written
    good = next(r for r in results if r["name"] == "good")
    labels = {(label["name"], label["value"]) for label in good["labels"]}
    assert {("tag", "smoke"), ("suite", "checks"), ("subSuite", "web")} <= labels
    assert good["fullName"].endswith("#good")


# pytest-cov

OWN = """
    import threading
    from monitorpy import CheckResult, register_plugin

    @register_plugin("own")
    def own(config):
        if threading.current_thread() is not threading.main_thread():
            return CheckResult.success("in a thread")
        return CheckResult.error("never here")
"""


@pytest.mark.parametrize("more", [(), ("-n2",)])
def test_plugins_of_a_project_are_measured_in_our_threads(project, beside, monkeypatch, more):
    beside("pytest_cov")
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)
    project.write("own_plugin.py", OWN)
    project.write("conftest.py", "import own_plugin")
    project.write("checks.yaml", "checks: [{id: a, plugin: own}, {id: b, plugin: own}]")
    result = project.pytester.runpytest_subprocess("--monitorpy=checks.yaml", "--cov=own_plugin", "--cov-report=term-missing", *more)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["own_plugin.py * 7 * 1 * 86% * 9"])


# pytest-github-actions-annotate-failures, pytest-sugar


@pytest.mark.parametrize("more", [(), ("-n2",)])
def test_a_failure_is_annotated_at_its_line(mixed, beside, project, monkeypatch, more):
    beside("pytest_github_actions_annotate_failures")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    result = project.pytester.runpytest_subprocess("--monitorpy=checks.yaml", *more)
    result.stderr.fnmatch_lines_random(
        ["::error file=checks.yaml,line=5::*refused [*][*][*]", "::error file=checks.yaml,line=6::*the plugin crashed: KeyError: 'nope'"]
    )


def test_sugar(mixed, beside, run):
    beside("sugar")
    result = run("--force-sugar", "--monitorpy=checks.yaml")
    result.stdout.fnmatch_lines(["*WARNED*checks.yaml::soft - usage [*][*][*]", "*1*passed*"])


# all of them


@pytest.mark.parametrize("more", [(), ("-n2",)])
def test_all_at_once(mixed, beside, project, monkeypatch, more):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    beside(*PEERS)
    project.pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nasyncio_mode = auto")
    project.write("test_own.py", "async def test_own(): pass")
    result = project.pytester.run(
        *(
            sys.executable,
            "-W",
            "error",
            "-m",
            "pytest",
            "-W",
            "error",
            "test_own.py",
            "--monitorpy=checks.yaml",
            "--monitorpy-json=r.json",
        ),
        *("--reruns=1", "--timeout=60", "--randomly-seed=7", "--alluredir=allure", "--cov=conftest", "--cov-report=term", "--force-sugar"),
        *("--html=report.html", "--self-contained-html", "--junitxml=junit.xml", *more),
    )
    assert result.ret == 1
    shown = result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in shown
    assert "::error file=checks.yaml,line=5::" in shown
    document = json.loads((project.path / "r.json").read_text())
    assert Counter(r["status"] for r in document["results"]) == {"success": 1, "warning": 1, "error": 5, "skipped": 2}
    statuses = Counter(status for status, _ in allure_results(project.path / "allure")[0].values())
    assert statuses == {"passed": 2, "skipped": 4, "failed": 2, "broken": 2}
    written = [path.read_text() for path in project.path.rglob("*.*") if path.suffix in {".json", ".xml", ".html"}]
    assert "geheim123" not in "".join([shown, *written])
