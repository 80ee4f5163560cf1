from __future__ import annotations

import pickle

from monitorpy.checkfile import entries
from monitorpy.core.result import Source
from monitorpy.core.spec import CheckSpec, Retries


def test_all_keys(checks):
    text = """
checks:
  - {id: b, plugin: "fixture:f"}
  - id: a
    plugin: fixture:f
    config: {x: [1, {y: z}]}
    expect: [{path: status, equals: success}]
    group: web
    tags: [one, two, one]
    timeout: 3
    retries: {count: 2, delay: 1, on: [tls], budget: 9}
    flaky: ok
    needs: [b]
    severity: warning
    addresses: all
    skip: "not today"
"""
    bare, full = checks(text)
    assert bare == CheckSpec("b", "fixture:f", source=Source("<stdin>", 3, 5), scope="<stdin>", masker=bare.masker)
    assert full == CheckSpec(
        "a",
        "fixture:f",
        {"x": [1, {"y": "z"}]},
        full.expect,
        group="web",
        tags=("one", "two"),
        timeout=3,
        retries=Retries(2, 1, ("tls",), 9),
        flaky="ok",
        needs=("b",),
        severity="warning",
        addresses="all",
        skip="not today",
        source=Source("<stdin>", 4, 5),
        scope="<stdin>",
        masker=full.masker,
    )
    assert len(full.expect) == 1
    assert type(full.config) is dict
    assert type(full.config["x"]) is list


def test_specs_can_be_pickled(checks):
    found = checks('[{id: a, plugin: "fixture:f", config: {x: {}}, expect: [{path: status, equals: success}]}]')[0]
    assert pickle.loads(pickle.dumps(found)).config == found.config


def test_texts_that_read_as_numbers(checks):
    text = '[{id: "${N}", plugin: "fixture:f", group: "${N}", tags: ["${N}"], skip: "${N}"}, {id: b, plugin: "fixture:f", needs: ["${N}"], timeout: "${N}"}]'
    first, second = checks(text, environ={"N": "12"})
    assert (first.id, first.group, first.tags, first.skip) == ("12", "12", ("12",), "12")
    assert (second.needs, second.timeout) == (("12",), 12)


def test_an_unread_secret_is_not_judged(checks, mistakes):
    text = '[{id: a, plugin: tcp_port, config: {host: h, port: "${secret:P}"}, expect: [{path: received, lt: "${file:x}"}], timeout: "${secret:T}"}]'
    assert [c for c in mistakes(text, read_secrets=True) if "***" in c] == []
    assert len(mistakes(text)) == 3


def test_an_unread_text_passes(checks):
    text = '[{id: a, plugin: tcp_port, config: {host: "x${secret:H}", port: 80}}]'
    assert checks(text, read_secrets=False)[0].config == {"host": "x***", "port": 80}


def test_the_same_expectation_is_compiled_once(checks):
    expect = "expect: [{path: status, equals: success}]"
    one, two = checks(f'[{{id: a, plugin: "fixture:f", {expect}}}, {{id: b, plugin: "fixture:f", {expect}}}]')
    assert one.expect[0] is two.expect[0]


def test_the_same_mistake_is_told_at_each_place(mistakes):
    expect = "expect: [{path: status}]"
    found = mistakes(f'- {{id: a, plugin: "fixture:f", {expect}}}\n- {{id: b, plugin: "fixture:f", {expect}}}')
    assert len(found) == 2


def test_too_many_checks(mistakes, monkeypatch):
    monkeypatch.setattr(entries, "MAX_CHECKS", 3)
    assert mistakes('[{id: a, plugin: "fixture:f"}, {id: b, plugin: "fixture:f", matrix: {x: [1, 2, 3]}}]')[0] == "1:32: more than 3 checks"
