from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from monitorpy.utils.masking import MASK, Masker, active_masker, excerpt, sounds_secret


def test_without_secrets_nothing_changes():
    masker = Masker(["", ""])
    assert not masker
    assert masker.text("all of it") == "all of it"
    assert masker.plain({"a": [1, "b"]}) == {"a": [1, "b"]}


@pytest.mark.parametrize(
    "form",
    [
        lambda s: s,
        quote_plus,
        lambda s: base64.b64encode(s.encode()).decode(),
        lambda s: json.dumps(s)[1:-1],
        lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
        lambda s: json.dumps(json.dumps(s))[3:-3],
        lambda s: repr(s)[1:-1],
        lambda s: repr(s.encode())[2:-1],
        lambda s: quote(s, safe="/+"),
        lambda s: quote(s.encode("latin-1")).lower(),
        html.escape,
        lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
        lambda s: quote(base64.b64encode(s.encode())),
    ],
)
def test_a_secret_is_found_in_every_usual_form(form):
    secret = 'p@ss w"örd\\1+/?>~'
    masker = Masker([secret])
    assert masker.text(f"before {form(secret)} after") == f"before {MASK} after"


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
def test_a_secret_within_a_base64_text(before):
    text = base64.b64encode(f"{before}hunter2-hunter2!and more".encode()).decode()
    masked = Masker(["hunter2-hunter2"]).text(text)
    assert MASK in masked
    rest = b"".join(base64.b64decode(part[: len(part) // 4 * 4]) for part in masked.split(MASK))
    assert b"unter" not in rest


def test_a_short_secret_is_not_looked_for_in_base64():
    assert Masker(["a"]).text("YQ==") == "YQ=="


def test_no_excerpt_shows_a_part_of_a_secret():
    token = active_masker.set(Masker(["hunter2"]))
    try:
        assert excerpt("0123456789hunter2", 13) == "0123456789***"
        assert excerpt("0123456789hunter2", 11) == "0123456789*"
    finally:
        active_masker.reset(token)
    assert excerpt("0123456789", 5) == "01234"


def test_no_excerpt_shows_a_part_of_a_long_secret():
    secret = "0123456789abcdef" * 200
    token = active_masker.set(Masker([secret]))
    try:
        assert excerpt(f"AUTH {base64.b64encode(secret.encode()).decode()}", 40) == "AUTH ***"
    finally:
        active_masker.reset(token)


def test_a_secret_that_contains_another_is_masked_whole():
    assert Masker(["abc", "abcdef"]).text("x abcdef y") == f"x {MASK} y"


def test_plain_values_are_masked_in_depth():
    masker = Masker(["hunter2", "12345"])
    value = {"hunter2": ["say hunter2", {"n": 12345, "f": 1.5, "b": True, "none": None}], "t": ("hunter2",), 5: "x"}
    assert masker.plain(value) == {MASK: [f"say {MASK}", {"n": MASK, "f": 1.5, "b": True, "none": None}], "t": [MASK], 5: "x"}


def test_maskers_are_joined():
    masker = Masker(["one"])
    assert masker | ["one"] is masker
    assert (masker | ["two"]).text("one two three") == f"{MASK} {MASK} three"


def test_keys_that_sound_secret():
    assert sounds_secret("API_Token")
    assert sounds_secret("cookies")
    assert not sounds_secret("threshold")
