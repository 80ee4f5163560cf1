from __future__ import annotations

import pytest

from monitorpy.checkfile.interpolation import Environment, Filling, Scope, UnfilledError
from monitorpy.checkfile.issues import Issues
from monitorpy.checkfile.nodes import START


@pytest.fixture
def scope(tmp_path):
    (tmp_path / "token").write_text("from-file\r\n\n")
    return Scope(Environment({"A": "x", "P": "pa$${Z}${A}", "E": "", "S": "hunter2", "N": "null", "I": "12"}), str(tmp_path))


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain $5 ^ab$ $A } {", "plain $5 ^ab$ $A } {"),
        ("${A}/y", "x/y"),
        ("${Q:-d e}", "d e"),
        ("${E:-d}", "d"),
        ("${E}.", "."),
        ("${Q:-}", ""),
        ("${Q:-${A}-${R:-r}}!", "x-r!"),
        ("${Q:-$${A\\}}", "${A\\}"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("${P}", "pa$${Z}${A}"),
        ("${file:token}", "from-file"),
        ("Bearer ${secret:S}", "Bearer hunter2"),
        ("a}b${A}c}", "a}bxc}"),
    ],
)
def test_fill(scope, text, filled):
    assert scope.fill(text).text == filled


@pytest.mark.parametrize("text", ["${", "${}", "${ A}", "${A?}", "${Q:-${A}", "${1A}", "${secret:}", "${file:}", "${x-y}", "${A:}"])
def test_unreadable(scope, text):
    with pytest.raises(UnfilledError, match=r"write \$\{NAME\}"):
        scope.fill(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("${Q}${R}", "'Q' is not set.*; the variable 'R' is not set"),
        ("${secret:Q}", "the secret 'Q' is not set"),
        ("${secret:E}", "the secret 'E' is empty"),
        ("${file:none}", "cannot be read: No such file"),
        ("${Q:-${R}}", "'R' is not set"),
    ],
)
def test_unfilled(scope, text, problem):
    with pytest.raises(UnfilledError, match=problem):
        scope.fill(text)


def test_bad_secret_files(scope, tmp_path):
    (tmp_path / "latin").write_bytes(b"\xff")
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "large").write_bytes(b"x" * 1_000_001)
    for name, problem in (("latin", "not UTF-8"), ("empty", "is empty"), ("large", "larger than 1 MB"), ("a\0b", "cannot be read")):
        with pytest.raises(UnfilledError, match=problem):
            scope.fill(f"${{file:{name}}}")


def test_secrets_are_gathered(scope):
    assert scope.fill("${secret:S}${file:token}").secret
    assert not scope.fill("${A}").secret
    assert scope.environment.secrets == {"hunter2", "from-file"}


def test_unread_secrets():
    scope = Scope(Environment({}, read_secrets=False), "")
    assert scope.fill("${secret:S}${file:x}").unread


def test_who_is_asked_first():
    outer = Scope(Environment({"A": "env", "B": "env", "C": "env", "D": "env"}), "", {"A": "outer", "B": "outer", "C": "outer"})
    inner = Scope(outer.environment, "", {"A": "inner ${B}", "B": "inner"}, outer).with_axes({"A": "axis"})
    assert [inner.fill(f"${{{name}}}").text for name in "ABCD"] == ["axis", "inner", "outer", "env"]


def test_a_variable_may_shadow_itself():
    assert Scope(Environment({"A": "env"}), "", {"A": "${A:-x}!"}).fill("${A}").text == "env!"
    assert Scope(Environment({}), "", {"A": "${A:-x}!"}).fill("${A}").text == "x!"


def test_a_mistake_is_told_where_it_is():
    scope = Scope(Environment({}), "", {"A": "${B}", "B": "${C}", "C": "${A}", "D": "${A} ${E}"})
    assert scope.fill("${A}").unread
    assert scope.failures == {"C": "the variables name one another in a circle: A -> B -> C -> A"}
    assert scope.fill("${D}").unread
    assert list(scope.failures) == ["C", "D"]


def test_whole_scalars_are_typed(checks):
    text = """
- id: a
  plugin: fixture:f
  config: {i: "${I}", t: '${T}', z: "${Z}", no: "${NO}", empty: "${E}", part: "${I}0", lit: "$${I}", secret: "${secret:NULL}", null_: "${NULL}"}
"""
    environ = {"I": "12", "T": "true", "Z": "010", "NO": "no", "E": "", "NULL": "null"}
    config = checks(text, environ=environ)[0].config
    assert config == {
        "i": 12,
        "t": True,
        "z": "010",
        "no": "no",
        "empty": "",
        "part": "120",
        "lit": "${I}",
        "secret": "null",
        "null_": None,
    }


def test_a_text_outside_of_a_mapping(scope):
    issues = Issues()
    filling = Filling(scope, "f", issues)
    assert filling.value("${I}", (), START) == 12
    assert filling.value("x", (), START) == "x"
    assert filling.value(7, (), START) == 7
    assert filling.value("${Q}", ("q",), START) == "***"
    assert filling.holes == {("q",)}


def test_text_where_the_plugin_wants_text(checks):
    text = '[{id: a, plugin: tcp_port, config: {host: "${H}", port: "${P}"}}]'
    assert checks(text, environ={"H": "1234", "P": "80"})[0].config == {"host": "1234", "port": 80}


def test_text_where_expectations_want_text(checks, mistakes):
    text = '[{id: a, plugin: "fixture:f", expect: [{path: m, matches: "${R}"}, {path: "a${R}", equals: "${R}"}]}]'
    first, second = checks(text, environ={"R": "12"})[0].expect
    assert first.matchers[0][0] == "matches"
    assert second.matchers == (("equals", 12),)


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ({f"v{n}": f"${{v{n + 1}}}" for n in range(3000)}, "variables that name variables, more than 20 deep"),
        ({f"v{n}": f"${{v{n + 1}}}" * 10 for n in range(15)} | {"v15": "x" * 10}, "the variables make too much text of this"),
        ({"v0": "${A:-" * 2000 + "}" * 2000}, "defaults in defaults, more than 20 deep"),
    ],
)
def test_bombs(texts, problem):
    scope = Scope(Environment({}), "", texts)
    assert scope.fill("${v0}").unread
    assert problem in scope.failures.values()


def test_the_sum_of_all_texts_is_limited():
    scope = Scope(Environment({"A": "x" * 900_000}), "")
    for _ in range(50):
        scope.fill("${A}${B:-x}")
    scope.environment.filled += 60_000_000
    with pytest.raises(UnfilledError, match="too much text"):
        scope.fill("${A}")
