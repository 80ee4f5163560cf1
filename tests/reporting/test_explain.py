import pytest

from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import PluginConfig
from monitorpy.core.registry import registry, run_check
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.spec import CheckSpec
from monitorpy.reporting.explain import check_name, duration, explain, full_masker, harmless, masker_of_all, printable, shown_config
from monitorpy.utils.masking import Masker


@pytest.fixture(autouse=True)
def _registry(monkeypatch):
    monkeypatch.setattr(registry, "_plugins", dict(registry.plugins))


def test_all_parts_in_order():
    result = CheckResult.error(
        "expected status 200, got 503",
        0.131,
        {"body": "x"},
        phases={"dns": 0.001, "first_byte": 0.13, "transfer": None},
        failures=(Failure("status_code", "200", 503), Failure("json.depth", "< 5", [1, "a\nb"], "warning", "json.depth is 7, not < 5")),
        attempts=3,
    )
    assert explain(result, {"url": "https://x/", "headers": {"a": 1}}, details=True).lines() == [
        "    url: https://x/",
        '    headers: {"a": 1}',
        "ERROR: expected status 200, got 503",
        "  status_code",
        "    - expected: 200",
        "    + actual:   503",
        "  json.depth (warning): json.depth is 7, not < 5",
        "    - expected: < 5",
        '    + actual:   [1, "a\\nb"]',
        "  dns 1 ms  first byte 130 ms  transfer not reached  total 131 ms",
        "  attempts: 3",
        "    {",
        '      "body": "x"',
        "    }",
    ]


def test_a_failure_that_the_message_tells_is_not_told_twice():
    failure = Failure("status_code", "200", 503, message="expected status 200, got 503")
    assert explain(CheckResult.error("expected status 200, got 503", failures=(failure,)), {}).verdict[1] == "  status_code"


def test_a_message_of_several_lines():
    assert explain(CheckResult.warning("one\ntwo"), {}).verdict == ("WARNING: one", "  two")
    assert explain(CheckResult.success(""), {}).verdict == ("SUCCESS: ",)


def test_addresses():
    parts = [
        {"address": "::1", "status": "error", "message": "refused", "response_time": 0.002},
        {"address": "127.0.0.1", "status": "success", "message": "ok"},
    ]
    result = CheckResult.error("1 of 2 addresses: ::1: refused", raw_data={"addresses": parts})
    assert explain(result, {}).verdict[1:] == ("  ::1: ERROR: refused (2 ms)", "  127.0.0.1: SUCCESS: ok")


@pytest.mark.parametrize(
    "fault, words", [("config", "configuration"), ("environment", "this machine"), ("plugin", "the plugin"), ("not_run", "did not run")]
)
def test_whose_fault_it_is(fault, words):
    assert words in explain(CheckResult.error("x", fault=fault), {}).verdict[-1]


def test_a_crash_shows_the_plugins_own_frames():
    class Broken(PluginTemplate):
        def _execute_check(self):
            return helper()

    def helper():
        raise KeyError("nope\x1b[31m")

    registry.register("broken", Broken)
    shown = explain(run_check("broken", {}), {}, details=True)
    assert [line.strip() for line in shown.crash if line.startswith("  File")] == [
        f'File "{__file__}", line {helper.__code__.co_firstlineno - 2}, in _execute_check',
        f'File "{__file__}", line {helper.__code__.co_firstlineno + 1}, in helper',
    ]
    assert shown.crash[-1] == "KeyError: 'nope\\x1b[31m'"
    assert shown.lines()[: len(shown.crash)] == list(shown.crash)
    assert "traceback" not in "".join(shown.raw)


def test_a_crash_of_a_coroutine_shows_the_plugins_own_frames(plugins):
    class Broken(PluginTemplate):
        async def _execute_check(self):
            raise KeyError("nope")

    plugins.register("broken_coroutine", Broken)
    shown = explain(run_check("broken_coroutine", {}), {})
    assert [line.strip() for line in shown.crash if "File" in line] == [
        f'File "{__file__}", line {Broken._execute_check.__code__.co_firstlineno + 1}, in _execute_check'
    ]


def test_a_crash_in_several_shows_the_plugins_own_frames(plugins):
    class Broken(PluginTemplate):
        def _execute_check(self):
            raise ExceptionGroup("many", [KeyError("nope"), ValueError("no")])

    plugins.register("broken_group", Broken)
    shown = explain(run_check("broken_group", {}), {})
    assert [line.strip(" |") for line in shown.crash if "File" in line] == [
        f'File "{__file__}", line {Broken._execute_check.__code__.co_firstlineno + 1}, in _execute_check'
    ]
    assert [line.strip(" |") for line in shown.crash if line.endswith(("'nope'", ": no"))] == ["KeyError: 'nope'", "ValueError: no"]


