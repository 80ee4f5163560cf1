from __future__ import annotations

import pytest

from monitorpy.checkfile import load, tree
from monitorpy.errors import CheckFileError

ONE = '[{{id: {0}, plugin: "fixture:f"}}]'


def messages(path):
    with pytest.raises(CheckFileError) as caught:
        load(path, environ={})
    return str(caught.value).splitlines()


def test_order_and_positions(write):
    write(
        a='include: ["sub/*.yaml", z.yaml]\nchecks: [{id: a, plugin: "fixture:f"}]',
        sub__2=ONE.format("two"),
        sub__1=ONE.format("one"),
        z=ONE.format("z"),
    )
    found = load("./a.yaml", environ={}).checks
    assert [(c.id, str(c.source)) for c in found] == [
        ("one", "./sub/1.yaml:1"),
        ("two", "./sub/2.yaml:1"),
        ("z", "./z.yaml:1"),
        ("a", "./a.yaml:2"),
    ]
    assert {c.scope for c in found} == {"./a.yaml"}


def test_relative_to_the_file_they_stand_in(write, tmp_path):
    write(
        a="include: [sub/b.yaml]", sub__b="include: [deep/*.yaml]", sub__deep__c='[{id: c, plugin: "fixture:f", config: {s: "${file:s}"}}]'
    )
    (tmp_path / "sub" / "deep" / "s").write_text("near\n")
    assert load("a.yaml", environ={}).checks[0].config == {"s": "near"}


def test_variables_go_down(write):
    write(
        a='vars: {x: outer, y: outer}\ninclude: [b.yaml]\nchecks: [{id: a, plugin: "fixture:f", config: {x: "${x}"}}]',
        b='vars: {x: inner}\nchecks: [{id: b, plugin: "fixture:f", config: {x: "${x}", y: "${y}"}}]',
    )
    assert [c.config for c in load("a.yaml", environ={}).checks] == [{"x": "inner", "y": "outer"}, {"x": "outer"}]


def test_patterns_with_variables_and_odd_names(write):
    write(a='include: ["${D}/[x].yaml", "${D}/**/y.yaml", 7.yaml]')
    write(**{"d__[x]": ONE.format("x"), "d__e__y": ONE.format("deep"), "7": ONE.format("seven")})
    assert [c.id for c in load("a.yaml", environ={"D": "d"}).checks] == ["x", "deep", "seven"]


def test_a_file_named_twice_is_read_once(write):
    write(a='include: ["*b.yaml", b.yaml]', b=ONE.format("b"))
    assert len(load("a.yaml", environ={}).checks) == 1


def test_too_deep_and_too_many(write, monkeypatch):
    write(a="include: [b.yaml]", b="include: [c.yaml]", c=ONE.format("c"))
    monkeypatch.setattr(tree, "MAX_DEPTH", 2)
    assert messages("a.yaml") == ["b.yaml:1:11: include: more than 2 files deep"]
    monkeypatch.setattr(tree, "MAX_DEPTH", 50)
    monkeypatch.setattr(tree, "MAX_FILES", 1)
    assert messages("a.yaml") == ["b.yaml:1:11: include: more than 1 files"]


def test_a_broken_link(write, tmp_path):
    write(a="include: [b.yaml]")
    (tmp_path / "b.yaml").symlink_to("nowhere")
    assert messages("a.yaml") == ["a.yaml:1:11: include: there is no file 'b.yaml'"]


def test_an_include_that_cannot_be_filled_in_is_not_looked_for(write):
    write(a='include: ["${U}", "${secret:S}"]', b=ONE.format("b"))
    with pytest.raises(CheckFileError) as caught:
        load("a.yaml", environ={"S": "b.yaml"})
    assert str(caught.value).splitlines() == [
        "a.yaml:1:11: the variable 'U' is not set: set it, or write ${U:-default}",
        "a.yaml:1:19: a secret cannot stand in include: it is shown everywhere",
    ]
