import gc

import pytest

from pytest_monitorpy.prefetch import Prefetcher
from tests.pytest_monitorpy.as_worker import AsWorker


def test_checks_run_side_by_side(project):
    """Each waits for the other one."""
    project.conftest("""
        both = threading.Barrier(2)

        @register_plugin("meet")
        def meet(config):
            both.wait(5)
            return CheckResult.success("met")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: meet, group: g}, {id: b, plugin: meet, group: g}]")
    project.run("--monitorpy=checks.yaml").assert_outcomes(passed=2)
    project.run("--monitorpy=checks.yaml", "-n1").assert_outcomes(passed=2)


def test_what_could_notice_runs_in_its_turn(project, run):
    project.write(
        "sub/conftest.py",
        """
        import pytest
        @pytest.fixture(autouse=True)
        def patched(monkeypatch):
            monkeypatch.setenv("PATCHED", "yes")
    """,
    )
    project.conftest("""
        @register_plugin("env")
        def env(config):
            return CheckResult.success(os.environ.get("PATCHED", "no"), raw_data={"main": threading.current_thread() is threading.main_thread()})
    """)
    for name, patched, main in (("sub/in.yaml", "yes", "true"), ("out.yaml", "no", "false")):
        project.write(
            name, f"checks: [{{id: a, plugin: env, expect: [{{path: message, equals: '{patched}'}}, {{path: main, equals: {main}}}]}}]"
        )
    run("--monitorpy=sub/in.yaml", "--monitorpy=out.yaml").assert_outcomes(passed=2)


def test_nothing_runs_ahead_of_what_may_change_the_world(project, run):
    """A Python test, and a check under a function-scoped fixture, patch the environment for as long as they run."""
    project.write("shared.py", "import threading; seen = threading.Event()")
    project.conftest("""
        from shared import seen

        @register_plugin("env")
        def env(config):
            seen.set()
            return CheckResult.success(os.environ.get("PATCHED", "no"))
    """)
    project.write(
        "sub/conftest.py",
        """
        import pytest
        from shared import seen
        @pytest.fixture(autouse=True)
        def patched(monkeypatch):
            monkeypatch.setenv("PATCHED", "yes")
            seen.wait(0.2)
    """,
    )
    project.write("sub/in.yaml", "checks: [{id: a, plugin: env, expect: [{path: message, equals: 'yes'}]}]")
    project.write(
        "test_it.py",
        """
        from shared import seen
        def test_it(monkeypatch):
            monkeypatch.setenv("PATCHED", "yes")
            assert not seen.wait(0.2)
    """,
    )
    project.write("out.yaml", "checks: [{id: a, plugin: env, expect: [{path: message, equals: 'no'}]}]")
    run("test_it.py", "--monitorpy=sub/in.yaml", "--monitorpy=out.yaml").assert_outcomes(passed=3)


def test_a_check_waits_for_the_fixtures_of_its_file(project, run):
    project.conftest("""
        up = []

        @pytest.fixture(scope="session", autouse=True)
        def server():
            up.append(1)
            yield
            up.clear()

        @register_plugin("up")
        def look(config):
            return CheckResult.success("up") if up else CheckResult.error("down")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: up}, {id: b, plugin: up}, {id: c, plugin: up}]")
    run("--monitorpy=checks.yaml").assert_outcomes(passed=3)


def test_needs_across_fixtures_and_threads(project, run):
    project.conftest("""
        @monitorpy_fixture("fix")
        def fix():
            return say
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: plain bad, plugin: say, config: {status: error}}
          - {id: fix after plain, plugin: fix, needs: [plain bad]}
          - {id: third, plugin: say, needs: [fix after plain]}
          - {id: fix bad, plugin: fix, config: {status: error}}
          - {id: plain after fix, plugin: say, needs: [fix bad, plain bad]}
          - {id: fix good, plugin: fix}
          - {id: free, plugin: say, needs: [fix good]}
          - {id: fix too, plugin: fix, needs: [fix good, free]}
    """,
    )
    result = run("--monitorpy=checks.yaml", "-rs")
    result.assert_outcomes(failed=2, skipped=3, passed=3)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED *: blocked by plain bad",
            "SKIPPED *: blocked by fix bad, plain bad",
        ]
    )


