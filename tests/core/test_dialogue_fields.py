from __future__ import annotations

import pytest

from monitorpy.core.dialogue_fields import ExpectOptions, TalkOptions, Wanted
from monitorpy.core.patterns import Pattern
from monitorpy.core.plugin_config import parse_config
from monitorpy.errors import ConfigError
from monitorpy.utils.masking import Masker, active_masker


def talk(**config):
    return parse_config(TalkOptions, config)


@pytest.mark.parametrize("digits", ["00ff", "00 FF", " 00\nff "])
def test_hex(digits):
    assert talk(send_hex=digits).payload == b"\x00\xff"


@pytest.mark.parametrize(
    "value, message",
    [
        ("0", "must be hexadecimal digits in pairs"),
        ("0x00", "must be hexadecimal digits in pairs"),
        ("  ", "must be hexadecimal digits in pairs"),
        ("", "must not be empty"),
        (23, "must be text: quote it"),
    ],
)
def test_what_is_no_hex(value, message):
    with pytest.raises(ConfigError, match=f"expect_hex: {message}"):
        talk(expect_hex=value)


def test_payload():
    assert talk(send="grün").payload == "grün".encode()
    assert talk().payload == b""


def test_what_is_wanted():
    wanted = parse_config(ExpectOptions, {"expect": "a", "expect_regex": "b+", "expect_hex": "63"}).wanted
    assert [w.what for w in wanted] == ["'a'", "a match of 'b+'", "the bytes 63"]
    assert [w.find(b"abbc").end for w in wanted] == [1, 3, 4]
    assert [w.find(b"x") for w in wanted] == [None] * 3
    assert [w.binary for w in wanted] == [False, False, True]
    assert talk().wanted == []


def test_text_is_compared_as_it_travels():
    assert Wanted.of_text("\\xff").find(b"\xff") is None
    assert Wanted.of_text("ü").find("xü".encode()).end == 3


def test_groups_are_the_bytes_that_came():
    found = Wanted.of_regex(Pattern("id=(?P<id>[^;]+);(x)?")).find(b"\xffid=\xfe\xc3\xbc;rest")
    assert found.group("id") == found.group("1") == b"\xfe\xc3\xbc"
    assert found.group("0") == b"id=\xfe\xc3\xbc;"
    assert found.group("2") is None
    assert found.end == 8


def test_a_secret_in_hex_is_one_where_it_comes_back():
    before = active_masker.set(Masker(["6b657921", "other", "abcd", "0", "00"]))
    try:
        assert talk(send_hex="00 6b657921").hex_secrets() == {"key!"}
        assert talk(send="6b657921").hex_secrets() == set()
    finally:
        active_masker.reset(before)
