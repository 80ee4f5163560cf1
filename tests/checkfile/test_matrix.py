from __future__ import annotations

from monitorpy.checkfile.matrix import spelled


def test_spelled():
    assert [spelled(v) for v in (True, False, "x", 1, 1.5, None, [], {})] == ["true", "false", "x", "1", "1.5", None, None, None]
    assert spelled(1.1, "1.10") == "1.10"


def test_expansions(checks):
    found = checks(
        '[{id: "a${v}", plugin: "fixture:f", config: {v: "${v}", w: "<${w}>"}, matrix: {v: ["/", "/login"], w: [1.10, "${X}", "x\\ny"]}}]',
        environ={"X": "7"},
    )
    assert [c.id for c in found][:4] == ["a/[/-1.10]", "a/[/-7]", "a/[/-x\\ny]", "a/login[/login-1.10]"]
    assert found[0].config == {"v": "/", "w": "<1.10>"}
    assert found[2].config["w"] == "<x\ny>"


def test_an_address_may_stand_in_an_id(checks):
    assert checks('[{id: a, plugin: "fixture:f", matrix: {v: ["::1"]}}]')[0].id == "a[::1]"


def test_a_whole_value_keeps_its_type(checks):
    assert checks('[{id: a, plugin: "fixture:f", config: {v: "${v}"}, matrix: {v: [1]}}]')[0].config == {"v": 1}


def test_a_broken_matrix_does_not_hide_the_rest(mistakes):
    text = (
        '[{id: a, plugin: "fixture:f", config: {v: "${v} ${U}"}, timeout: 0, matrix: {v: [[1]]}}, {id: b, plugin: "fixture:f", needs: [a]}]'
    )
    assert mistakes(text) == [
        "1:43: the variable 'U' is not set: set it, or write ${U:-default}",
        "1:66: timeout: must be greater than 0, not 0",
        "1:82: matrix.v: a value must be text, a number, true or false",
    ]