def test_needs_outside_the_selection_run_once_and_are_not_reported(project):
    project.conftest("""
        @register_plugin("once")
        def once(config):
            mark("ran")
            return CheckResult.success("ran")

        @monitorpy_fixture("fix")
        def fix():
            return say

        @monitorpy_fixture("fix_once")
        def fix_once():
            return once
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: root, plugin: once}
          - {id: middle, plugin: fix_once, needs: [root]}
          - {id: has a, plugin: fix, needs: [middle]}
          - {id: has b, plugin: fix, needs: [middle, root]}
          - {id: has c, plugin: say, needs: [middle]}
    """,
    )
    result = project.run("--monitorpy=checks.yaml", "-k", "has")
    result.assert_outcomes(passed=3, deselected=2)
    assert (project.path / "ran").read_text() == "xx"


def test_the_first_failure_ends_the_run_at_once(project):
    project.conftest("""
        @register_plugin("hang")
        def hang(config):
            threading.Event().wait(60)
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say, config: {status: error}}, {id: b, plugin: hang}, {id: c, plugin: hang}]")
    result = project.run("--monitorpy=checks.yaml", "-x", "--monitorpy-workers=4")
    result.assert_outcomes(failed=1)
    assert result.duration < 20


def test_only_a_window_runs_ahead(project):
    project.conftest("""
        @register_plugin("count")
        def count(config):
            mark("ran")
            return CheckResult.success("counted")
    """)
    project.write("checks.yaml", "checks:\n  - {id: bad, plugin: say, config: {status: error}}\n"
                  + "".join(f"  - {{id: c{i}, plugin: count}}\n" for i in range(100)))  # fmt: skip
    project.run("--monitorpy=checks.yaml", "--maxfail=1", "--monitorpy-workers=2").assert_outcomes(failed=1)
    ran = project.path / "ran"
    assert not ran.exists() or len(ran.read_text()) <= 8


def test_what_is_collected_only_does_not_run(project):
    project.write("checks.yaml", "checks: [{id: a, plugin: crash}]")
    assert project.run("--monitorpy=checks.yaml", "--co").ret == 0


def test_a_skipped_check_is_never_run(project):
    project.conftest("""
        @register_plugin("count")
        def count(config):
            mark("ran")
            return CheckResult.success("counted")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: count, skip: later}, {id: b, plugin: say}]")
    project.run("--monitorpy=checks.yaml").assert_outcomes(skipped=1, passed=1)
    assert not (project.path / "ran").exists()


def test_ctrl_c_ends_the_run_and_writes_what_is_known(project):
    project.conftest("""
        import _thread
        reported = threading.Event()

        def pytest_runtest_logfinish(nodeid):
            reported.set()

        @register_plugin("hang")
        def hang(config):
            threading.Event().wait(60)

        @register_plugin("interrupt")
        def interrupt(config):
            reported.wait(20)
            _thread.interrupt_main()
            threading.Event().wait(60)
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}, {id: b, plugin: hang}, {id: c, plugin: interrupt}]")
    result = project.pytester.runpytest_subprocess("--monitorpy=checks.yaml", "--monitorpy-json=r.json", "-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert result.duration < 20
    assert '"success": 1' in (project.path / "r.json").read_text()


def test_a_run_deadline_for_what_runs_in_its_turn(project):
    project.conftest("""
        @monitorpy_fixture("slow")
        def slow():
            def check(config):
                time.sleep(0.2)
                return CheckResult.success("done")
            return check
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: slow}, {id: b, plugin: slow}]")
    result = project.run("--monitorpy=checks.yaml", "--monitorpy-deadline=0.1")
    result.assert_outcomes(failed=2)  # the first came too late, the second was not begun
    result.stdout.fnmatch_lines(["E   ERROR: the run's deadline of 0.1 s was reached"] * 2)


class Worker(AsWorker):
    """One that was handed more than the next item."""

    def __init__(self, **workerinput):
        super().__init__(**workerinput)
        self.torun = self
        self.handed = [2, "SHUTDOWN"]

    def __enter__(self):
        return self.handed

    def __exit__(self, *_):
        pass

    def lock(self):
        return self


