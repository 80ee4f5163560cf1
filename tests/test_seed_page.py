"""The page on writing plugins that users of the earlier API know: each of its code blocks works as it is written.

``data/seed_writing_plugins.md`` is that page, unchanged. Two blocks cannot run in any program (a class body that holds only
a comment, an import of a module that the reader has yet to write); for these, what the reader will make of them runs.
"""

from __future__ import annotations

import queue
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from monitorpy import CheckResult, MonitorPlugin, PluginTemplate, register_plugin, registry, run_check, run_checks_in_parallel
from monitorpy.core.pool import ConnectionPool

pytestmark = pytest.mark.usefixtures("plugins")

PAGE = (Path(__file__).parent / "data" / "seed_writing_plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
TEMPLATE, CONFIGURATION, RESULTS, TIMING, REGISTRATION, EXPORT, POOL = BLOCKS


def run(block, **surroundings):
    """What the names of the surroundings and of the block are after it; it is run as it stands on the page."""
    names = {"__name__": "my_package.plugins", **surroundings}
    exec(compile(block, "seed_writing_plugins.md", "exec", dont_inherit=True), names)
    return names


class Bare(PluginTemplate):
    """A plugin whose instance may stand for ``self`` on the page."""

    @classmethod
    def get_required_config(cls):
        return ["key"]


def test_template():
    plugin = run(TEMPLATE, response_time=0.25)["MyCustomPlugin"]
    assert registry.get("my_custom_check") is plugin
    assert registry.get_all_plugins()["my_custom_check"] == {
        "description": "My custom monitoring plugin that checks XYZ.",
        "required_config": ["target", "threshold"],
        "optional_config": [],
    }
    result = run_check("my_custom_check", {"target": "db", "threshold": 3})
    assert (result.status, result.message, result.response_time) == ("success", "Check successful for db", 0.25)
    assert result.raw_data == {"details": "your data here"}


@pytest.mark.parametrize(
    "config, message",
    [
        ({"target": "db", "threshold": -1}, "threshold: invalid value -1"),
        ({"target": "db", "threshold": "3"}, "threshold: invalid value '3'"),
        ({"target": "db"}, "missing required key 'threshold'"),
        ({}, "missing required key 'target'; missing required key 'threshold'"),
    ],
)
def test_template_refuses_what_it_should(config, message):
    run(TEMPLATE, response_time=0.25)
    result = run_check("my_custom_check", config)
    assert (result.status, result.fault, result.message) == ("error", "config", message)


def test_template_without_the_readers_part_is_an_error_and_not_a_pass():
    run(TEMPLATE)  # the page leaves response_time to the reader
    result = run_check("my_custom_check", {"target": "db", "threshold": 3})
    assert (result.status, result.fault) == ("error", "plugin")
    assert "name 'response_time' is not defined" in result.message


@pytest.mark.parametrize("config, value, valid", [({"key": "given"}, "given", True), ({}, "default_value", False)])
def test_configuration(config, value, valid):
    names = run(CONFIGURATION, self=Bare(config))
    assert names["value"] == value
    assert names["is_valid"] is valid


def test_configuration_with_a_value_that_is_refused():
    with pytest.raises(ValueError, match="key: invalid value ''"):
        run(CONFIGURATION, self=Bare({"key": ""}))


@pytest.mark.parametrize(
    "number, result",
    [
        (1, CheckResult("success", "All systems normal", 0.5, {"data": "value"})),
        (2, CheckResult("warning", "Performance degraded", 3.2, {"data": "value"})),
        (3, CheckResult("error", "Service unavailable", 2.1, {"error": "details"})),
    ],
)
def test_results(number, result):
    comments = [m.start() for m in re.finditer("^# Create", RESULTS, re.MULTILINE)]
    found = run(RESULTS[: comments[number] if number < 3 else None], self=Bare({}))["result"]
    assert found.changed(timestamp=result.timestamp) == result


def test_timing():
    def my_function(*args, **kwargs):
        return args, kwargs

    names = run(TIMING, self=Bare({}), my_function=my_function, arg1=1, arg2=2, value=3)
    assert names["result"] == ((1, 2), {"kwarg1": 3})
    assert 0 <= names["duration"] < 1


def test_registration_as_written_has_no_class_body():
    with pytest.raises(SyntaxError):  # a comment is no statement: Python's rule, not ours
        run(REGISTRATION, MonitorPlugin=MonitorPlugin)


def test_registration_with_a_body():
    body = """
    @classmethod
    def get_required_config(cls): return []
    def validate_config(self): return True
    def run_check(self): return CheckResult("success", "done")
"""
    plugin = run(REGISTRATION + body, MonitorPlugin=MonitorPlugin, CheckResult=CheckResult)["MyPlugin"]
    assert registry.get("unique_plugin_name") is plugin
    assert run_check("unique_plugin_name", {}).message == "done"


def test_export_as_written_needs_the_readers_module():
    with pytest.raises(ModuleNotFoundError, match=r"monitorpy\.plugins\.my_plugin"):
        run(EXPORT)


def test_export_with_a_module_of_that_name(monkeypatch):
    module = ModuleType("monitorpy.plugins.my_plugin")
    module.MyPlugin = Bare
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names = run(EXPORT)
    assert names["__all__"] == ["MyPlugin"]
    assert names["MyPlugin"] is Bare


class Connections:
    """Counts what is opened and closed."""

    def __init__(self):
        self.opened = self.closed = 0

    def create(self, target):
        self.opened += 1
        return self

    def close(self):
        self.closed += 1


def in_parallel(name):
    results = [result for _, result in run_checks_in_parallel([{"id": n, "plugin_type": name, "config": {}} for n in range(20)], 4)]
    assert [r.message for r in results] == ["Check completed successfully"] * 20
    assert {r.response_time for r in results} == {0.5}


def test_connection_pool_of_the_page_runs_and_never_fills():
    connections = Connections()
    names = run(POOL, PluginTemplate=PluginTemplate, create_new_connection=connections.create, response_time=0.5)
    register_plugin("pooled")(names["MyPlugin"])
    in_parallel("pooled")
    # A connection that was created is closed, and only one that was borrowed is put back: so there is never one to borrow.
    assert connections.opened == connections.closed == 20
    assert isinstance(names["MyPlugin"]._connection_pool, queue.Queue)
    assert names["MyPlugin"]._connection_pool.empty()


def test_connection_pool_of_ours_fills():
    connections = Connections()

    @register_plugin("pooled")
    class MyPlugin(PluginTemplate):
        """The plugin of the page with monitorpy.core.pool."""

        _connections = ConnectionPool(connections.create, max_idle=10)

        def _execute_check(self):
            with self._connections.connection("db"):
                return self.success_result("Check completed successfully", 0.5)

    in_parallel("pooled")
    assert 1 <= connections.opened <= 4  # one for each thread at most
    assert connections.closed == 0
    assert MyPlugin._connections.idle("db") == connections.opened
