from __future__ import annotations

import argparse
from typing import Any, Literal

import pytest
from pydantic import Field, SecretStr

from monitorpy.commands.flags import add_flags, config_from, fields
from monitorpy.core.fields import RegexField, StatusField, ThresholdField
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import ConfigSection, PluginConfig
from monitorpy.core.registry import FunctionPlugin, registry
from monitorpy.errors import UsageError


class Nested(ConfigSection):
    matches: str


class Account(ConfigSection):
    name: str
    port: int = 1
    password: SecretStr
    token: SecretStr | None = None


class Declared(PluginTemplate):
    class Config(PluginConfig):
        note: str = Field("hello", description="Comes after the required ones.")
        url: str = Field(description="100 % of it.")
        port: int = Field(description="A port.")
        active: bool = Field(description="Required, and no place on the line.")
        labels: list[str] = Field(description="Required and many.")
        status: StatusField | None = Field(None, description="One or several.")
        limit: ThresholdField | None = Field(None, description="A limit.")
        pattern: RegexField | None = Field(None, description="A pattern.")
        words: str | list[str] | None = Field(None, description="One word or more.")
        numbers: list[int] = Field([], description="Numbers.")
        headers: dict[str, str] = Field({}, description="Headers.")
        answers: dict[str, Any] = Field({}, description="Answers.")
        nested: dict[str, str | Nested] = Field({}, description="Nested.")
        either: str | Nested | None = Field(None, description="A text or a mapping.")
        anything: Any = Field(None, description="Anything.")
        method: Literal["GET", "HEAD"] | None = Field(None, description="A method.")
        level: Literal[1, 2] = Field(1, description="A level.")
        only: Literal["this"] = Field("this", description="One choice.")
        size: int | Literal["big"] = Field(3, description="A size (default 3).")
        verify: bool = Field(default=True, description="Verify.")
        password: SecretStr | None = Field(None, description="A secret.")
        account: Account | None = Field(None, description="An account.")


class Short(PluginTemplate):
    @classmethod
    def get_required_config(cls):
        return ["target", "timeout"]

    @classmethod
    def get_optional_config(cls):
        return ["depth", "json"]


REQUIRED = ["http://x/", "80", "--active", "--labels", "a"]


def parse(plugin, *argv):
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_flags(parser, plugin, argv, ("--json", "--verbose"))
    return config_from(plugin, parser.parse_args(argv))


def config(*argv):
    found = parse(Declared, *REQUIRED, *argv).config
    Declared.Config.model_validate(found)  # what the command line makes is what the plugin takes
    return {key: value for key, value in found.items() if key not in {"url", "port", "active", "labels"}}


def test_required_by_place_and_nothing_else_by_default():
    found = parse(Declared, *REQUIRED)
    assert found.config == {"url": "http://x/", "port": 80, "active": True, "labels": ["a"]}
    assert found.flags["url"] == "--url"
    assert not found.secrets


def test_required_as_flags():
    assert parse(Declared, "--port=80", "--url", "1234", "--no-active", "--labels", "a").config["url"] == "1234"


def test_required_flag_is_missed():
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        parse(Declared, "http://x/", "80", "--labels", "a")


@pytest.mark.parametrize(
    "argv, expected",
    [
        (["--note", "010"], {"note": "010"}),
        (["--note", "true"], {"note": "true"}),
        (["--note", "{}"], {"note": "{}"}),
        (["--status", "200"], {"status": 200}),
        (["--status", "2xx"], {"status": "2xx"}),
        (["--status", "200", "--status", "3xx"], {"status": [200, "3xx"]}),
        (["--limit", "0.5"], {"limit": 0.5}),
        (["--limit", "10:20"], {"limit": "10:20"}),
        (["--limit", "warning=0.5,error=~:2"], {"limit": {"warning": 0.5, "error": "~:2"}}),
        (["--limit", '{"error": 2}'], {"limit": {"error": 2}}),
        (["--pattern", "200"], {"pattern": "200"}),
        (["--pattern", "[1]"], {"pattern": "[1]"}),
        (["--words", "12"], {"words": "12"}),
        (["--words", "1", "--words", "two"], {"words": ["1", "two"]}),
        (["--numbers", "12"], {"numbers": [12]}),
        (["--headers", "A=1", "--headers", "B=x=y"], {"headers": {"A": "1", "B": "x=y"}}),
        (["--answers", "$.a=1", "--answers", "b=[1, null]", "--answers", "c={"], {"answers": {"$.a": 1, "b": [1, None], "c": "{"}}),
        (["--nested", "a=10", "--nested", 'b={"matches": "x"}'], {"nested": {"a": "10", "b": {"matches": "x"}}}),
        (["--either", "http://x/?a=b"], {"either": "http://x/?a=b"}),
        (["--either", "1"], {"either": "1"}),
        (["--either", '{"matches": "x"}'], {"either": {"matches": "x"}}),
        (["--anything", "1.5"], {"anything": 1.5}),
        (["--anything", ""], {"anything": ""}),
        (["--method", "HEAD"], {"method": "HEAD"}),
        (["--level", "2"], {"level": 2}),
        (["--only", "this"], {"only": "this"}),
        (["--size", "big"], {"size": "big"}),
        (["--no-verify"], {"verify": False}),
    ],
)
def test_values(argv, expected):
    assert config(*argv) == expected