def test_a_worker_runs_ahead_what_it_was_handed(project, monkeypatch):
    """The first check waits for the third."""
    project.conftest("""
        third = threading.Event()

        @register_plugin("wait")
        def wait(config):
            return CheckResult.success("it ran") if third.wait(20) else CheckResult.error("it did not")

        @register_plugin("tell")
        def tell(config):
            third.set()
            return CheckResult.success("told")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: wait}, {id: b, plugin: say}, {id: c, plugin: tell}]")
    made = []
    init = Prefetcher.__init__
    monkeypatch.setattr(Prefetcher, "__init__", lambda self, *args: (init(self, *args), made.append(self))[0])
    project.run("--monitorpy=checks.yaml", "--monitorpy-workers=10", "-p", "no:xdist", plugins=[Worker(workercount=4)]).assert_outcomes(
        passed=3
    )
    assert made[0].workers == 2  # not 3: together they would be more than 10


@pytest.mark.parametrize(
    ("processes", "given", "each"), [(1, (7, 3), (7, 3)), (2, (7, 3), (3, 1)), (8, (7, 3), (1, 1)), (2, (7, 0), (3, 0))]
)
def test_the_limits_hold_for_all_workers_together(project, processes, given, each):
    """As far as each of them has one check at a time; 0 is no limit."""
    config = project.pytester.parseconfigure(f"--monitorpy-workers={given[0]}", f"--monitorpy-per-host={given[1]}")
    made = Prefetcher(config, [], processes)
    assert (made.workers, made.per_host) == each


def test_a_check_that_kills_its_worker_is_told_from_the_rest(project):
    """The first worker runs it ahead, the one that takes its place does not."""
    project.conftest("""
        @register_plugin("die")
        def die(config):
            os._exit(3)

        @register_plugin("wait")
        def wait(config):
            threading.Event().wait(30)
    """)
    project.write("checks.yaml", "checks: [{id: first, plugin: wait, timeout: 30}, {id: fatal, plugin: die}, {id: last, plugin: say}]")
    result = project.run("--monitorpy=checks.yaml", "-n1", "--max-worker-restart=9")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines_random(
        ["worker 'gw0' crashed*::first', or a check that ran ahead of its turn", "worker 'gw1' crashed*::fatal'", "FAILED *::first*"]
    )


def test_a_worker_reads_the_controllers_standard_input(project):
    worker = Worker(workercount=1, monitorpy_stdin=b"checks: [{id: a, plugin: say}]")
    result = project.run("--monitorpy=-", "--monitorpy=-::a", "-rA", "-p", "no:xdist", plugins=[worker])
    result.stdout.fnmatch_lines(["PASSED <stdin>::a"])


SETUP = """
    ready, counts = [], {}

    def pytest_monitorpy_check_setup(item, check):
        assert threading.current_thread() is threading.main_thread()
        ready.append(check.id)
        if "raises" in check.id:
            raise RuntimeError(f"nothing for {check.id}")
        if "skips" in check.id:
            pytest.skip("not here")
        if item.name != check.id:
            mark(f"{check.id} for {item.name}")

    @register_plugin("prepared")
    def prepared(config):
        counts[config["id"]] = counts.get(config["id"], 0) + 1
        if ready.count(config["id"]) != counts[config["id"]]:
            return CheckResult.error("it was not set up")
        return CheckResult.error("not yet") if "twice" in config["id"] and counts[config["id"]] < 2 else CheckResult.success("set up")

    @monitorpy_fixture("prepared_fixture")
    def prepared_fixture():
        return prepared
"""


def prepared(*entries):
    """Checks from "id", "id: need need", with "fixture" in it one that is made of a fixture."""
    split = [entry.partition(":") for entry in entries]
    return "".join(
        f"- {{id: {name}, plugin: prepared{'_fixture' * ('fixture' in name)}, config: {{id: {name}}}, needs: [{', '.join(needs.split())}]}}\n"
        for name, _, needs in split
    )


def test_each_check_is_set_up_before_it_starts(project, run):
    project.conftest(SETUP)
    project.write("checks.yaml", prepared("early: late", "late", "own_fixture: late", "after: own_fixture", "twice", "twice_fixture"))
    result = run("--monitorpy=checks.yaml", "-p", "rerunfailures", "--reruns=1", fast=False)
    assert result.parseoutcomes() == {"passed": 6, "rerun": 2}


def test_what_is_raised_before_a_check_is_its_outcome(project, run):
    project.conftest(SETUP)
    project.write("checks.yaml", prepared("raises", "behind: raises", "skips", "raises_fixture", "behind_fixture: skips raises_fixture"))
    result = run("--monitorpy=checks.yaml", "-rs")
    result.assert_outcomes(failed=2, skipped=3)
    result.stdout.fnmatch_lines(["*conftest.py:*: RuntimeError"])
    result.stdout.fnmatch_lines_random(
        [
            "E *RuntimeError: nothing for raises",
            "E *RuntimeError: nothing for raises_fixture",
            "SKIPPED *: blocked by raises",
            "SKIPPED *: not here",
            "SKIPPED *: blocked by skips, raises_fixture",
        ]
    )
    result.stdout.no_fnmatch_line("*prefetch.py*")


def test_a_check_that_is_only_needed_is_set_up_for_the_one_that_needs_it(project):
    project.conftest(SETUP)
    project.write("checks.yaml", prepared("root", "raises", "has_a: root", "has_b: root", "has_c: raises", "has_fixture: raises root"))
    result = project.run("--monitorpy=checks.yaml", "-k", "has")
    result.assert_outcomes(passed=2, failed=2, deselected=2)
    assert [path.read_text() for path in project.path.glob("root for *")] == ["x"]
    result.stdout.fnmatch_lines(["E *RuntimeError: nothing for raises", "E   ERROR: blocked by raises"])


def test_a_hook_ends_the_run(project):
    project.conftest("""
        def pytest_monitorpy_check_setup(item, check):
            pytest.exit("enough", 7)
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    assert project.run("--monitorpy=checks.yaml").ret == 7


def test_a_skipped_check_that_is_needed_is_not_run(project, run):
    project.conftest(SETUP)
    project.write("checks.yaml", prepared("a_fixture: b", "c: b") + "- {id: b, plugin: crash, skip: later}\n")
    run("--monitorpy=checks.yaml").assert_outcomes(passed=2, skipped=1)


RERUN = """
    @register_plugin("first")
    def first(config):
        "Fails as many times as its config says, in each process."
        mark(config["n"] + os.environ.get("PYTEST_XDIST_WORKER", ""))
        failing = Path(config["n"] + os.environ.get("PYTEST_XDIST_WORKER", "")).stat().st_size <= config.get("failing", 1)
        return CheckResult.error("not yet") if failing else CheckResult.success("at last")

    @monitorpy_fixture("first_fixture")
    def first_fixture():
        return first

    @monitorpy_fixture("say_fixture")
    def say_fixture():
        return say
"""


def test_what_needs_a_check_that_passes_on_a_rerun_runs(project, run):
    """In whatever order, in whatever thread and process, and behind one another."""
    project.conftest(f"\n    from pathlib import Path\n{RERUN}")
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: above, plugin: say, needs: [fine, root]}
          - {id: above f, plugin: say_fixture, needs: [f root]}
          - {id: fine, plugin: say}
          - {id: root, plugin: first, config: {n: root}}
          - {id: f root, plugin: first_fixture, config: {n: f}}
          - {id: last, plugin: say, needs: [behind f]}
          - {id: behind, plugin: say, needs: [root]}
          - {id: behind f, plugin: say, needs: [f root, behind]}
          - {id: mixed f, plugin: say_fixture, needs: [root, behind f]}
          - {id: late, plugin: first, config: {n: late, failing: 2}}
          - {id: behind late, plugin: say_fixture, needs: [late]}
    """,
    )
    result = run("-p", "rerunfailures", "--reruns=2", "--monitorpy=checks.yaml", "-rA", "-v")
    result.assert_outcomes(passed=11)
    for root in ("root", "f root", "late"):
        assert any("RERUN" in line and f"checks.yaml::{root}" in line for line in result.outlines)


def test_a_root_gets_no_more_reruns_than_its_own_test_would_get(project):
    project.conftest(f"\n    from pathlib import Path\n{RERUN}")
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: above, plugin: say, needs: [root]}
          - {id: above too, plugin: say_fixture, needs: [root]}
          - {id: root, plugin: first, config: {n: root, failing: 99}}
          - {id: behind, plugin: say, needs: [root]}
    """,
    )
    result = project.run("-p", "rerunfailures", "--reruns=2", "--monitorpy=checks.yaml")
    assert result.parseoutcomes() == {"failed": 1, "skipped": 3, "rerun": 2}
    assert [path.read_text() for path in project.path.glob("root*")] == ["x" * 5]


def test_who_waits_may_be_interrupted(project, ms):
    """By pytest-timeout. What shows is that, not where the thread of the tests waited."""
    project.conftest("""
        @register_plugin("hang")
        def hang(config):
            threading.Event().wait(60)
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: hang}, {id: b, plugin: say}]")
    result = project.run("-p", "timeout", f"--timeout={200 * ms}", "--monitorpy=checks.yaml", "--show-capture=no")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*__ hang check 'a' __*", "Timeout *>*", "*- check file -*", "checks.yaml:1"], consecutive=True)


def test_what_was_collected_is_out_of_the_garbage_collectors_sight_while_it_runs(project):
    project.write("checks.yaml", "- {id: a, plugin: say}")
    seen = []

    class Look:
        def pytest_runtest_logfinish(self):
            seen.append(gc.get_freeze_count())

    gc.unfreeze()
    project.run("--monitorpy=checks.yaml", plugins=[Look()]).assert_outcomes(passed=1)
    assert seen[0] > 1000
    assert gc.get_freeze_count() == 0
