from __future__ import annotations

import gc

import pytest

from monitorpy.checkfile import CheckFile, load
from monitorpy.errors import CheckFileError


def refused(path, **options):
    with pytest.raises(CheckFileError) as caught:
        load(path, **options)
    return str(caught.value)


def test_a_file(write):
    write(a='[{id: a, plugin: "fixture:f"}]')
    found = load("a.yaml", environ={})
    assert isinstance(found, CheckFile)
    assert (found.path, [c.id for c in found.checks]) == ("a.yaml", ["a"])
    assert gc.isenabled()


def test_the_environment_is_the_default(write, monkeypatch):
    write(a='[{id: a, plugin: "fixture:f", config: {x: "${MONITORPY_X}"}}]')
    monkeypatch.setenv("MONITORPY_X", "set")
    assert load("a.yaml").checks[0].config == {"x": "set"}


def test_standard_input(write, tmp_path):
    write(b='[{id: b, plugin: "fixture:f"}]')
    found = load("-", text="include: [b.yaml]", environ={})
    assert (found.path, str(found.checks[0].source)) == ("<stdin>", "b.yaml:1")
    assert refused("-", text="\0") == "<stdin>:1:1: the character U+0000: this is a binary file, not YAML"


def test_what_cannot_be_read(write, tmp_path):
    write(empty="")
    assert refused("none.yaml") == "none.yaml:1:1: no such file"
    assert refused(str(tmp_path)) == f"{tmp_path}:1:1: this is a directory, not a check file"
    assert refused("empty.yaml") == "empty.yaml:1:1: the file is empty: write checks in it"


def test_secrets(write, tmp_path):
    write(a='[{id: a, plugin: "fixture:f", config: {t: "x ${secret:T}", f: "${file:f}"}}]')
    (tmp_path / "f").write_text("filed\n")
    found = load("a.yaml", environ={"T": "hunter2"})
    assert found.masker.secrets == {"hunter2", "filed"}
    assert found.checks[0].masker is found.masker
    assert load("a.yaml", environ={}, read_secrets=False).checks[0].config == {"t": "x ***", "f": "***"}
    assert refused("a.yaml", environ={}) == "a.yaml:1:43: the secret 'T' is not set in the environment"


def test_no_secret_in_a_mistake(write):
    write(
        a='[{id: a, plugin: tcp_port, config: {host: h, port: "${secret:T}"}}, {id: b, plugin: "fixture:f", expect: [{path: "${secret:T}[", equals: 1}]}]'
    )
    assert "12345678" not in refused("a.yaml", environ={"T": "12345678"})


def test_fixtures(write):
    write(a="[{id: a, plugin: mine}]")
    assert load("a.yaml", environ={}, fixture_problem=lambda name: None if name == "mine" else "no such thing").checks[0].plugin == "mine"
    assert "not found in registry" in refused("a.yaml", environ={})


def test_too_many_mistakes(write):
    write(a="- x\n" * 5000)
    assert refused("a.yaml").count("\n") == 1000
    gc.disable()
    try:
        refused("a.yaml")
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", ["- a\n", "a: 1\n", "[", "{", '"', "? ", "- - ", "&a ", "\n", "%", "a: &a [*a]\n", "- {x: [1, 2]}\n", "a" * 999 + ": 1\n"]
)
def test_garbage_is_answered_in_seconds(write, unit):
    refused("-", text=unit * (5_000_000 // len(unit)), environ={})
