from __future__ import annotations

import threading
import time

import pytest
from pydantic import SecretStr

from monitorpy.core.execution import MESSAGE_LIMIT, attempt_seconds, execute
from monitorpy.core.expectations import compile_expectation
from monitorpy.core.plugin_base import Endpoint, PluginTemplate
from monitorpy.core.plugin_config import PluginConfig
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure, Source
from monitorpy.core.spec import CheckSpec, Retries
from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.utils.logging import get_logger
from monitorpy.utils.masking import Masker


def spec(plugin="say", **more):
    return CheckSpec(id=more.pop("id", "a"), plugin=plugin, **more)


def expecting(*expectations):
    return tuple(compile_expectation(e) for e in expectations)


def test_a_result_is_signed_with_its_check(say):
    check = spec(id="home", tags=("prod",), group="web", source=Source("c.yaml", 9))
    result = execute(check)
    assert (result.id, result.plugin, result.tags, result.group, result.source) == ("home", "say", ("prod",), "web", Source("c.yaml", 9))
    assert (result.status, result.fault, result.attempts) == ("success", None, 1)
    assert result.response_time > 0


@pytest.mark.parametrize("config", [None, [], "text"])
def test_nothing_is_raised_for_an_impossible_config(say, config):
    result = execute(spec(config=config))
    assert (result.status, result.fault) == ("error", "config")
    assert result.message.startswith("config must be a mapping, not ")


def test_an_error_without_a_fault_is_the_targets(say):
    result = execute(spec(config={"status": "error", "message": "no"}))
    assert (result.fault, result.kind) == ("target", "expectation")


class TestExpectations:
    def test_all_failures_are_shown(self, say):
        config = {"raw": {"n": 7, "s": "x"}}
        result = execute(spec(config=config, expect=expecting({"path": "n", "lt": 5}, {"path": "s", "equals": "y", "severity": "warning"})))
        assert (result.status, result.fault) == ("error", "target")
        assert [(f.path, f.severity) for f in result.failures] == [("n", "error"), ("s", "warning")]
        assert "; " in result.message

    def test_a_warning_only(self, say):
        result = execute(spec(config={"raw": {"n": 7}}, expect=expecting({"path": "n", "lt": 5, "severity": "warning"})))
        assert (result.status, result.fault) == ("warning", None)

    def test_they_add_to_what_the_plugin_found(self, say):
        result = execute(spec(config={"status": "error", "message": "bad", "raw": {"n": 7}}, expect=expecting({"path": "n", "lt": 5})))
        assert result.message.startswith("bad; ")

    def test_a_check_without_an_answer_is_judged_no_further(self, plugins):
        @register_plugin("broken")
        def broken(config):
            raise NetError("connection refused", phase="connect", kind="connect")

        result = execute(spec("broken", expect=expecting({"path": "status", "equals": "error"}, {"path": "n", "lt": 5})))
        assert (result.message, result.failures) == ("connection refused", ())

    def test_they_see_the_whole_body_but_the_output_is_cut(self, plugins):
        @register_plugin("big")
        def big(config):
            return CheckResult.success("m" * 10_000, raw_data={"body": "x" * 100_000 + "end"})

        result = execute(
            spec("big", expect=expecting({"path": "body", "matches": "end$"}, {"path": "body", "contains": "nothing like it"}))
        )
        assert len(result.failures) == 1
        assert len(result.failures[0].actual) < MESSAGE_LIMIT + 100
        assert len(result.raw_data["body"]) < 70_000
        assert result.raw_data["truncated"]
        assert len(result.message) < MESSAGE_LIMIT + 100


