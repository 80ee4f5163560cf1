import re
from html import unescape
from types import SimpleNamespace

import pytest

from pytest_monitorpy.page import WorkerPage

CHECKS = """
    checks:
      - {id: good, plugin: say, group: web, tags: [prod]}
      - {id: soft, plugin: say, config: {status: warning}}
      - {id: bad, plugin: say, config: {status: error, message: "no <b>answer</b>"}}
      - {id: after, plugin: say, needs: [bad]}
      - {id: rest, plugin: say, skip: later}
"""
GOOD = "checks: [{id: a, plugin: say}, {id: b, plugin: say, tags: [b]}, {id: c, plugin: say}]"


@pytest.fixture
def page(project):
    """The page that was written: its headline, level, notes, names of what did not run, and text."""
    return lambda name="o.html": Written((project.path / name).read_text(encoding="utf-8"))


class Written:
    def __init__(self, text):
        self.text = text
        self.headline = re.search(r"<h1>(.*?)</h1>", text)[1]
        self.level = re.search(r"<html lang=en class=(\w+)>", text)[1]
        self.notes = [unescape(note) for note in re.findall(r"<p class=note>(.*?)</p>", text, re.DOTALL)]
        listed = re.search(r"<h2>Did not run</h2>.*?<ul>(.*?)</ul>", text)
        self.unrun = re.findall(r"<li>([^<]*)", listed[1]) if listed else []
        self.checks = re.findall(r"<tr id=c\d+ class=(\w+)>.*?<th scope=row>([^<]*?) ?<", text)


def test_the_page(project, run, page):
    project.write("checks.yaml", CHECKS)
    run("--monitorpy=checks.yaml", "--monitorpy-html=deep/in/o.html")
    written = page("deep/in/o.html")
    assert (written.level, written.headline, written.notes, written.unrun) == ("bad", "1 of 5 checks fails", [], [])
    assert written.checks == [("error", "bad"), ("warning", "soft"), ("blocked", "after"), ("skipped", "rest"), ("success", "good")]
    assert "no &lt;b&gt;answer&lt;/b&gt;" in written.text
    assert "checks.yaml:5" in written.text


def test_all_is_well(project, run, page):
    project.write("checks.yaml", GOOD)
    project.write("test_own.py", "def test_own(): pass")
    assert run("--monitorpy=checks.yaml", ".", "--monitorpy-html=o.html").ret == 0
    written = page()
    assert (written.level, written.headline, written.notes) == ("good", "All 3 checks passed", [])


def test_what_was_not_selected_is_counted(project, run, page):
    project.write("checks.yaml", GOOD)
    project.write("test_own.py", "def test_own(): pass")
    run("--monitorpy=checks.yaml", ".", "-m", "b", "--monitorpy-html=o.html")
    written = page()
    assert (written.level, written.headline) == ("good", "The check passed")
    assert "<dt>Selected<dd>1 of 3 checks<" in written.text


@pytest.mark.parametrize("stop", ["-x", "--maxfail=1"])
def test_what_did_not_run_any_more_is_named(project, page, stop):
    project.write("checks.yaml", CHECKS)
    project.run("--monitorpy=checks.yaml", stop, "--monitorpy-html=o.html", "-p", "no:randomly")
    written = page()
    assert (written.level, written.headline) == ("bad", "1 of 5 checks fails, 2 did not run")
    assert written.unrun == ["checks.yaml::after", "checks.yaml::rest"]


def test_ctrl_c(project, xdist, page):
    """From a terminal it comes to all processes at once; here one test of many waits for it, and the checks behind that test never run."""
    project.write("checks.yaml", GOOD)
    project.write(
        "a_test.py",
        "import os, signal, threading\ndef test_a():\n    os.kill(int(os.environ['MAIN']), signal.SIGINT)\n    threading.Event().wait(60)",
    )
    project.conftest("""
        def pytest_configure(config):
            if not hasattr(config, "workerinput"):
                os.environ["MAIN"] = str(os.getpid())
    """)
    more = {"active": ("-n1",), "idle": (), "disabled": ("-p", "no:xdist")}[xdist]
    done = project.pytester.runpytest_subprocess("a_test.py", "checks.yaml", "--monitorpy-html=o.html", *more)
    assert done.ret == pytest.ExitCode.INTERRUPTED
    written = page()
    assert (written.level, written.headline) == ("bad", "Incomplete: 0 of 3 checks ran")
    assert written.notes == ["The run was interrupted."]
    assert written.unrun == ["checks.yaml::a", "checks.yaml::b", "checks.yaml::c"]


