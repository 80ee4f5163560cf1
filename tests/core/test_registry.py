from __future__ import annotations

import asyncio
from contextvars import copy_context
from functools import partial
from importlib.metadata import EntryPoint
from inspect import iscoroutinefunction

import pytest
from pydantic import Field, SecretStr

from monitorpy.core.batch_runner import run_batch
from monitorpy.core.plugin_base import Endpoint, MonitorPlugin, PluginTemplate
from monitorpy.core.plugin_config import PluginConfig
from monitorpy.core.registry import Registry, attempt, register_plugin, run_check
from monitorpy.core.result import CheckResult
from monitorpy.core.spec import CheckSpec, Retries
from monitorpy.net.deadline import Deadline
from monitorpy.utils.masking import active_masker


class One(PluginTemplate):
    """The one."""

    def _execute_check(self):
        return self.success_result("one")


class Two(One):
    pass


def dice(config):
    """Throws dice."""
    return CheckResult.success(f"threw {config['n']}")


def test_register_and_get():
    registry = Registry()
    registry.register("one", One)
    registry.register("one", One)  # the same class again is no conflict
    assert registry.plugins == {"one": One}
    assert isinstance(registry.get_plugin("one", {}), One)
    assert "one" in registry
    assert "two" not in registry


def test_a_taken_name_is_refused_and_both_are_named():
    registry = Registry()
    registry.register("one", One)
    with pytest.raises(ValueError, match=r"'one' is taken by .*\.One \(.*\); .*\.Two .*cannot have it too"):
        registry.register("one", Two)


def test_a_builtin_name_is_taken_before_it_is_loaded():
    with pytest.raises(ValueError, match=r"'sample_monitor' is taken by monitorpy\.plugins\.sample_template\.SampleMonitorPlugin"):
        Registry.register(_with_builtins(), "sample_monitor", One)


def _with_builtins():
    from monitorpy.core.registry import registry

    return registry


@pytest.mark.parametrize("thing", [int, "One", 5])
def test_only_plugin_classes_are_registered(thing):
    with pytest.raises(TypeError, match="must be a subclass of MonitorPlugin"):
        Registry().register("x", thing)


@pytest.mark.parametrize("name", ["", "fixture:x", 5])
def test_impossible_names(name):
    with pytest.raises(ValueError, match="a plugin's name must be text"):
        Registry().register(name, One)


def test_an_unknown_name_gets_a_hint():
    with pytest.raises(ValueError, match=r"Plugin 'website_statsu' not found in registry; did you mean 'website_status'\?"):
        Registry().get("website_statsu")
    with pytest.raises(ValueError, match=r"Plugin 'zzz' not found in registry; known: dns_record, "):
        Registry().get_plugin("zzz", {})


def test_all_builtins_load_and_describe_themselves(plugins):
    everything = plugins.get_all_plugins()
    assert {"website_status", "ssl_certificate", "dns_record", "mail_server", "tcp_port", "sample_monitor"} <= everything.keys()
    assert everything["website_status"]["required_config"] == ["url"]
    assert "timeout" in everything["tcp_port"]["optional_config"]
    assert all(entry["description"] for entry in everything.values())


def test_another_registry_has_the_builtins_too():
    assert Registry().get("tcp_port") is _with_builtins().get("tcp_port")


def test_a_function_is_a_plugin_and_comes_back_unchanged(plugins):
    assert register_plugin("dice")(dice) is dice
    assert run_check("dice", {"n": 4}).message == "threw 4"
    assert plugins.get("dice").get_description() == "Throws dice."
    with pytest.raises(ValueError, match=r"'dice' is taken by .*dice .*test_registry\.py"):
        register_plugin("dice")(lambda config: None)