class TestRetries:
    @pytest.fixture
    def flaky(self, plugins):
        """Fails with the kinds given, one for each attempt, then succeeds."""
        kinds: list = []

        @register_plugin("flaky")
        def flaky(config):
            if kinds:
                raise NetError("refused", phase="connect", kind=kinds.pop(0))
            return CheckResult(config.get("status", "success"), "200 OK")

        return kinds

    def test_a_pass_on_a_later_attempt_is_a_warning(self, flaky):
        flaky += ["connect", "timeout"]
        result = execute(spec("flaky", retries=Retries(2)))
        assert (result.status, result.attempts) == ("warning", 3)
        assert result.message == "passed on attempt 3 (before: refused)"

    def test_unless_flaky_is_ok(self, flaky):
        flaky.append("connect")
        result = execute(spec("flaky", retries=Retries(1), flaky="ok"))
        assert (result.status, result.attempts, result.message) == ("success", 2, "200 OK")

    def test_a_later_warning_keeps_its_own_message(self, flaky):
        flaky.append("connect")
        result = execute(spec("flaky", retries=Retries(1), config={"status": "warning"}))
        assert result.message == "200 OK; passed on attempt 2 (before: refused)"

    def test_all_attempts_fail(self, flaky):
        flaky += ["connect"] * 5
        result = execute(spec("flaky", retries=Retries(2)))
        assert (result.status, result.attempts) == ("error", 3)

    def test_only_listed_kinds_are_tried_again(self, flaky):
        flaky += ["tls", "tls"]
        assert execute(spec("flaky", retries=Retries(2))).attempts == 1
        assert execute(spec("flaky", retries=Retries(2, on=("tls",)))).attempts == 2

    def test_the_budget_bounds_attempts_and_pauses(self, flaky):
        flaky += ["connect"] * 5
        assert execute(spec("flaky", retries=Retries(3, delay=5, budget=1))).attempts == 1

    def test_no_attempt_starts_after_the_run(self, flaky):
        flaky += ["connect"] * 5
        assert execute(spec("flaky", retries=Retries(3)), deadline=Deadline(-1)).attempts == 1

    def test_each_attempt_is_announced_with_its_deadline(self, flaky):
        flaky.append("connect")
        told: list = []
        execute(spec("flaky", timeout=3, retries=Retries(1, budget=2)), attempt_started=told.append)
        assert [d.seconds for d in told][::2] == [2, 2]


def test_attempt_seconds():
    assert attempt_seconds(spec()) == 10
    assert attempt_seconds(spec(timeout=3, config={"timeout": 5})) == 3
    assert attempt_seconds(spec(timeout=30, config={"timeout": 5})) == 5
    assert attempt_seconds(spec(config={"timeout": "junk"})) == 10


def test_severity_is_the_worst_a_check_can_become(say):
    check = spec(config={"raw": {"n": 7}}, expect=expecting({"path": "n", "lt": 5}), severity="warning")
    result = execute(check)
    assert result.status == "warning"
    assert [f.severity for f in result.failures] == ["warning"]
    assert execute(spec(severity="warning")).is_success()


def test_a_pass_after_the_deadline_is_none(plugins, ms):
    @register_plugin("late")
    def late(config):
        threading.Event().wait(60 * ms)
        return CheckResult(config["status"], "fine")

    result = execute(spec("late", timeout=20 * ms, config={"status": "success"}, expect=expecting({"path": "x", "equals": 1})))
    assert (result.status, result.fault, result.kind, result.failures) == ("error", "target", "timeout", ())
    assert result.message.startswith("no result within 0.0")
    assert result.message.endswith(" s later (fine)")
    assert execute(spec("late", timeout=20 * ms, config={"status": "error"})).message == "fine"
    own = execute(spec("fixture:own", timeout=20 * ms), check=lambda _: late({"status": "warning"}))
    assert (own.status, own.kind) == ("error", "timeout")


class Unreadable:
    def __str__(self):
        raise RuntimeError("cannot be written")

    __repr__ = __str__


@pytest.mark.parametrize("more", [{"raw_data": {"x": Unreadable()}}, {"phases": {"dns": "fast"}}, {"failures": ("text",)}])
def test_a_result_that_cannot_be_read_is_the_plugins_fault(plugins, more):
    @register_plugin("odd")
    def odd(config):
        return CheckResult.success("fine", **more)

    result = execute(spec("odd", id="a"))
    assert (result.id, result.status, result.fault, result.attempts) == ("a", "error", "plugin", 1)


def test_an_attempt_leaves_the_config_as_it_was(plugins):
    def greedy(config):
        config["seen"].append(1)
        return CheckResult(config["status"], f"seen {len(config['seen'])}")

    register_plugin("greedy")(greedy)
    check = spec("greedy", config={"seen": [], "status": "error"}, retries=Retries(2, on=("expectation",)))
    assert execute(check).message == "seen 1"
    assert execute(check, check=greedy).message == "seen 1"
    assert check.config["seen"] == []


def test_a_success_has_no_fault(plugins):
    @register_plugin("odd")
    def odd(config):
        return CheckResult.success("fine", fault="target")

    assert execute(spec("odd")).fault is None


