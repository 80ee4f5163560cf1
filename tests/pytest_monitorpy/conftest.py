"""Projects that run pytest inside the tests: with xdist at work, installed but idle, and disabled."""

from __future__ import annotations

import textwrap
from importlib.metadata import entry_points

import pytest

# The inner runs happen in this process and forget what they imported; what is imported here stays one and the same.
import monitorpy.checkfile  # noqa: F401
import pytest_monitorpy.collect  # noqa: F401
import pytest_monitorpy.html  # noqa: F401
from monitorpy.core.registry import registry

PLUGINS = """
    import os, threading, time
    import pytest
    from monitorpy import CheckResult, register_plugin
    from monitorpy.core.result import Failure
    from pytest_monitorpy import monitorpy_fixture

    @register_plugin("say")
    def say(config):
        "Ends as its config says."
        status = config.get("status", "success")
        failures = (Failure("status_code", "200", 503),) if status == "error" else ()
        raw = {"url": config.get("url", "http://target"), "thread": threading.current_thread() is threading.main_thread(), "body": "x"}
        phases = {"dns": 0.001, "connect": 0.02, "tls": None}
        return CheckResult(status, config.get("message", f"it is a {status}"), 0.25, raw, failures=failures, phases=phases)

    def mark(name):
        with open(name, "a") as file:
            file.write("x")

    @register_plugin("crash")
    def crash(config):
        return config["nope"]
"""

FAST = ("-p", "no:cacheprovider")

OTHERS = {plugin.name for plugin in entry_points(group="pytest11")} - {"monitorpy", "xdist", "html", "html_fixtures", "metadata"}
"""Installed plugins that are not a part of every inner run: they would cost time, and shuffle the tests."""


@pytest.fixture(autouse=True)
def _registry(monkeypatch):
    """Each inner project registers its own plugins."""
    monkeypatch.setattr(registry, "_plugins", dict(registry.plugins))


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with two plugins, "say" and "crash"; `write(name, text)` adds a file."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("PYTEST_ADDOPTS", without(OTHERS))
    return Project(pytester)


@pytest.fixture
def torn(project):
    """A project whose check "root" fails in the worker that runs "after", which so is blocked by a check that passes elsewhere."""
    project.conftest("""
        turn, begun = [], threading.Event()

        def pytest_runtest_logstart(nodeid):
            turn.append(nodeid)
            begun.set()

        @register_plugin("torn")
        def torn(config):
            begun.wait(60)
            return CheckResult("success" if turn[0].endswith("root") else "error", "as it is here")
    """)
    project.write("checks.yaml", "checks: [{id: root, plugin: torn}, {id: after, plugin: say, needs: [root]}]")
    return project


def without(plugins):
    """Options of pytest that switch the plugins off; "-p NAME" behind them switches one on again."""
    return " ".join(f"-p no:{name}" for name in sorted(plugins))


@pytest.fixture(params=["active", "idle", "disabled"])
def xdist(request):
    return request.param


@pytest.fixture
def run(project, xdist):
    """Run pytest in the project, with pytest-xdist active, idle or disabled."""
    more = {"active": ("-n2",), "idle": (), "disabled": ("-p", "no:xdist")}[xdist]
    return lambda *args, **options: project.run(*args, *more, **options)


class Project:
    def __init__(self, pytester):
        self.pytester = pytester
        self.path = pytester.path
        self.write("conftest.py", PLUGINS)

    def write(self, name, text, *, more=""):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text) + textwrap.dedent(more))
        return path

    def conftest(self, text):
        self.write("conftest.py", PLUGINS, more=text)

    def run(self, *args, fast=True, plugins=()):
        return self.pytester.runpytest_inprocess(*(FAST if fast else ()), *map(str, args), plugins=plugins)
