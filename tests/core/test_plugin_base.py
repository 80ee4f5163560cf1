from __future__ import annotations

import sys

import pytest
from pydantic import Field, SecretStr

from monitorpy.core.plugin_base import Endpoint, MonitorPlugin, PluginTemplate, guarded
from monitorpy.core.plugin_config import PluginConfig
from monitorpy.core.result import CheckResult, Failure
from monitorpy.errors import ConfigError, MissingExtraError, NetError
from monitorpy.net.deadline import Deadline


class Seed(PluginTemplate):
    """A seed-style plugin.

    More about it.
    """

    @classmethod
    def get_required_config(cls):
        return ["target", "threshold"]

    def _execute_check(self):
        threshold = self.get_config_value("threshold", validator=lambda x: isinstance(x, (int, float)) and x > 0)
        value, seconds = self.timed_execution(len, self.get_config_value("target"))
        return (self.success_result if value < threshold else self.error_result)(f"{value} characters", seconds, {"value": value})


class Declared(PluginTemplate):
    """A declared plugin."""

    class Config(PluginConfig):
        host: str = Field(description="Host.")
        token: SecretStr | None = Field(None, description="Token.")

    settings: Config

    def _execute_check(self):
        self.phases["dns"] = 0.5
        raise NetError("connection refused", phase="connect", kind="connect")


class Bare(MonitorPlugin):
    @classmethod
    def get_required_config(cls):
        return []

    def validate_config(self):
        return True

    def run_check(self):
        return CheckResult.success("bare")


def test_the_abstract_class_wants_three_methods():
    with pytest.raises(TypeError, match=r"get_required_config.*run_check.*validate_config"):
        MonitorPlugin({})
    assert Bare({}).run_check().message == "bare"
    assert Bare.get_description() == ""
    assert Bare.get_optional_config() == []


def test_the_template_runs_a_seed_style_plugin():
    result = Seed({"target": "abc", "threshold": 5}).run_check()
    assert result.is_success()
    assert result.message == "3 characters"
    assert result.response_time > 0
    assert Seed({"target": "abcdef", "threshold": 5}).run_check().is_error()
    assert Seed.get_description() == "A seed-style plugin."
    assert PluginTemplate.get_required_config() == []


def test_missing_keys_are_named():
    plugin = Seed({"target": "x"})
    assert not plugin.basic_config_validation()
    result = plugin.run_check()
    assert (result.status, result.fault, result.message) == ("error", "config", "missing required key 'threshold'")


def test_a_refused_value_is_named_with_its_key():
    result = Seed({"target": "x", "threshold": -1}).run_check()
    assert (result.fault, result.message) == ("config", "threshold: invalid value -1")
    choking = Seed({"target": "x", "threshold": "x"})
    with pytest.raises(ValueError, match=r"threshold: invalid value 'x' \(TypeError: "):
        choking.get_config_value("threshold", validator=lambda x: x > 0)
    secret = Seed({"api_token": "hunter2"})
    with pytest.raises(ConfigError, match=r"api_token: invalid value \*\*\*"):
        secret.get_config_value("api_token", validator=lambda _: False)


def test_an_absent_key_gives_the_default_unjudged():
    assert Seed({}).get_config_value("x") is None
    assert Seed({}).get_config_value("x", default=5, validator=lambda _: False) == 5


def test_refusal_without_reason_is_still_an_error():
    class Picky(Seed):
        def validate_config(self):
            return False

    assert Picky({"target": 1, "threshold": 1}).run_check().message == "the configuration was refused by validate_config()"


def test_a_declared_plugin_has_settings_and_says_its_keys():
    plugin = Declared({"host": "h"})
    assert plugin.settings.host == "h"
    assert plugin.validate_config()
    assert Declared.get_required_config() == ["host"]
    assert Declared.get_optional_config() == ["timeout", "token"]


def test_a_declared_plugin_refuses_what_its_config_refuses():
    plugin = Declared({"hst": "h"})
    assert [str(i) for i in plugin.config_issues()] == ["missing required key 'host'", "unknown key 'hst'; did you mean 'host'?"]
    assert plugin.run_check().fault == "config"


def test_a_broken_conversation_is_an_error_with_the_phases_so_far():
    result = Declared({"host": "h"}).run_check()
    assert (result.status, result.fault, result.kind, result.message) == ("error", "target", "connect", "connection refused")
    assert result.phases == {"dns": 0.5}
    assert result.raw_data == {"phase": "connect"}


