from __future__ import annotations

import math

import pytest

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline


def test_a_deadline_counts_down():
    deadline = Deadline(60)
    assert 59 < deadline.left() <= 60
    assert 59 < deadline.timeout("connect") <= 60
    assert not deadline.expired
    assert deadline.overdue() == 0


def test_a_reached_deadline_is_an_error_of_kind_timeout():
    deadline = Deadline(-1)
    assert deadline.expired
    assert deadline.left() == 0
    assert deadline.overdue() >= 1
    with pytest.raises(NetError, match=r"no greeting within -1 s") as caught:
        deadline.timeout("connect", "no greeting")
    assert (caught.value.phase, caught.value.kind, caught.value.fault) == ("connect", "timeout", "target")


def test_the_earlier_of_two():
    soon, late = Deadline(1), Deadline(5)
    assert soon.earlier(late) is soon
    assert late.earlier(soon) is soon
    assert soon.earlier(None) is soon


def test_never():
    assert Deadline.never().left() == math.inf