class TestSecrets:
    def test_nothing_that_leaves_shows_them(self, plugins, caplog):
        @register_plugin("leaky")
        def leaky(config):
            get_logger("monitorpy.leaky").warning("logging in with %s", config["password"])
            return CheckResult.error(f"login {config['password']} refused", raw_data={"echo": [config["password"]], config["password"]: 1})

        expect = expecting({"path": "echo[0]", "equals": "x"})
        result = execute(spec("leaky", config={"password": "hunter2"}, masker=Masker(["hunter2"]), expect=expect))
        assert "hunter2" not in str(result.to_dict())
        assert "hunter2" not in caplog.text

    def test_expectations_see_what_the_output_hides(self, plugins):
        @register_plugin("echo")
        class Echo(PluginTemplate):
            class Config(PluginConfig):
                token: SecretStr

            def _execute_check(self):
                return self.success_result("fine", 0.1, {"body": f"you sent {self.settings.token.get_secret_value()}"})

        result = execute(spec("echo", config={"token": "hunter2"}, expect=expecting({"path": "body", "not_contains": "hunter2"})))
        assert result.is_error()
        assert "hunter2" not in str(result.to_dict())

    def test_not_even_where_a_text_is_cut_nor_in_logs(self, plugins, caplog):
        @register_plugin("echo")
        class Echo(PluginTemplate):
            class Config(PluginConfig):
                token: SecretStr

            def _execute_check(self):
                token = self.settings.token.get_secret_value()
                get_logger("monitorpy.echo").warning("sent %s", token)
                return self.success_result("fine", 0.1, {"body": "x" * 75 + token})

        result = execute(spec("echo", config={"token": "hunter2-hunter2"}, expect=expecting({"path": "body", "equals": "y"})))
        assert "xhunt" not in str(result.to_dict())
        assert "hunter2" not in caplog.text

    def test_not_even_a_crash(self, plugins):
        @register_plugin("leaky")
        def leaky(config):
            raise ValueError(config["password"])

        result = execute(spec("leaky", config={"password": "hunter2"}, masker=Masker(["hunter2"])))
        assert "hunter2" not in str(result.to_dict())


