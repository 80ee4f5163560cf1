from __future__ import annotations

import base64
import json
from urllib.parse import quote_plus

import pytest

from monitorpy.utils.masking import MASK, Masker


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
        lambda s: repr(s)[1:-1],
    ],
)
def test_a_secret_is_found_in_every_usual_form(form):
    secret = 'p@ss w"örd\\1'
    masker = Masker([secret])
    assert masker.text(f"before {form(secret)} after") == f"before {MASK} after"


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
