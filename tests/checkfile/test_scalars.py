from __future__ import annotations

import pytest

from monitorpy.checkfile.scalars import ScalarError, doubtful_exponent, doubtful_key, resolve, substituted


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("yes", 'write true or "yes"'),
        ("Off", 'write false or "Off"'),
        ("n", 'write false or "n"'),
        ("=", 'write "="'),
        ("010", 'write 8, 10 or "010"'),
        ("-010", 'write -8, -10 or "-010"'),
        ("00", 'write 0 or "00"'),
        ("0_7", 'write 7 or "0_7"'),
        ("0777", 'write 511, 777 or "0777"'),
        ("089", 'write 89 or "089"'),
        ("0o17", 'write 15 or "0o17"'),
        ("-0b11", 'write -3 or "-0b11"'),
        ("0b_", 'write a number or "0b_"'),
        ("-0xff", 'write -255 or "-0xff"'),
        ("1:30", 'write 90 or "1:30"'),
        ("-1:30.5", 'write -90.5 or "-1:30.5"'),
        ("1_000", 'write 1000 or "1_000"'),
        ("+1_0.5_0", 'write +10.50 or "+1_0.5_0"'),
        ("2026-01-02", 'write "2026-01-02"'),
        ("2026-01-02T10:00:00Z", 'write "2026-01-02T10:00:00Z"'),
        ("-1e999", "write .inf"),
        ("1" * 5000, "quote it"),
        ("0" * 5000, "YAML 1.1"),
    ],
)
def test_doubtful_scalars_say_what_to_write(text, advice):
    with pytest.raises(ScalarError) as caught:
        resolve(text)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "text",
        "1.2.3.4",
        "0x",
        "0xg",
        "0b2",
        "0o9",
        "0o",
        "1:99",
        "1_x",
        "-",
        "--",
        "+x_y",
        "2026-13",
        "12-34",
        "a:1",
        "0_x",
        "0.x",
        "12:",
        "09a",
    ],
)
def test_texts(text):
    assert resolve(text) == text


@pytest.mark.parametrize(
    ("text", "value"), [("", ""), ("no", "no"), ("010", "010"), ("5", 5), ("true", True), ("~", None), ("1.0", 1.0), ("x", "x")]
)
def test_substituted(text, value):
    assert substituted(text) == value
    assert type(substituted(text)) is type(value)


@pytest.mark.parametrize(("text", "fine"), [("on", True), ("a", True), ("1", False), ("1:30", False), ("null", False), ("=", False)])
def test_keys(text, fine):
    assert (doubtful_key(text) is None) is fine


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("1e3", '1e3 is text in YAML 1.1 and 1000.0 in YAML 1.2: write 1000.0 or "1e3"'),
        ("1.5e3", '1.5e3 is text in YAML 1.1 and 1500.0 in YAML 1.2: write 1500.0 or "1.5e3"'),
        ("2E-9", '2E-9 is text in YAML 1.1 and 2.0e-09 in YAML 1.2: write 2.0e-09 or "2E-9"'),
        ("1.5e+3", None),
        ("1.5", None),
        (".5", None),
        (".inf", None),
    ],
)
def test_exponents_that_yaml_1_1_does_not_know(text, wrong):
    assert doubtful_exponent(text, resolve(text)) == wrong
