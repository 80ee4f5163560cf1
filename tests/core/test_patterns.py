from __future__ import annotations

import pickle
import warnings

import pytest

from monitorpy.core import patterns
from monitorpy.core.patterns import Pattern
from monitorpy.errors import ConfigError


def test_a_pattern_searches_as_re_does():
    assert Pattern(r"\b2\d\d\b").search("HTTP 204 No Content").group() == "204"
    assert Pattern("^x").search("y") is None


def test_a_pattern_that_backtracks_without_end_is_a_mistake_and_no_hang(monkeypatch, ms):
    monkeypatch.setattr(patterns, "SEARCH_SECONDS", 100 * ms)
    with pytest.raises(
        ConfigError, match=rf"/\(x\+x\+\)\+y/ cannot be searched for within {100 * ms:g} s in 5000 characters: it backtracks"
    ):
        Pattern("(x+x+)+y").search("x" * 5000)


def test_what_does_not_compile():
    with pytest.raises(ValueError, match="missing"):
        Pattern("(a")


def test_no_warning_escapes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Pattern("[[a]").search("[")


def test_groups():
    assert Pattern("(a)(?P<name>b)(?:c)").groups == {"0", "1", "2", "name"}
    assert Pattern("a").groups == {"0"}


def test_a_pattern_is_a_value():
    pattern = Pattern("a+")
    assert pickle.loads(pickle.dumps(pattern)) == pattern
    assert {pattern, Pattern("a+")} == {pattern}
    assert pattern != Pattern("b")
    assert pattern != "a+"
    assert repr(pattern) == "Pattern('a+')"
