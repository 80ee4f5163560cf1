from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from monitorpy.cli import main
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult

SAY = """
import time
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult


@register_plugin("say")
def say(config):
    "Says what it is told."
    time.sleep(config.get("sleep", 0))
    return CheckResult(config.get("status", "success"), config.get("message", "said"))
"""


def said(config):
    if "crash" in config:
        raise RuntimeError(config["crash"])
    return CheckResult(config.get("status", "success"), config.get("message", "said"), raw_data={"seen": config.get("seen")})


@pytest.fixture
def say(plugins):
    """The plugin ``say``: ends with the status and message of its config."""
    register_plugin("say")(said)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, to write check files into."""
    monkeypatch.chdir(tmp_path)

    def write(name, *checks, text=None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text is not None else json.dumps({"version": 1, "checks": list(checks)}))
        return name

    return write


@pytest.fixture
def told(capsys):
    """Run a command; returns exit code, output, errors."""

    def run(*argv):
        capsys.readouterr()
        code = main([str(argument) for argument in argv])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


@pytest.fixture
def package(tmp_path):
    """The environment of a process in which another package is installed: a plugin ``say`` with an entry point."""
    site = tmp_path / "site"
    (site / "saying-1.0.dist-info").mkdir(parents=True)
    (site / "saying-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: saying\nVersion: 1.0\n")
    (site / "saying-1.0.dist-info" / "entry_points.txt").write_text("[monitorpy.plugins]\nsay = saying:say\n")
    (site / "saying.py").write_text(SAY)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))}


@pytest.fixture
def start(package, tmp_path):
    """Start ``monitorpy`` in a process of its own, in the working directory of `folder`."""
    started = []

    def run(*argv, **more):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path, "env": package, **more}
        process = subprocess.Popen([sys.executable, "-m", "monitorpy", *map(str, argv)], **options)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()