def test_failures_of_others_take_the_green_away(project, run, page):
    project.conftest("""
        @pytest.fixture
        def torn():
            yield
            raise RuntimeError("teardown")
    """)
    project.write("checks.yaml", GOOD)
    project.write(
        "test_own.py",
        "import pytest\ndef test_bad(): assert 0\ndef test_torn(torn): pass\n@pytest.mark.parametrize('n', range(10))\ndef test_many(n, nope): pass",
    )
    run("--monitorpy=checks.yaml", ".", "--monitorpy-html=o.html")
    written = page()
    assert (written.level, written.headline) == ("mild", "All 3 checks passed")
    [note] = written.notes
    assert note.startswith("Failed in the same run, and not shown below: ")
    names = note.partition(": ")[2].removesuffix(", and 2 more").split(", ")
    assert len(names) == 10
    assert set(names) < {
        "test_own.py::test_bad",
        "test_own.py::test_torn (teardown)",
        *(f"test_own.py::test_many[{n}] (setup)" for n in range(10)),
    }


def test_what_could_not_be_collected_is_told(project, run, page):
    project.write("checks.yaml", GOOD)
    project.write("wrong.yaml", "checks: [{id: a, plugin: say}, {id: a, plugin: '<nope>'}]")
    run("--monitorpy=checks.yaml", "--monitorpy=wrong.yaml", "--continue-on-collection-errors", "--monitorpy-html=o.html")
    written = page()
    assert (written.level, written.headline) == ("mild", "All 3 checks passed")
    assert len(written.notes) == 1
    assert written.notes[0].startswith("wrong.yaml could not be collected:\n")
    assert "<nope>" in written.notes[0]
    assert "<nope>" not in written.text

    assert run("--monitorpy=checks.yaml", "--monitorpy=wrong.yaml", "--monitorpy-html=o.html").ret in {1, 2}
    assert page().level != "good"


def test_an_exit_code_that_nothing_else_explains(project, page):
    project.conftest("""
        @pytest.hookimpl(wrapper=True)
        def pytest_runtestloop(session):
            "As pytest-cov does when too little is covered."
            done = yield
            session.testsfailed += 1
            return done
    """)
    project.write("checks.yaml", GOOD)
    project.run("--monitorpy=checks.yaml", "--monitorpy-html=o.html")
    assert (page().level, page().headline) == ("mild", "All 3 checks passed")
    assert page().notes == [f"pytest ended with exit code {int(pytest.ExitCode.TESTS_FAILED)}."]


def test_only_looked_at(project, page):
    project.write("checks.yaml", GOOD)
    project.run("--monitorpy=checks.yaml", "--co", "--monitorpy-html=o.html")
    assert (page().level, page().headline) == ("bad", "Incomplete: 0 of 3 checks ran")


def test_without_checks(project, run, page):
    project.write("test_own.py", "def test_own(): pass")
    project.write("data.yaml", "checks: none")
    run("test_own.py", "--monitorpy-html=o.html")
    assert (page().level, page().headline) == ("mild", "Nothing was checked")


def test_a_worker_counts_for_the_controller():
    worker = SimpleNamespace(workeroutput={})
    check, test = SimpleNamespace(is_monitorpy_check=True, nodeid="checks.yaml::a"), SimpleNamespace(nodeid="test_own.py::test_own")
    hooks = WorkerPage(worker)
    hooks.pytest_deselected([check, test])
    hooks.pytest_deselected([check])
    assert worker.workeroutput == {"monitorpy_unselected": 2}


def test_a_path_that_cannot_be_written_is_told_before_anything_runs(project, run):
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    result = run("--monitorpy=checks.yaml", "--monitorpy-html=conftest.py/o.html")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --monitorpy-html: cannot write *"])


def test_no_secret(project, run, page, monkeypatch):
    monkeypatch.setenv("TOKEN", "hunter2-hunter2")
    project.write(
        "checks.yaml",
        'checks: [{id: a, plugin: say, config: {status: error, message: "said ${secret:TOKEN}", url: "http://u:${secret:TOKEN}@host"}}]',
    )
    run("--monitorpy=checks.yaml", "--monitorpy-html=o.html")
    written = page()
    assert "hunter2" not in written.text
    assert "said ***" in written.text
