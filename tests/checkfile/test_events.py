from __future__ import annotations

import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitorpy.checkfile import parser
from monitorpy.checkfile.events import MAX_KEYS, build
from monitorpy.checkfile.issues import Issues
from monitorpy.checkfile.nodes import column_of, line_of, locate


def built(text):
    issues = Issues()
    return build(text, "f", issues), [f"{i.line}:{i.column}: {i.message}" for i in issues.found]


def place(node, *loc, on_key=False):
    where = locate(node, loc, on_key=on_key)
    return line_of(where), column_of(where)


def test_the_c_parser_is_in_use():
    from yaml.cyaml import CParser

    assert parser.PARSER is CParser


def test_positions_of_keys_and_values():
    root = built("a:\n  b: [1, {c: é, d: x}]\ne:   2\n")[0].root
    assert place(root, "a", on_key=True) == (1, 1)
    assert place(root, "a") == (2, 3)
    assert place(root, "a", "b") == (2, 6)
    assert place(root, "a", "b", 0) == (2, 7)
    assert place(root, "a", "b", 1, "d", on_key=True) == (2, 17)
    assert place(root, "a", "b", 1, "d") == (2, 20)
    assert place(root, "e") == (3, 6)
    assert place(root, "a", "b", 7, "x") == (2, 6)
    assert place(root, "a", "zz") == (2, 3)


def test_types_of_yaml_12():
    root = built(
        '[1, -2, 0x10, 1.5, 1.0e+3, .5, ~, null, true, FALSE, .inf, "1", text, 1.2.3, -, "", !!str 3, !!float 2, ! 4, +1, -x, +.INF]'
    )[0].root
    values = [
        1,
        -2,
        16,
        1.5,
        1000.0,
        0.5,
        None,
        None,
        True,
        False,
        float("inf"),
        "1",
        "text",
        "1.2.3",
        "-",
        "",
        "3",
        2,
        "4",
        1,
        "-x",
        float("inf"),
    ]
    assert [*map(repr, root)] == [*map(repr, values)]


def test_a_nan():
    value = built("[.nan]")[0].root[0]
    assert value != value  # noqa: PLR0124 - that is what a NaN is


def test_what_numbers_looked_like():
    document, _ = built("[1.10, 0x1F, 1, 2.5, +3]")
    assert list(document.literals.values()) == ["1.10", "0x1F", "+3"]


def test_bool_is_no_int():
    assert built("!!int true")[1] == ["1:1: 'true' is not of the type !!int: leave the tag out"]


def test_keys_that_look_like_words_are_text():
    document, issues = built("{on: 1, no: 2, y: 3}")
    assert document.root == {"on": 1, "no": 2, "y": 3}
    assert not issues


def test_a_tagged_key():
    assert built("!!str 1: x")[0].root == {"1": "x"}
    assert built("!!int 1: x")[1] == ["1:1: a key must be text: leave out the tag !!int"]


def test_aliases_share():
    root = built("a: &x {b: 1}\nc: *x\n&k d: *k\n*k : 5\n")[0]
    assert root.root["a"] is root.root["c"]
    assert root.root["d"] == "d"


def test_an_alias_of_a_mapping_is_no_key():
    assert built("a: &x {b: 1}\n*x : 5\n")[1] == ["2:1: a key must be text, not a mapping or a list"]
    assert built("a: &x 3\n*x : 5\n")[1] == ["2:1: a key must be text: quote it"]


def test_a_scalar_alias_at_the_top():
    assert built("*x")[1] == ["1:1: *x is not defined: no &x before it"]


def test_merges():
    root = built("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {b: 3, <<: [*x, *y]}\nq: {'<<': text}\n")[0].root
    assert root["z"] == {"b": 3, "a": 1, "c": 2}
    assert place(root, "z", "c") == (2, 17)
    assert root["q"] == {"<<": "text"}


def test_too_many_keys():
    text = "".join(f"k{n}: 1\n" for n in range(MAX_KEYS + 1))
    assert built(text)[1] == ["10001:1: a mapping of more than 10,000 keys"]


@pytest.mark.parametrize("text", ["", "# x\n", "---\n", "null\n"])
def test_nothing(text):
    assert built(text)[0].root is None


def test_events_of_the_pure_python_parser_are_the_same(monkeypatch):
    text = 'a: [1, {b: "x", c: *y}]\nd: &z |\n  text\n? e\n: *z\n'
    with_c = built(text)
    monkeypatch.setattr(parser, "PARSER", parser.PurePythonParser)
    assert built(text)[0].root == with_c[0].root
    assert built(text)[1] == with_c[1]
    assert built("a: [")[1][0].startswith("1:5: this is not YAML: ")


def test_an_error_without_a_position():
    assert parser.syntax_mistake(yaml.YAMLError("odd"), "") == (locate(None, ()), "this is not YAML: odd")


texts = st.text(string.ascii_letters + string.digits + " :#-[]{},&*!|>'\"%@`_.~\\\n\té\u2028😀", max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
documents = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=20)


@given(documents, st.booleans())
def test_plain_documents_are_read_as_by_pyyaml(value, flow):
    """Dumped for YAML 1.1, so that what is doubtful is quoted; a float with an exponent is text to 1.1 and is left out."""
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    document, issues = built(text)
    loaded = yaml.safe_load(text)
    assert not [i for i in issues if "key" not in i and "YAML 1.1" not in i]
    if not issues:
        assert document.root == loaded == value


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_anything_is_answered(data):
    from monitorpy.checkfile import load
    from monitorpy.errors import CheckFileError

    text = data if isinstance(data, str) else data.decode("latin-1")
    with pytest.raises(CheckFileError):
        load("-", text=text, environ={})
