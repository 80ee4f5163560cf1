from __future__ import annotations

import pytest

from monitorpy.core.execution import execute
from monitorpy.core.expectations import compile_expectation
from monitorpy.core.registry import registry, run_check
from monitorpy.core.spec import CheckSpec
from monitorpy.errors import NetError
from monitorpy.plugins import ping as module


def check(host="127.0.0.1", **config):
    return run_check("ping", {"host": host, "interval": 0.005, **config})


@pytest.fixture
def answered(monkeypatch):
    """What comes of the requests: no host on loopback loses any."""

    def start(times, *, sent=3, troubles=None, duplicates=0):
        def ping(pings, *_args, **_more):
            pings.sent, pings.times, pings.troubles, pings.duplicates = sent, dict(times), troubles or {}, duplicates

        monkeypatch.setattr(module, "ping", ping)

    return start


def test_loopback():
    result = check(timeout=2)
    if result.fault == "environment":
        pytest.skip(result.message)
    assert result.is_success(), result
    assert result.message.startswith("127.0.0.1 answers: 3 of 3 replies, rtt ")
    rtt = result.raw_data.pop("rtt")
    assert result.raw_data == {"host": "127.0.0.1", "address": "127.0.0.1", "sent": 3, "received": 3, "loss_percent": 0.0, "duplicates": 0}
    assert 0 < rtt["min"] <= rtt["avg"] <= rtt["max"] < 1
    assert result.response_time == rtt["avg"]
    assert set(result.phases) == {"dns", "first_byte"}
    assert result.phases["first_byte"] > 0


def test_observed(answered):
    answered({1: 0.01, 2: 0.02, 3: 0.06}, duplicates=1)
    result = check()
    assert result.message == "127.0.0.1 answers: 3 of 3 replies, rtt 30 ms on average"
    assert result.raw_data["rtt"] == {"min": 0.01, "avg": pytest.approx(0.03), "max": 0.06}
    assert result.raw_data["duplicates"] == 1
    assert result.response_time == pytest.approx(0.03)
    assert result.phases["first_byte"] == 0.01


@pytest.mark.parametrize("seconds, text", [(0.0000412, "0.0412 ms"), (0.5, "500 ms"), (0.9996, "1000 ms"), (12.3456, "12346 ms")])
def test_the_average_in_words(answered, seconds, text):
    answered({1: seconds}, sent=1)
    assert check().message == f"127.0.0.1 answers: 1 of 1 replies, rtt {text} on average"


def test_any_loss_is_a_warning(answered):
    answered({3: 0.01, 1: 0.02})
    result = check()
    assert result.status == "warning"
    assert result.message == "packet loss 33.333 % is above 0 % (1 of 3 lost)"
    assert [failure.path for failure in result.failures] == ["loss_percent"]
    assert result.phases["first_byte"] == 0.02  # the first request's


def test_loss_and_what_routers_said(answered):
    answered({1: 0.01}, troubles={2: "no route to host, says 192.0.2.1", 3: "no route to host, says 192.0.2.1"})
    result = check(max_loss_percent={"warning": 10, "error": 50})
    assert (result.status, result.kind, result.fault) == ("error", "expectation", "target")
    assert result.message == "packet loss 66.667 % is above 50 % (2 of 3 lost: no route to host, says 192.0.2.1)"


def test_loss_that_is_accepted(answered):
    answered({1: 0.01}, sent=2)
    assert check(max_loss_percent=50).is_success()


def test_all_lost_is_an_error_always(answered):
    answered({})
    result = check(max_loss_percent=100, timeout=3)
    assert (result.status, result.kind, result.fault) == ("error", "timeout", "target")
    assert result.message == "no reply from 127.0.0.1 (3 sent) within 3 s"
    assert result.raw_data["loss_percent"] == 100
    assert result.raw_data["rtt"] == {"min": None, "avg": None, "max": None}
    assert result.raw_data["phase"] == "first_byte"
    assert result.phases["first_byte"] is None


