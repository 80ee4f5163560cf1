from __future__ import annotations

import re
from contextlib import closing
from threading import Event, Lock
from types import SimpleNamespace

import pytest

from monitorpy import CheckResult, MonitorPlugin, PluginConfig, PluginTemplate, register_plugin
from monitorpy.plugins import SampleMonitorPlugin
from monitorpy.testing import check_plugin

pytestmark = pytest.mark.usefixtures("plugins")

CONFIG = {"target": "somewhere"}


class Base(PluginTemplate):
    """A plugin to spoil."""

    @classmethod
    def get_required_config(cls):
        return ["target"]

    def validate_config(self):
        return self.basic_config_validation() and self.config["target"] is not None

    def _execute_check(self):
        return self.success_result("fine", 0.1, {"target": self.config["target"]})


def refusal(plugin, config=CONFIG, **more):
    """The text of the AssertionError."""
    register_plugin("spoilt")(plugin)
    with pytest.raises(AssertionError) as refused:
        check_plugin(plugin, config, **more)
    return str(refused.value)


def test_a_good_plugin_passes_and_its_result_comes_back():
    register_plugin("good")(Base)
    result = check_plugin(Base, CONFIG)
    assert result.is_success()
    assert result.message == "fine"


def test_a_declared_plugin_passes():
    @register_plugin("declared")
    class Declared(PluginTemplate):
        """Declared."""

        class Config(PluginConfig):
            target: str

        def _execute_check(self):
            return self.warning_result(f"looked at {self.settings.target}")

    assert check_plugin(Declared, CONFIG, statuses=["warning"]).is_warning()


def test_the_sample_passes(tmp_path):
    (tmp_path / "fresh").write_text("x")
    assert check_plugin(SampleMonitorPlugin, {"target": str(tmp_path / "fresh"), "threshold": 60}, statuses=["success"])


def test_not_registered():
    with pytest.raises(AssertionError, match="Base is not registered"):
        check_plugin(type("Base", (MonitorPlugin,), {}), CONFIG)


def test_name_of_another():
    register_plugin("good")(Base)

    class Heir(Base):
        """Inherits the name."""

    with pytest.raises(AssertionError, match="'good' belongs to Base, not to Heir"):
        check_plugin(Heir, CONFIG)


def spoilt(**members):
    return type("Spoilt", (Base,), {"__doc__": "Spoilt.", **members})


@pytest.mark.parametrize(
    "members, text",
    [
        ({"__doc__": ""}, "no description"),
        ({"get_required_config": classmethod(lambda cls: ("target",))}, "keys must be a list"),
        ({"get_optional_config": classmethod(lambda cls: [1])}, "keys must be text"),
        ({"get_optional_config": classmethod(lambda cls: ["target"])}, "required and optional at once: target"),
        ({"validate_config": lambda self: True}, "without 'target' is not refused in validation: plugin"),
        (
            {"validate_config": lambda self: True, "_execute_check": lambda self: self.success_result("green")},
            "without 'target' is a success: green",
        ),
        ({"validate_config": PluginTemplate.validate_config}, "with null for 'target' is a success"),
        ({"_execute_check": lambda self: 1 / 0}, "ZeroDivisionError"),
        ({"_execute_check": lambda self: self.success_result("")}, "says nothing"),
        ({"_execute_check": lambda self: None}, "must return a CheckResult"),
        ({"_execute_check": lambda self: self.success_result("x", 0, {"at": {1, 2}})}, "not plain JSON"),
        ({"_execute_check": lambda self: self.success_result("x", 0, {"at": (1, 2)})}, r"\(1, 2\).* becomes .*\[1, 2\]"),
    ],
)
def test_broken_contracts(members, text):
    assert re.search(text, refusal(spoilt(**members)), re.DOTALL)


def test_config_of_the_test_itself():
    assert "lacks target" in refusal(spoilt(), {})
    assert "does not name colour" in refusal(spoilt(), {**CONFIG, "colour": "red"})


def test_unexpected_status():
    assert "found success, expected error: fine" in refusal(spoilt(), statuses=["error"])


def test_declared_plugin_that_takes_anything():
    class Loose(PluginConfig):
        model_config = {"extra": "allow"}
        target: str

    assert "with an unknown key is a success" in refusal(spoilt(Config=Loose))


def test_changed_config():
    def keeps(self, config):
        PluginTemplate.__init__(self, config)
        self.config = config  # instead of the copy that it gets

    def mutates(self):
        self.config["target"].append(1)
        return self.success_result("done")

    assert "changed its config" in refusal(spoilt(__init__=keeps, _execute_check=mutates), {"target": []})


def test_state_on_the_class():
    def counts(self):
        type(self).runs = getattr(type(self), "runs", 0) + 1
        return self.success_result("done")

    assert "keeps state on the class: runs" in refusal(spoilt(_execute_check=counts))


def test_not_thread_safe(ms):
    busy, met = Lock(), Event()

    def execute(self):
        if not busy.acquire(blocking=False):
            met.set()
            return self.error_result("somebody else is here")
        with closing(SimpleNamespace(close=busy.release)):
            met.wait(200 * ms)
            return self.success_result("alone")

    assert "alone finds success (alone), next to others error (somebody else is here)" in refusal(spoilt(_execute_check=execute))


def test_results_of_a_plain_monitor_plugin():
    @register_plugin("plain")
    class Plain(MonitorPlugin):
        """Without the template."""

        @classmethod
        def get_required_config(cls):
            return []

        def validate_config(self):
            return True

        def run_check(self):
            return CheckResult.success("done")

    assert check_plugin(Plain, {}).is_success()