class TestEveryAddress:
    @pytest.fixture
    def pinned(self, plugins, monkeypatch):
        """A plugin that answers for each address as told, on a host with two of them."""
        answers: dict = {}

        @register_plugin("pinned")
        class Pinned(PluginTemplate):
            pins_address = True

            def _execute_check(self):
                answer = answers.get(self.address)
                if isinstance(answer, threading.Event):
                    answer.wait(30)
                if answer is not None:
                    raise NetError("refused", phase="connect", kind="connect")
                self.phases["connect"] = 0.1
                return self.success_result("open", 0.2, {"host": "h"})

        from monitorpy.core import plugin_base
        from monitorpy.net.resolve import Address

        found = [Address("192.0.2.1", 0, 2), Address("192.0.2.2", 0, 2), Address("192.0.2.1", 0, 2)]
        monkeypatch.setattr(plugin_base, "resolve", lambda *_: found)  # no server of ours has two addresses everywhere
        return answers

    def test_all_are_good(self, pinned):
        result = execute(spec("pinned", config={"host": "h"}, addresses="all"))
        assert (result.status, result.message) == ("success", "all 2 addresses: open")
        assert [(a["address"], a["host"]) for a in result.raw_data["addresses"]] == [("192.0.2.1", "h"), ("192.0.2.2", "h")]
        assert result.raw_data["addresses"][0]["phases"] == {"connect": 0.1}

    def test_one_address_speaks_for_itself(self, pinned, monkeypatch):
        from monitorpy.core import plugin_base
        from monitorpy.net.resolve import Address

        monkeypatch.setattr(plugin_base, "resolve", lambda *_: [Address("192.0.2.1", 0, 2)])
        assert execute(spec("pinned", config={"host": "h"}, addresses="all")).message == "open"

    def test_what_breaks_off_before_there_are_addresses_is_tried_again(self, pinned, monkeypatch):
        from monitorpy.core import plugin_base
        from monitorpy.net.resolve import Address

        answers = [NetError("no answer of the resolver", phase="dns", kind="resolve")]

        def resolve(*_):
            if answers:
                raise answers.pop()
            return [Address("192.0.2.1", 0, 2)]

        monkeypatch.setattr(plugin_base, "resolve", resolve)
        result = execute(spec("pinned", config={"host": "h"}, addresses="all", retries=Retries(1, on=("resolve",))))
        assert (result.status, result.attempts) == ("warning", 2)
        assert result.message == "passed on attempt 2 (before: no answer of the resolver)"

    def test_half_up_is_an_error(self, pinned):
        pinned["192.0.2.2"] = "down"
        result = execute(spec("pinned", config={"host": "h"}, addresses="all"))
        assert (result.status, result.kind) == ("error", "connect")
        assert result.message == "1 of 2 addresses: 192.0.2.2: refused"
        assert [a["status"] for a in result.raw_data["addresses"]] == ["success", "error"]

    def test_a_silent_one_takes_no_time_from_the_other(self, pinned, ms):
        pinned["192.0.2.1"] = threading.Event()
        try:
            result = execute(spec("pinned", config={"host": "h"}, addresses="all", timeout=200 * ms))
        finally:
            pinned["192.0.2.1"].set()
        assert [a["status"] for a in result.raw_data["addresses"]] == ["error", "success"]
        assert "no result within" in result.message

    def test_many_that_hang_are_waited_for_together(self, plugins, ms):
        hung = threading.Event()

        @register_plugin("hung")
        class Hung(PluginTemplate):
            pins_address = True

            def endpoints(self):
                return [Endpoint("h", f"192.0.2.{number}") for number in range(8)]

            def _execute_check(self):
                hung.wait(30)

        started = time.monotonic()
        result = execute(spec("hung", addresses="all", timeout=50 * ms))
        hung.set()
        assert time.monotonic() - started < 50 * ms + 1
        assert result.message.startswith("8 of 8 addresses: ")

    def test_a_plugin_names_its_places_itself(self, plugins):
        places = [Endpoint("one.test", "192.0.2.1"), Endpoint("two.test", "192.0.2.1"), Endpoint("gone.test"), Endpoint("gone.test")]

        @register_plugin("spread")
        class Spread(PluginTemplate):
            pins_address = True

            def endpoints(self):
                assert self.deadline.seconds == 3
                return places

            def _execute_check(self):
                if self.address is None:
                    raise NetError(f"cannot resolve {self.endpoint.host}", phase="dns", kind="resolve")
                return self.success_result(f"{self.endpoint.host} is open")

        result = execute(spec("spread", addresses="all", timeout=3))
        assert (result.status, result.kind) == ("error", "resolve")
        assert result.message == "1 of 3 addresses: gone.test: cannot resolve gone.test"
        assert [(a["host"], a["address"], a["status"]) for a in result.raw_data["addresses"]] == [
            ("one.test", "192.0.2.1", "success"),
            ("two.test", "192.0.2.1", "success"),
            ("gone.test", None, "error"),
        ]
        places[2:] = []
        assert execute(spec("spread", addresses="all", timeout=3)).message == "all 2 addresses: one.test is open"
        places[1] = Endpoint("two.test", None)
        assert "two.test: cannot" in execute(spec("spread", addresses="all", timeout=3)).message

    def test_the_host_is_named_where_there_are_several(self, pinned, plugins):
        class Spread(plugins.get("pinned")):
            def endpoints(self):
                return [Endpoint("one.test", "192.0.2.1"), Endpoint("two.test", "192.0.2.2")]

        register_plugin("spread")(Spread)
        pinned["192.0.2.2"] = "down"
        assert execute(spec("spread", addresses="all")).message == "1 of 2 addresses: two.test (192.0.2.2): refused"

    def test_a_plugin_that_cannot_is_a_config_error(self, say):
        result = execute(spec(config={"host": "h"}, addresses="all"))
        assert result.fault == "config"
        assert "addresses: all is not possible with say" in result.message

    def test_a_bad_config_is_told_once(self):
        result = execute(spec("tcp_port", addresses="all"))
        assert (result.fault, result.message) == ("config", "missing required key 'host'; missing required key 'port'")


def test_a_check_of_ones_own_replaces_the_plugin():
    result = execute(spec("fixture:mine", config={"n": 1}), check=lambda config: CheckResult.success(f"n is {config['n']}"))
    assert (result.message, result.plugin) == ("n is 1", "fixture:mine")
    assert result.response_time > 0
    assert execute(spec("fixture:mine"), check=lambda _: CheckResult.success("x", 3)).response_time == 3
    assert execute(spec("fixture:mine"), check=lambda _: None).fault == "plugin"


def test_phases_and_failures_become_plain(plugins):
    class Number(float):
        pass

    @register_plugin("odd")
    def odd(config):
        return CheckResult.error("x", failures=(Failure("p", "e", {1, 2}),), phases={"dns": Number(1), "tls": None})

    result = execute(spec("odd"))
    assert type(result.phases["dns"]) is float
    assert result.phases["tls"] is None
    assert result.failures[0].actual == [1, 2]
