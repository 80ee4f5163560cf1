from __future__ import annotations

import pytest

from monitorpy.checkfile.issues import Issues, TooManyIssuesError
from monitorpy.checkfile.nodes import pos
from monitorpy.utils.masking import Masker


def test_a_spoiled_value_is_told_once():
    issues = Issues()
    issues.spoil("f", pos(0, 0), "unusable")
    issues.add("f", pos(0, 0), "wrong type")
    issues.add("f", pos(1, 0), "other")
    issues.add("f", pos(1, 0), "other")
    assert [str(i) for i in issues.found] == ["f:1:1: unusable", "f:2:1: other"]


def test_settled_places():
    issues = Issues()
    issues.add("f", pos(0, 0), "once")
    issues.settle()
    issues.add("f", pos(0, 0), "again")
    assert len(issues) == 1


def test_secrets_are_masked():
    issues = Issues()
    issues.add("f", pos(0, 0), "not hunter2")
    assert str(issues.error(Masker(["hunter2"]))) == "f:1:1: not ***"


def test_the_limit():
    issues = Issues(2)
    issues.add("f", pos(0, 0), "a")
    with pytest.raises(TooManyIssuesError):
        issues.add("f", pos(1, 0), "b")
    assert str(issues.error(Masker())).splitlines()[-1] == "f:2:2: more than 2 mistakes; the rest is not shown"