class TestAsync:
    """Whatever has to be awaited is, wherever it comes from."""

    def test_a_function(self, plugins):
        @register_plugin("soon")
        async def soon(config):
            """Not at once."""
            await asyncio.sleep(0)
            return CheckResult.success(f"{config['n']} at last")

        assert iscoroutinefunction(soon)
        assert plugins.get("soon").get_description() == "Not at once."
        assert run_check("soon", {"n": 4}).message == "4 at last"
        assert run_check("soon", {}).message == "the plugin crashed: KeyError: 'n'"
        assert run_batch([CheckSpec(id="a", plugin="soon", config={"n": 5})]).outcomes[0].message == "5 at last"

    def test_a_function_that_only_returns_a_coroutine(self, plugins):
        async def soon(word, config):
            return CheckResult.success(word)

        register_plugin("soon")(partial(soon, "hello"))
        assert run_check("soon", {}).message == "hello"

    def test_it_is_cancelled_at_the_deadline(self, plugins):
        @register_plugin("never")
        async def never(config):
            await asyncio.Event().wait()

        spec = CheckSpec(id="a", plugin="never", timeout=0.05, retries=Retries(count=1))
        result = run_batch([spec]).outcomes[0]
        assert (result.message, result.kind, result.attempts) == ("no result within 0.05 s: the check was cancelled", "timeout", 2)
        assert run_check("never", {"timeout": 0.05}).kind == "timeout"

    @pytest.mark.parametrize("returned", [None, True])
    def test_what_it_returns_must_be_a_result(self, plugins, returned):
        @register_plugin("odd")
        async def odd(config):
            return returned

        result = run_check("odd", {})
        assert result.fault == "plugin"
        assert result.message.startswith("a check must return a CheckResult, not ")

    def test_a_generator_is_no_coroutine(self, plugins):
        @register_plugin("odd")
        async def odd(config):
            yield CheckResult.success("one of many")

        assert run_check("odd", {}).message.startswith("a check must return a CheckResult, not async_generator")

    def test_classes(self, plugins):
        @register_plugin("template")
        class Template(One):
            async def _execute_check(self):
                self.learn_secret("issued-token")
                return self.success_result(f"issued-token in {self.deadline.seconds:g} s")

        @register_plugin("bare")
        class Bare(One):
            async def run_check(self):
                return CheckResult.success("bare")

        assert run_check("template", {}).message == "*** in 10 s"
        assert run_check("bare", {}).message == "bare"


def test_a_decorated_class_comes_back_and_knows_its_name(plugins):
    assert register_plugin("one")(One) is One
    assert One({"target": "t"}).get_id() == "one:t"


def test_a_thing_that_cannot_be_called_is_no_plugin():
    with pytest.raises(TypeError):
        register_plugin("x", Registry())("text")


def test_plugins_of_other_packages(monkeypatch):
    found = {"theirs": EntryPoint("theirs", f"{__name__}:One", "monitorpy.plugins")}
    registry = Registry()
    monkeypatch.setattr(registry, "_entry_points", found)
    monkeypatch.setattr(EntryPoint, "load", lambda _: One)
    assert "theirs" in registry
    assert registry.get("theirs") is One
    assert "theirs" in registry.get_plugin_names()


def test_an_entry_point_may_register_by_being_imported(monkeypatch):
    registry = Registry()

    def load(_):
        registry.register("theirs", Two)
        return object()

    monkeypatch.setattr(registry, "_entry_points", {"theirs": EntryPoint("theirs", "m", "g")})
    monkeypatch.setattr(EntryPoint, "load", load)
    assert registry.get("theirs") is Two


class TestRunCheck:
    def test_never_raises(self, plugins):
        assert run_check("nothing_like_it", {}).fault == "config"
        assert run_check("sample_monitor", None).message == "config must be a mapping, not NoneType"

    def test_measures_where_the_plugin_did_not(self, plugins):
        register_plugin("one")(One)
        assert run_check("one", {}).response_time > 0

    def test_a_plugin_that_is_no_template_is_validated_too(self, plugins):
        class Bare(MonitorPlugin):
            @classmethod
            def get_required_config(cls):
                return ["a"]

            def validate_config(self):
                return "a" in self.config

            def run_check(self):
                return CheckResult.success("unchecked")

        register_plugin("bare")(Bare)
        assert run_check("bare", {}).message == "missing required key 'a'"
        assert run_check("bare", {"a": 1}).message == "unchecked"

    def test_the_target_is_named_even_when_nothing_was_observed(self, plugins):
        result = run_check("tcp_port", {"host": "127.0.0.1", "port": "9"})
        assert (result.fault, result.target) == ("config", "127.0.0.1")

    def test_refusal_without_reason(self, plugins):
        class Picky(One):
            def validate_config(self):
                return False

        register_plugin("picky")(Picky)
        assert run_check("picky", {}).message == "the configuration was refused by validate_config()"

    def test_secrets_are_masked_and_deadline_and_address_handed_over(self, plugins):
        class Telling(PluginTemplate):
            class Config(PluginConfig):
                token: SecretStr = Field(description="Token.")

            def _execute_check(self):
                return self.success_result(f"{self.settings.token.get_secret_value()} {self.address} {self.deadline.seconds:g}")

        register_plugin("telling")(Telling)
        assert run_check("telling", {"token": "hunter2"}).message == "*** None 10"
        assert not active_masker.get()
        call = partial(attempt, "telling", {"token": "hunter2"}, deadline=Deadline(7), endpoint=Endpoint("h", "::1"))
        result, masker = copy_context().run(call)
        assert result.message == "hunter2 ::1 7"
        assert masker.text(result.message) == "*** ::1 7"

    def test_secrets_that_come_up_during_the_check_are_masked(self, plugins):
        class Told(PluginTemplate):
            def _execute_check(self):
                self.learn_secret("issued-token")
                return self.success_result(f"{active_masker.get().text('issued-token')}, and issued-token in the result")

        register_plugin("told")(Told)
        assert run_check("told", {}).message == "***, and *** in the result"
        assert not active_masker.get()
