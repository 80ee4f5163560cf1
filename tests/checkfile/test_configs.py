from __future__ import annotations

import pytest
from pydantic import SecretStr

from monitorpy import CheckResult, MonitorPlugin, PluginConfig, PluginTemplate, register_plugin
from monitorpy.checkfile.configs import Plugins, judged
from monitorpy.errors import CheckFileError


@pytest.fixture
def seedy(plugins):
    @register_plugin("seedy")
    class Seedy(PluginTemplate):
        @classmethod
        def get_required_config(cls):
            return ["target"]

        @classmethod
        def get_optional_config(cls):
            return ["level"]


def issues(name, config):
    return [str(i) for i in judged(Plugins().shape(name), config, {}).issues]


def test_seed_style(seedy):
    assert issues("seedy", {"target": 1, "level": 2, "timeout": 3}) == []
    assert issues("seedy", {"levl": 2}) == ["missing required key 'target'", "unknown key 'levl'; did you mean 'level'?"]
    for wrong in ("5", True, 0, float("inf")):
        assert issues("seedy", {"target": 1, "timeout": wrong}) == ["timeout: must be a number of seconds, greater than 0"]


def test_a_timeout_of_its_own(plugins):
    @register_plugin("timed")
    class Timed(PluginTemplate):
        @classmethod
        def get_required_config(cls):
            return ["timeout"]

    assert issues("timed", {"timeout": "soon"}) == []


def test_functions_take_anything(plugins):
    @register_plugin("dice")
    def dice(config):
        return CheckResult.success("six")

    assert issues("dice", {"any": "thing"}) == []


def test_a_plugin_that_cannot_be_loaded(plugins, monkeypatch):
    def broken(name):
        raise ImportError("no module named spam")

    monkeypatch.setattr(plugins, "get", broken)
    assert Plugins().shape("spam") == "the plugin 'spam' cannot be loaded: ImportError: no module named spam"


def test_a_plugin_that_is_no_template(plugins):
    @register_plugin("bare")
    class Bare(MonitorPlugin):
        @classmethod
        def get_required_config(cls):
            return []

        def validate_config(self):
            return True

        def run_check(self):
            return CheckResult.success("")

    assert issues("bare", {"x": 1}) == ["unknown key 'x'; known: timeout"]


def test_fixtures():
    plugins = Plugins(lambda name: None if name in {"mine", "fixture:any"} else f"no {name}")
    assert plugins.shape("mine") == plugins.shape("fixture:any")
    assert plugins.shape("yours") == "no yours"
    assert plugins.shape("fixture:that") == "no fixture:that"
    assert plugins.shape("fixture:any") == Plugins().shape("fixture:that")  # nobody to ask
    assert "must be fixture:NAME" in str(plugins.shape("fixture: "))


def test_a_secret_of_digits_stays_text(plugins, checks):
    @register_plugin("pin")
    class Pin(PluginTemplate):
        class Config(PluginConfig):
            pin: SecretStr

    assert checks('[{id: a, plugin: pin, config: {pin: "${secret:PIN}"}}]', environ={"PIN": "0x12"})[0].config == {"pin": "0x12"}


def test_a_key_with_nothing_after_it_switches_nothing_off(write):
    from monitorpy.checkfile import load

    write(a="- id: a\n  plugin: tcp_port\n  config:\n    host: h\n    port: 1\n    expect:\n    banner: ~\n    bannner:\n")
    with pytest.raises(CheckFileError) as caught:
        load("a.yaml")
    assert [str(issue) for issue in caught.value.issues] == [
        "a.yaml:6:12: expect has nothing after it: give it a value, or leave it out",
        "a.yaml:7:13: banner has nothing after it: give it a value, or leave it out",
        "a.yaml:8:5: unknown key 'bannner'; did you mean 'banner'?",
    ]


def test_null_is_a_value_and_takes_back_what_the_defaults_say(write):
    from monitorpy.checkfile import load

    write(
        a="defaults: {config: {website_status: {expected_content: x}}}\n"
        "checks: [{id: a, plugin: website_status, config: {url: 'http://h/', expected_content: null, json: null}}]"
    )
    assert load("a.yaml").checks[0].config == {"url": "http://h/", "expected_content": None, "json": None}


def test_a_variable_that_is_null_switches_nothing_off(write):
    from monitorpy.checkfile import load

    write(a='[{id: a, plugin: website_status, config: {url: "http://x/", expected_content: "${X}", expected_headers: {a: "${Y}"}}}]')
    with pytest.raises(CheckFileError) as caught:
        load("a.yaml", environ={"X": "null", "Y": "~"})
    assert [str(issue) for issue in caught.value.issues] == [
        "a.yaml:1:79: expected_content: is null after substitution: give it a value, or leave the key out (the value of ${X})",
    ]