def test_nothing_that_a_peer_sent_steers_the_terminal():
    nasty = "\x1b[31m\r\u202e\x9b"
    result = CheckResult.error(
        nasty, raw_data={nasty: nasty}, failures=(Failure(nasty, nasty, nasty, message=nasty + "!"),), phases={nasty: 1.0}
    )
    assert all(line.isprintable() for line in explain(result, {nasty: nasty}, details=True).lines())


def test_long_values_are_cut_unless_details_are_wanted():
    result = CheckResult.error("x", failures=(Failure("body", "y", "z" * 5000),))
    assert explain(result, {}).verdict[-1].endswith("z... (5000 characters)")
    assert explain(result, {}, details=True).verdict[-1].endswith("z" * 5000)


@pytest.mark.parametrize("seconds, text", [(None, "not reached"), (0.0004, "0.4 ms"), (0.1306, "131 ms"), (1.5, "1.50 s"), (0, "0.0 ms")])
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_printable():
    assert printable("caf\u00e9") == "caf\u00e9"
    assert printable("a\tb") == "a\\tb"


def test_secrets_of_the_file_and_what_sounds_secret():
    config = {
        "url": "https://x/?k=s3cret",
        "password": "p",
        "headers": {"Authorization": "Bearer x", "Accept": "y"},
        "token": None,
        "use_token": True,
        "proxy": "http://me:pw@p:3128 or https://a@b/c",
    }
    assert shown_config(CheckSpec(id="a", plugin="unknown", config=config, masker=Masker(["s3cret"]))) == {
        "url": "https://x/?k=***",
        "password": "***",
        "headers": {"Authorization": "***", "Accept": "y"},
        "token": None,
        "use_token": True,
        "proxy": "http://***@p:3128 or https://***@b/c",
    }


def test_a_masker_for_texts_that_may_hold_any_of_the_config():
    config = {
        "password": "pw1",
        "headers": {"Authorization": "Bearer x", "Accept": "y"},
        "tokens": ["t1", {"inner": 4711}],
        "use_token": True,
        "token": None,
        "proxies": ["http://me:pw2@p:3128"],
    }
    masker = full_masker(CheckSpec(id="a", plugin="unknown", config=config, masker=Masker(["s3cret"])))
    assert masker.secrets == {"s3cret", "pw1", "Bearer x", "t1", "4711", "me:pw2"}


def test_the_secrets_of_several_checks_are_those_of_each():
    specs = [CheckSpec(id=name, plugin="unknown", config={"password": f"pw-{name}"}, masker=Masker(["s3cret"])) for name in ("a", "b")]
    assert masker_of_all(specs).text("s3cret pw-a pw-b") == "*** *** ***"


def test_secrets_that_the_plugin_declares():
    from pydantic import Field, SecretStr

    class Door(PluginTemplate):
        class Config(PluginConfig):
            code: SecretStr = Field(description="the code", strict=False)
            note: str = Field("", description="a note")

    class Plain(PluginTemplate):
        pass

    registry.register("door", Door)
    registry.register("plain", Plain)
    assert shown_config(CheckSpec(id="a", plugin="door", config={"code": "4711x", "note": "it is 4711x"})) == {
        "code": "***",
        "note": "it is ***",
    }
    assert shown_config(CheckSpec(id="a", plugin="plain", config={"code": "4711"})) == {"code": "4711"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("as it is: a::b #3 ## [x]", "as it is: a::b #3 ## [x]"),
        ("::error::x", "\\x3a:error::x"),
        ("   ::error::x", "   \\x3a:error::x"),
        ("a ##[error]x", "a \\x23#[error]x"),
        ("a ###vso[x]", "a #\\x23#vso[x]"),
        ("::a ##[b]", "\\x3a:a \\x23#[b]"),
    ],
)
def test_harmless(line, expected):
    assert harmless(line) == expected


def test_a_crash_cannot_speak_to_the_ci():
    crash = CheckResult.error("it crashed", fault="plugin", raw_data={"traceback": "Traceback\n::error::a peer wrote this\n"})
    assert not any(line.lstrip().startswith("::") for line in explain(crash, {}).lines())


def test_a_plugin_that_cannot_be_made_has_no_secrets():
    class Broken(PluginTemplate):
        def __init__(self, config):
            raise RuntimeError("cannot be made")

    registry.register("broken", Broken)
    assert shown_config(CheckSpec(id="a", plugin="broken", config={"n": 1})) == {"n": 1}


def test_a_check_is_called_by_its_group_and_id():
    assert check_name("web", "home") == "web::home"
    assert check_name(None, "home") == "home"
