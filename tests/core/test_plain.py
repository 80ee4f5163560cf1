from __future__ import annotations

import enum
import json
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from monitorpy.core.plain import cut, masked, to_plain
from monitorpy.core.result import CheckResult, Failure
from monitorpy.utils.masking import Masker


class Text(str):
    __slots__ = ()


class Colour(enum.IntEnum):
    RED = 1


class Name(enum.StrEnum):
    ONE = "one"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (1.5, 1.5),
        (-(10**300), -(10**300)),
        pytest.param(1 << 20_000, hex(1 << 20_000), id="an integer that has no decimal form"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        ("text", "text"),
        (Text("sub"), "sub"),
        (Colour.RED, 1),
        (Name.ONE, "one"),
        ("lone \udc80", "lone \\udc80"),
        (b"\xffab", "\\xffab"),
        (bytearray(b"x"), "x"),
        (OrderedDict(a=(1, {2})), {"a": [1, [2]]}),
        ({1: "a", b"k": "b", Text("t"): 1}, {"1": "a", "k": "b", "t": 1}),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (timedelta(seconds=90), 90.0),
        (Path("a/b"), "a/b"),
        (ValueError("no"), "no"),
    ],
)
def test_everything_becomes_an_exact_builtin(value, plain):
    result = to_plain(value)
    assert result == plain
    assert type(result) is type(plain)
    json.dumps(result)


def test_a_subclass_of_text_inside_becomes_plain_text():
    assert {type(k) for k in to_plain({Text("a"): Text("b")})} == {str}
    assert type(to_plain([Text("b")])[0]) is str


def test_endless_nesting_ends():
    loop: list = []
    loop.append(loop)
    assert "<nested deeper than 50>" in json.dumps(to_plain(loop))


def test_small_data_is_not_cut():
    data = {"a": "b" * 10}
    assert cut(data, 100) is data
    assert cut(["x" * 1000], 10) == ["x" * 1000]  # only raw data, a dict, is cut


def test_a_huge_body_is_cut_and_the_rest_is_kept():
    data = cut({"body": "x" * 1000, "status_code": 200, "headers": {"a": "b"}, "list": [1, None, "t"]}, 200)
    assert data["status_code"] == 200
    assert data["headers"] == {"a": "b"}
    assert data["list"] == [1, None, "t"]
    assert data["body"].startswith("xxx")
    assert data["body"].endswith("... (1000 characters)")
    assert data["truncated"] == "raw data was cut at 200 characters"
    assert list(data) == ["body", "status_code", "headers", "list", "truncated"]
    assert len(json.dumps(data)) < 400


@pytest.mark.parametrize("text", ["\0" * 30_000, "\u20ac" * 30_000, '"' * 63_000, "\U0001f600\n" * 40_000])
def test_the_limit_is_one_of_json(text):
    data = cut({"body": text, "n": 1})
    assert 60_000 < len(json.dumps(data)) < 65_536
    assert "truncated" in data


def test_many_items_are_cut_too():
    data = cut({"many": list(range(1000)), "keys": {str(i): i for i in range(1000)}}, 300)
    assert len(json.dumps(data)) < 800


def test_masking_a_result():
    result = CheckResult.error(
        "no hunter2", raw_data={"a": b"hunter2"}, failures=(Failure("hunter2", "x hunter2", ["hunter2"], message="hunter2!"),)
    )
    assert masked(result, Masker()) is result
    hidden = masked(result, Masker(["hunter2"]))
    assert "hunter2" not in repr(hidden)
    assert hidden.raw_data == {"a": "***"}
    assert hidden.failures[0].actual == ["***"]
