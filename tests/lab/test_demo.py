from __future__ import annotations

import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from monitorpy.errors import UsageError
from monitorpy.lab import demo
from monitorpy.lab.demo import _environment, differences, run_demo

PASSED = {"status": "success", "fault": None, "message": "fine"}
POPEN = subprocess.Popen


@pytest.fixture
def pytest_says(monkeypatch):
    """Replace pytest by a program of a few lines, which is run in the demo's folder."""

    def replace(program: str):
        code = textwrap.dedent(program)
        monkeypatch.setattr(demo.subprocess, "Popen", lambda command, **more: POPEN([sys.executable, "-c", code, *command[2:]], **more))

    return replace


def results(**statuses):
    return f"""
        import json
        meant = json.load(open({str(Path(demo.__file__).parent / "expected.json")!r}))
        results = [{{"id": name, "message": "", **({{"status": "error", "fault": "blocked"}} if s == "blocked"
                    else {{"status": s, "fault": "target" if s == "error" else None}})}} for name, s in {{**meant, **{statuses!r}}}.items()]
        json.dump({{"results": results}}, open("results.json", "w"))
        open("report.html", "w").close()
        raise SystemExit(1)
    """


def test_all_ended_as_meant(tmp_path, capsys, pytest_says):
    pytest_says(results())
    assert run_demo(tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "each ended as the demo means it to: " in lines[-3]
    assert lines[-1] == f"The report is in {tmp_path / 'report.html'}"


def test_one_did_not(tmp_path, capsys, pytest_says):
    pytest_says(results(home="warning"))
    assert run_demo(tmp_path) == 2
    lines = capsys.readouterr().out.splitlines()
    assert "  home: warning, meant was success: " in lines
    assert lines[-1] == f"The report is in {tmp_path / 'report.html'}"


@pytest.mark.parametrize("code", [0, 1, 4])
def test_pytest_could_not_run(tmp_path, capsys, pytest_says, code):
    (tmp_path / demo.DEFAULT_FOLDER).mkdir()
    pytest_says(f"raise SystemExit({code})")
    assert run_demo(tmp_path / demo.DEFAULT_FOLDER) == 3
    assert capsys.readouterr().out.splitlines()[-1] == f"pytest could not run the demo (it ended with {code})."


def test_results_of_an_earlier_run_do_not_count(tmp_path, pytest_says):
    pytest_says(results())
    assert run_demo(tmp_path) == 0
    pytest_says("raise SystemExit(0)")
    assert run_demo(tmp_path) == 3


def test_the_folder_of_somebody_else(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError):
        run_demo(tmp_path)


def test_interrupted(tmp_path, capsys, monkeypatch, pytest_says, ms):
    """The signal goes to the demo alone; a child that does not end is killed."""
    pytest_says(f"""
        import os, signal, time
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        open("report.html", "w").close()
        os.kill({os.getpid()}, signal.SIGINT)
        time.sleep(60)
    """)
    monkeypatch.setattr(demo, "_GRACE", 200 * ms)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert run_demo(tmp_path) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().out.splitlines()[-2:] == ["interrupted", f"The report is in {tmp_path / 'report.html'}"]


def test_the_environment_of_pytest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outer = {"HOME": "/h", "PYTEST_ADDOPTS": "-x", "PYTEST_PLUGINS": "p", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "NO_PROXY": "x"}
    made = _environment({**outer, "PYTHONPATH": f"src{os.pathsep}{os.pathsep}/abs"}, {"LAB_HTTP": "1"})
    local = "127.0.0.1,localhost"
    path = f"{tmp_path / 'src'}{os.pathsep}/abs"
    assert made == {"HOME": "/h", "PYTHONPATH": path, "NO_PROXY": local, "no_proxy": local, "LAB_HTTP": "1"}
    assert "PYTHONPATH" not in _environment(outer, {})


def test_differences():
    outcomes = {
        "fine": PASSED,
        "other": {**PASSED, "message": "all good"},
        "crashed": {"status": "error", "fault": "plugin", "message": "the plugin crashed"},
        "late": {"status": "error", "fault": "target", "message": "refused"},
        "blocked": {"status": "error", "fault": "blocked", "message": "blocked by x"},
        "new": PASSED,
    }
    expected = {"fine": "success", "other": "warning", "crashed": "error", "late": "error", "blocked": "blocked", "gone": "success"}
    assert differences(outcomes, expected) == [
        "gone: did not run",
        "other: success, meant was warning: all good",
        "crashed: failed by a fault of the plugin: the plugin crashed",
        "new: success, meant was nothing, there is no such check: fine",
    ]


def test_serve(tmp_path, capsys):
    stop = Event()
    codes = []
    thread = Thread(target=lambda: codes.append(run_demo(tmp_path, serve=True, stop=stop)))
    thread.start()
    try:
        settings = {}
        while "LAB_FOLDER" not in settings:  # the last one written
            if (tmp_path / "lab.env").exists():
                words = shlex.split((tmp_path / "lab.env").read_text())
                settings = dict(word.split("=", 1) for word in words if word != "export")
            assert thread.is_alive()
        with closing(http.client.HTTPConnection("127.0.0.1", int(settings["LAB_HTTP"]), timeout=5)) as client:
            client.request("GET", "/")
            assert client.getresponse().status == 200
        assert settings["LAB_PASSWORD"] == "correct horse"
        assert settings["LAB_FOLDER"] == str(tmp_path)
    finally:
        stop.set()
        thread.join(10)
    assert codes == [0]
    assert not (tmp_path / "lab.env").exists()
    assert f"  cd {tmp_path}" in capsys.readouterr().out.splitlines()


@pytest.mark.slow
def test_the_whole_demo(tmp_path):
    """From a project whose own settings would stop it."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (project / "conftest.py").write_text("raise RuntimeError('not yours')\n")
    environ = {**os.environ, "PYTEST_ADDOPTS": "--also-no-option", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    program = "import sys; from pathlib import Path; from monitorpy.lab.demo import run_demo; sys.exit(run_demo(Path('monitorpy-demo')))"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=project, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    folder = project / "monitorpy-demo"
    assert ran.stdout.splitlines()[-2:] == [
        f"The checks alone, on a page of MonitorPy's own: {folder / 'checks.html'}",
        f"The report is in {folder / 'report.html'}",
    ]
    assert sorted(path.name for path in project.iterdir() if path.name != "__pycache__") == ["conftest.py", "monitorpy-demo", "pytest.ini"]
    written = [(folder / name).read_text() for name in ("report.html", "checks.html", "results.json")] + [ran.stdout]
    token = (folder / "secrets" / "token.txt").read_text().strip()
    for text in written:
        assert token not in text
        assert "correct horse" not in text
    summary = json.loads(written[2])["summary"]
    assert summary["total"] == sum(summary[key] for key in ("success", "warning", "error", "blocked", "skipped"))