def test_a_crash_is_the_plugins_fault_with_its_traceback():
    class Crashing(PluginTemplate):
        def _execute_check(self):
            return 1 / 0

    result = Crashing({}).run_check()
    assert (result.fault, result.message) == ("plugin", "the plugin crashed: ZeroDivisionError: division by zero")
    assert "_execute_check" in result.raw_data["traceback"]


def test_exit_is_a_crash_and_no_end():
    result = guarded(sys.exit)
    assert (result.fault, result.message) == ("plugin", "the plugin crashed: SystemExit: ")


@pytest.mark.parametrize(("returned", "named"), [(None, "None"), (True, "bool True"), (("success", "x"), "tuple ('success', 'x')")])
def test_only_a_check_result_is_an_answer(returned, named):
    result = guarded(lambda: returned)
    assert (result.status, result.fault) == ("error", "plugin")
    assert result.message == f"a check must return a CheckResult, not {named}"


def test_a_missing_extra_is_the_environments_fault():
    def call():
        raise MissingExtraError("grpc_health", "grpc")

    result = guarded(call)
    assert (result.fault, result.message) == ("environment", "grpc_health needs an optional package: pip install 'monitorpy[grpc]'")


def test_a_template_without_a_check_says_so():
    assert "PluginTemplate must override _execute_check()" in PluginTemplate({}).run_check().message


def test_judged_results():
    plugin = Seed({})
    assert plugin.judged_result("fine", []).is_success()
    slow = Failure("t", "< 1", 2, severity="warning")
    assert plugin.judged_result("fine", [slow]).status == "warning"
    both = plugin.judged_result("fine", [slow, Failure("s", "200", 503, message="expected 200, got 503")], 1.5, {"a": 1})
    assert (both.status, both.fault, both.kind) == ("error", "target", "expectation")
    assert both.message == "t: expected < 1, got 2; expected 200, got 503"
    assert len(both.failures) == 2
    assert plugin.warning_result("w", 1).is_warning()


def test_a_broken_conversation_keeps_what_was_observed():
    broken = Seed({}).broken_result(NetError("reset", phase="transfer", kind="reset"), 0.5, {"banner": "220"})
    assert (broken.status, broken.fault, broken.kind, broken.message) == ("error", "target", "reset", "reset")
    assert (broken.raw_data, broken.response_time) == ({"banner": "220", "phase": "transfer"}, 0.5)


def test_an_exception_passes_through_timed_execution():
    with pytest.raises(ValueError, match="invalid literal"):
        Seed({}).timed_execution(int, "x")


@pytest.mark.parametrize(
    ("config", "target", "host"),
    [
        ({"url": "https://example.org:8/x"}, "https://example.org:8/x", "example.org"),
        ({"url": "https://[bad/"}, "https://[bad/", None),
        ({"host": "h", "port": 5}, "h", "h"),
        ({"host": 5, "domain": "d"}, "d", "d"),
        ({}, None, None),
    ],
)
def test_target_and_host(config, target, host):
    plugin = Seed(config)
    assert plugin.get_target() == target
    assert plugin.get_host() == host


def test_secrets_are_those_that_are_declared():
    class Telling(PluginTemplate):
        class Config(PluginConfig):
            token: SecretStr = Field(description="Token.")

    assert Telling({"token": "hunter2"}).get_secrets() == {"hunter2"}
    assert Telling({"token": 5}).get_secrets() == set()


def test_endpoints():
    assert Seed({"host": "192.0.2.1"}).endpoints() == [Endpoint("192.0.2.1", "192.0.2.1")]
    assert Endpoint("localhost", "127.0.0.1") in Seed({"url": "http://localhost/", "ip_family": "ipv4"}).endpoints()
    with pytest.raises(ConfigError, match="names no host to resolve"):
        Seed({}).endpoints()


def test_an_instance_has_a_name():
    assert Seed({"target": "t"}).get_id() == "Seed:t"
    assert Seed({}).get_id() == "Seed"


def test_the_deadline_comes_from_the_config_unless_it_is_set():
    assert Seed({}).deadline.seconds == 10
    assert Seed({"timeout": 3}).deadline.seconds == 3
    assert Declared({"host": "h", "timeout": 2}).deadline.seconds == 2
    plugin = Seed({})
    plugin.deadline = deadline = Deadline(1)
    assert plugin.deadline is deadline


def test_ctrl_c_is_no_verdict():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded(interrupted)


def test_a_check_may_be_a_coroutine():
    class Soon(Seed):
        async def _execute_check(self):
            self.learn_secret("issued")
            return self.success_result("at last")

    plugin = Soon({"target": "t", "threshold": 1})
    assert plugin.run_check().message == "at last"
    assert plugin.learned_secrets == {"issued"}
