from __future__ import annotations

import pytest

from monitorpy.checkfile.model import Check, Retrying, name_problem


@pytest.mark.parametrize("name", ["a", "with space", "é/ü.x", "a:b", "-"])
def test_names(name):
    assert name_problem(name) is None


@pytest.mark.parametrize("name", ["", "  ", "a::b", "a[", "]", "\x7f", "\n", "\u2028"])
def test_no_names(name):
    assert name_problem(name)


def test_retries():
    assert Check(id="a", plugin="p", retries=2).retries == Retrying(count=2)
    assert Check(id="a", plugin="p", retries=Retrying(count=1)).retries == Retrying(count=1)