def test_choices():
    with pytest.raises(argparse.ArgumentError, match="invalid choice: 'PUT'"):
        config("--method", "PUT")


@pytest.mark.parametrize(
    "argv, message",
    [
        (["--headers", "A"], r"--headers: write NAME=VALUE, not 'A'"),
        (["--headers", " =1"], r"--headers: write NAME=VALUE"),
        (["--headers", "A=1", "--headers", "A=2"], r"--headers: A is given twice"),
        (["--limit", "warning=1,2"], r"--limit: write NAME=VALUE, not '2'"),
        (["--password", "hunter2"], r"--password takes env:NAME or file:PATH"),
        (["--password", "env:"], r"--password takes env:NAME or file:PATH"),
        (["--password", "env:NOT_THERE"], r"--password: the environment variable NOT_THERE is not set"),
        (["--password", "file:/nonexistent"], r"--password: /nonexistent cannot be read: No such file"),
    ],
)
def test_refused(argv, message):
    with pytest.raises(UsageError, match=message):
        config(*argv)


def test_a_secret_is_not_in_the_message():
    with pytest.raises(UsageError) as refused:
        config("--password", "hunter2")
    assert "hunter2" not in str(refused.value)


def test_secrets(monkeypatch, tmp_path):
    monkeypatch.setenv("PASSWORD", "1234")
    file = tmp_path / "secret"
    file.write_bytes(b"from a file\r\n")
    assert config("--password", "env:PASSWORD") == {"password": "1234"}
    found = parse(Declared, *REQUIRED, "--password", f"file:{file}")
    assert found.config["password"] == "from a file"
    assert found.secrets == {"from a file"}
    file.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="it is not UTF-8 text"):
        config("--password", f"file:{file}")


def test_secrets_in_a_section(monkeypatch):
    monkeypatch.setenv("PASSWORD", "1234")
    found = parse(Declared, *REQUIRED, "--account", "name=7", "--account", "password=env:PASSWORD", "--account", "port=9")
    assert found.config["account"] == {"name": "7", "password": "1234", "port": 9}
    assert found.secrets == {"1234"}
    with pytest.raises(UsageError, match="--account token takes env:NAME or file:PATH, never the value itself"):
        config("--account", "token=hunter2")


def test_help_tells_defaults_and_escapes_percent():
    parser = argparse.ArgumentParser()
    add_flags(parser, Declared, (), ())
    text = " ".join(parser.format_help().split())
    assert "100 % of it." in text
    assert "Comes after the required ones. (default: hello)" in text
    assert "A level. (default: 1)" in text
    assert "A size (default 3)." in text
    assert text.count("default 3") == 1
    assert "An account. Repeatable. password as env:NAME or file:PATH. token as env:NAME or file:PATH." in text
    assert "env:NAME|file:PATH A secret. As env:NAME or file:PATH, never the value itself." in text


def test_keys_of_a_short_plugin():
    found = parse(Short, "12", "--depth", "deep", "--config-json", "[1]")
    assert found.config == {"target": 12, "depth": "deep", "json": [1]}
    assert found.flags == {"target": "--target", "depth": "--depth", "json": "--config-json"}
    assert [field.name for field in fields(Short)] == ["target", "depth", "json"]


def test_a_function_takes_any_config():
    plugin = type("Anything", (FunctionPlugin,), {})
    assert parse(plugin, "--config", "a=1", "--config", "b=x").config == {"a": 1, "b": "x"}
    assert parse(plugin).config == {}


@pytest.mark.parametrize("name", ["website_status", "ssl_certificate", "dns_record", "mail_server", "tcp_port", "sample_monitor"])
def test_every_field_of_a_built_in_plugin_is_understood(name):
    plugin = registry.get(name)
    parser = argparse.ArgumentParser()
    add_flags(parser, plugin, (), ("--json",))
    assert parser.format_help()
    known = {*plugin.get_required_config(), *plugin.get_optional_config()} - {"timeout"}
    assert {field.name for field in fields(plugin)} == known
    assert [field.name for field in fields(plugin) if field.positional] == plugin.get_required_config()
