from __future__ import annotations

from monitorpy.checkfile.nodes import START, Map, Seq, column_of, issue, line_of, locate, pos


def test_positions():
    assert (line_of(pos(0, 0)), column_of(pos(0, 0))) == (1, 1)
    assert (line_of(pos(99_999, 9_999_999)), column_of(pos(99_999, 9_999_999))) == (100_000, 10_000_000)
    assert str(issue("f", pos(1, 2), "m")) == "f:2:3: m"


def test_keys_added_after_a_look_up_are_found():
    node = Map(START)
    node["a"] = 1
    node.marks += (pos(1, 0), pos(1, 3))
    assert node.key_at("a") == pos(1, 0)
    node["b"] = 2
    node.marks += (pos(2, 0), pos(2, 3))
    assert node.value_at("b") == pos(2, 3)


def test_the_nearest_place():
    node = Seq(pos(4, 0))
    assert locate(node, ("x",)) == pos(4, 0)
    assert locate(3, (), default=pos(7, 7)) == pos(7, 7)
    assert locate(3, ()) == START
