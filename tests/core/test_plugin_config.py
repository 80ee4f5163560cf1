from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field, SecretStr, field_validator

from monitorpy.core.plugin_config import (
    ConfigSection,
    PluginConfig,
    Port,
    Seconds,
    _keys_at,
    field_order,
    parse_config,
    secret_values,
    settle_texts,
)
from monitorpy.errors import ConfigError


class Login(ConfigSection):
    user: str = "x"
    password: SecretStr | None = None


class Pair(ConfigSection):
    one: int
    two: int


class Config(PluginConfig):
    host: str = Field(min_length=1)
    port: Port = 80
    wait: Seconds = 1.0
    mode: Literal["smtp", "imap"] = "smtp"
    status: int | str | list[int | str] = 200
    verify: bool = True
    token: SecretStr | None = None
    tokens: list[SecretStr] = []
    more: dict[str, SecretStr] = {}
    login: Login | None = None
    logins: list[Login] = []
    even: int | None = None
    forms: Login | list[int] | None = None
    name: Annotated[str, Field(min_length=1)] | Pair | None = None
    maps: dict[str, str] | dict[str, int] | None = None
    pair: Pair | None = None
    share: float = Field(0.1, le=0.5)
    code: str = Field("A", pattern="^[A-Z]$")

    @field_validator("even")
    @classmethod
    def _even(cls, value: int | None) -> int | None:
        if value is not None and value % 2:
            raise ValueError(f"must be even, not {value}")
        return value


def issues(**config):
    with pytest.raises(ConfigError) as caught:
        parse_config(Config, config)
    return [str(issue) for issue in caught.value.issues]


def test_a_right_config():
    assert parse_config(Config, {"host": "h", "timeout": 2}).timeout == 2


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "missing required key 'host'"),
        ({"host": ""}, "host: must not be empty"),
        ({"host": 5}, "host: must be text: quote it"),
        ({"host": [1]}, "host: must be text"),
        ({"host": "h", "port": "9"}, "port: must be an integer, not text: remove the quotes"),
        ({"host": "h", "port": 99999}, "port: must be at most 65535, not 99999"),
        ({"host": "h", "port": 1.5}, "port: must be an integer"),
        ({"host": "h", "wait": 0}, "wait: must be greater than 0, not 0"),
        ({"host": "h", "wait": float("inf")}, "wait: must be a finite number"),
        ({"host": "h", "mode": "smpt"}, "mode: must be 'smtp' or 'imap', not 'smpt'; did you mean 'smtp'?"),
        ({"host": "h", "mode": "zzz"}, "mode: must be 'smtp' or 'imap', not 'zzz'"),
        ({"host": "h", "status": {}}, "status: must be an integer or text or a list"),
        ({"host": "h", "verify": "yes"}, "verify: must be true or false, not text: remove the quotes"),
        ({"host": "h", "tokens": "a"}, "tokens: must be a list"),
        ({"host": "h", "logins": "a"}, "logins: must be a list, not text"),
        ({"host": "h", "token": 5}, "token: must be text"),
        ({"host": "h", "login": "a"}, "login: must be a mapping, not text"),
        ({"host": "h", "login": {"usr": 1}}, "unknown key 'usr'; did you mean 'user'?"),
        ({"host": "h", "logins": [{"zz": 1}]}, "unknown key 'zz'; known: password, user"),
        ({"host": "h", "hots": 1}, "unknown key 'hots'; did you mean 'host'?"),
        ({"host": "h", "even": 3}, "even: must be even, not 3"),
    ],
)
def test_a_mistake_says_what_to_write(config, message):
    assert issues(**config) == [message]


def test_all_mistakes_at_once_with_their_places():
    with pytest.raises(ConfigError) as caught:
        parse_config(Config, {"port": 0, "tokens": [1, "a", 2], "xx": 1})
    found = {(i.loc, i.on_key) for i in caught.value.issues}
    assert found == {((), False), (("port",), False), (("tokens", 0), False), (("tokens", 2), False), (("xx",), True)}


def test_the_value_of_a_secret_is_never_shown():
    assert "7654321" not in str(issues(host="h", token=7654321, login={"password": 7654321}))


def test_every_secret_is_found():
    config = {"host": "h", "token": "a", "tokens": ["b"], "more": {"k": "c"}, "login": {"password": "d"}, "logins": [{"password": "e"}]}
    assert set(secret_values(parse_config(Config, config))) == set("abcde")


def test_substituted_values_become_text_again_where_text_is_wanted():
    config = {"host": 123, "port": 80, "token": 5, "tokens": [1, 2]}
    texts = {("host",): "0123", ("port",): "80", ("token",): "5", ("tokens", 1): "2"}
    settled = settle_texts(Config, config, texts)
    assert settled == {"host": "0123", "port": 80, "token": "5", "tokens": [1, "2"]}
    assert config["host"] == 123  # the caller's own is left alone
    fine = {"host": "h"}
    assert settle_texts(Config, fine, {}) is fine


def test_a_mistake_in_one_of_several_forms():
    assert issues(host="h", forms={"user": 1}) == ["forms.user: must be text: quote it"]
    assert issues(host="h", forms=["a"]) == ["forms.0: must be an integer, not text: remove the quotes"]
    assert issues(host="h", forms="a") == ["forms: must be a mapping or a list"]
    assert issues(host="h", name={"one": 1}) == ["name: missing required key 'two'"]
    assert issues(host="h", name="") == ["name: must not be empty or must be a mapping"]
    assert issues(host="h", maps="a") == ["maps: must be a mapping, not text"]


def test_words_of_several_forms():
    class Upgrade(PluginConfig):
        starttls: Literal[True] | Literal["smtp", "imap"]  # noqa: PYI030 - as where one part has a name

    with pytest.raises(ConfigError) as caught:
        parse_config(Upgrade, {"starttls": "foo"})
    assert str(caught.value) == "starttls: must be true or 'smtp' or 'imap'"


def test_keys_are_known_of_mappings_of_the_model_only():
    assert _keys_at(Config, ("login",)) == ["user", "password"]
    assert _keys_at(Config, ("host",)) == []


def test_two_missing_keys_of_a_section_are_two_mistakes():
    assert issues(host="h", pair={}) == ["pair: missing required key 'one'", "pair: missing required key 'two'"]


def test_what_is_no_text_stays_a_mistake_where_nothing_was_substituted():
    assert settle_texts(Config, {"host": 5}, {}) == {"host": 5}


def test_a_fraction_as_a_bound():
    assert issues(host="h", share=0.75) == ["share: must be at most 0.5, not 0.75"]
    assert issues(host="h", share=[]) == ["share: must be a number"]


def test_a_message_of_pydantic_begins_as_ours_do():
    assert issues(host="h", code="x")[0].startswith("code: string should match pattern")


def test_fields_come_in_the_order_in_which_people_look_for_them():
    class Base(PluginConfig):
        common: int = 1
        needed: int

    class Own(Base):
        special: int = 1
        target: str

    assert field_order(Own) == ["target", "needed", "special", "timeout", "common"]


def test_mistakes_come_in_the_order_of_the_config():
    class Base(PluginConfig):
        common: int = 1

    class Own(Base):
        special: int = 1
        target: str

    with pytest.raises(ConfigError) as refused:
        parse_config(Own, {"special": "x", "common": "y"})
    assert [issue.loc for issue in refused.value.issues] == [(), ("special",), ("common",)]
