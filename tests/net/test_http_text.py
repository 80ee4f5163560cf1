from __future__ import annotations

import pytest

from monitorpy.net.http_text import NOT_JSON, decode, parse_json


@pytest.mark.parametrize(
    "body, content_type, text",
    [
        ("grün".encode(), "", "grün"),
        ("grün".encode(), "text/plain; charset=utf-8", "grün"),
        ("grün".encode("latin-1"), "text/plain; charset=ISO-8859-1", "grün"),
        ("€".encode("cp1252"), "text/html; charset=latin1", "€"),
        ("grün".encode("utf-16"), "text/plain; charset=utf-8", "grün"),
        ("grün".encode("utf-8-sig"), "", "grün"),
        ("日本".encode("shift_jis"), 'text/html; charset="Shift_JIS"', "日本"),
        (b'<html><meta charset="windows-1251">' + "да".encode("cp1251"), "text/html", '<html><meta charset="windows-1251">да'),
        (
            b"<meta http-equiv=x content='text/html; charset=latin-1'>\xfc",
            "text/html",
            "<meta http-equiv=x content='text/html; charset=latin-1'>ü",
        ),
        (b"<meta charset=nonsense>\xc3\xbc", "text/html", "<meta charset=nonsense>ü"),
        (b"<p>\xc3\xbc", "text/html", "<p>ü"),
        (b"\xff\xc3\xbc", "", "\\xffü"),
        (b"\xc3\xbc", "text/plain; charset=no-such", "ü"),
        (b"\xc3\xbc", "text/plain; charset=rot13", "ü"),
        (b"\xc3\xbc", "text/plain; charset=idna", "ü"),
        (b"\xc3\xbc\xff", "text/plain; charset=punycode", "ü\\xff"),
        (b"\\u0041\xc3\xbc", "text/plain; charset=unicode_escape", "\\u0041ü"),
        (b"+AGE-", "text/plain; charset=utf-7", "+AGE-"),
        (b"\xc3\xbc", "text/plain; charset*=utf-8''x", "ü"),
    ],
)
def test_charsets(body, content_type, text):
    assert decode(body, content_type) == text


@pytest.mark.parametrize(
    "text, content_type, value",
    [
        ('{"a": 1}', "application/json", {"a": 1}),
        ("null", "application/problem+json; charset=utf-8", None),
        (" [1]", "text/plain", [1]),
        ("{not json", "application/json", NOT_JSON),
        ("12", "text/plain", NOT_JSON),
        ("", "application/json", NOT_JSON),
        ("[NaN]", "application/json", NOT_JSON),
        ("[" * 100_000, "application/json", NOT_JSON),
        ('{"a": "\\xff"}', "application/json", NOT_JSON),  # what decode makes of a byte that is not UTF-8
        ("[" + "1" * 5000 + "]", "application/json", NOT_JSON),
    ],
)
def test_json(text, content_type, value):
    assert parse_json(text, content_type) == value
