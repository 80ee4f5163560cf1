from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorpy.core.values import described, has_type, is_number, key_of, kind, same, shown

scalars = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(-2, 2, width=16), st.text("ab1", max_size=2))
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text("ab", max_size=1), v, max_size=2), max_leaves=6)


@pytest.mark.parametrize(
    "one, other, equal",
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        (None, False, False),
        (math.nan, math.nan, False),
        ([1, [2]], [1.0, [2]], True),
        ([1], [True], False),
        ((1, 2), [1, 2], True),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"b": 1}, False),
    ],
)
def test_same_compares_types_all_the_way_down(one, other, equal):
    assert same(one, other) is equal
    assert same(other, one) is equal
    assert (key_of(one) == key_of(other)) is equal


@given(values, values)
def test_keys_are_equal_exactly_for_the_same_values(one, other):
    assert (key_of(one) == key_of(other)) is same(one, other)


def test_kinds_are_json_types():
    assert [kind(v) for v in ("", 1, 1.5, True, None, [], (), {}, b"")] == [
        "string", "number", "number", "boolean", "null", "array", "array", "object", "bytes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value, name, holds",
    [
        (1, "integer", True),
        (1.0, "integer", True),
        (1.5, "integer", False),
        (True, "integer", False),
        (math.inf, "integer", False),
        ("1", "integer", False),
        (1, "number", True),
        (True, "number", False),
        (None, "null", True),
    ],
)
def test_integer_is_that_of_json_schema(value, name, holds):
    assert has_type(value, name) is holds


def test_values_are_shown_as_json_and_cut():
    assert shown('a"ü') == '"a\\"ü"'
    assert shown("x" * 100) == '"' + "x" * 79 + '..." (100 characters)'
    assert shown([True, None]) == "[true, null]"
    assert shown(list(range(100))).endswith("...")
    assert shown({1: {(1, 2): 3}}) == "dict"
    assert shown(b"x") == "\"b'x'\""


def test_described_names_the_type():
    assert [described(v) for v in ("7", 7, True, None, [1], {})] == [
        'the text "7"',
        "the number 7",
        "true",
        "null",
        "the list [1]",
        "the mapping {}",
    ]
    assert described(b"x").startswith("bytes ")


def test_what_is_a_number():
    assert [is_number(v) for v in (1, 1.5, True, "1", None)] == [True, True, False, False, False]