def test_not_reached(answered):
    answered({}, troubles={1: "time to live exceeded, says 192.0.2.1"})
    result = check()
    assert (result.status, result.kind) == ("error", "connect")
    assert result.message == "127.0.0.1 is not reached: time to live exceeded, says 192.0.2.1"


def test_round_trip(answered):
    answered({1: 0.1, 2: 0.3}, sent=2)
    assert check(max_rtt=0.25).is_success()
    slow = check(max_rtt={"warning": 0.15, "error": 1})
    assert slow.status == "warning"
    assert slow.message == "average round trip 0.2 s is above 0.15 s"


def test_expectations_see_it(answered):
    answered({1: 0.1}, sent=1)
    spec = CheckSpec("a", "ping", {"host": "127.0.0.1"}, expect=(compile_expectation({"path": "rtt.max", "lt": 0.05}),))
    assert "rtt.max" in execute(spec).message


def test_no_permission(monkeypatch):
    def refused(*_args, **_more):
        raise NetError("this machine does not permit ping", phase="send", kind="environment", fault="environment")

    monkeypatch.setattr(module, "ping", refused)
    result = check()
    assert (result.status, result.kind, result.fault) == ("error", "environment", "environment")
    assert result.raw_data["sent"] == 0
    assert result.raw_data["loss_percent"] is None


def test_what_was_seen_before_it_broke_off(monkeypatch):
    def broken(pings, *_args, **_more):
        pings.sent, pings.times = 2, {1: 0.5}
        raise NetError("no route to host while sending", phase="send", kind="connect")

    monkeypatch.setattr(module, "ping", broken)
    result = check()
    assert (result.status, result.kind) == ("error", "connect")
    observed = result.raw_data
    assert (observed["sent"], observed["received"], observed["loss_percent"], observed["rtt"]["avg"]) == (2, 1, 50, 0.5)


def test_a_name_without_address():
    result = check("nothing.invalid")
    assert (result.status, result.kind) == ("error", "resolve")
    assert result.raw_data["address"] is None
    assert result.phases["dns"] > 0


def test_pinned_address(answered):
    answered({1: 0.1}, sent=1)
    result = run_check("ping", {"host": "nothing.invalid"}, address="127.0.0.1")
    assert result.is_success()
    assert result.message == "nothing.invalid (127.0.0.1) answers: 1 of 1 replies, rtt 100 ms on average"
    assert result.raw_data["address"] == "127.0.0.1"


def test_a_timeout_that_only_the_check_has():
    """The config cannot know it: what does not fit is told before anything is sent."""
    result = execute(CheckSpec("a", "ping", {"host": "127.0.0.1", "count": 10, "interval": 0.5}, timeout=1))
    assert (result.status, result.fault) == ("error", "config")
    assert "10 echo requests 0.5 s apart do not fit into 1 s" in result.message


@pytest.mark.parametrize(
    "config, message",
    [
        ({"count": 11, "interval": 1, "timeout": 10}, "11 echo requests 1 s apart do not fit into the timeout of 10 s"),
        ({"count": 0}, "count: must be at least 1, not 0"),
        ({"count": 101}, "count: must be at most 100, not 101"),
        ({"interval": 0}, "interval: must be at least 0.001, not 0"),
        ({"size": 15}, "size: must be at least 16, not 15"),
        ({"size": 65_001}, "size: must be at most 65000, not 65001"),
        ({"max_loss_percent": {"warn": 1}}, "max_loss_percent: must have warning, error, or both"),
        ({"max_rtt": "fast"}, "max_rtt: must be a number"),
        ({"cuont": 3}, "unknown key 'cuont'; did you mean 'count'?"),
    ],
)
def test_refused_configs(config, message):
    result = run_check("ping", {"host": "127.0.0.1"} | config)
    assert result.fault == "config", result
    assert message in result.message


def test_declaration():
    cls = registry.get("ping")
    assert cls.__name__ == "PingPlugin"
    assert cls.cli_name == "ping"
    assert cls.get_required_config() == ["host"]
    assert cls.pins_address is True
