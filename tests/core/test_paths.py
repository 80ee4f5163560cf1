from __future__ import annotations

import pickle
import subprocess
import sys

import jsonpath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorpy.core import paths
from monitorpy.core.paths import PathError, compile_path, place

DATA = {"status_code": 200, "json": {"items": [{"ok": True, "n": 1}, {"ok": False, "n": 2}], "a-b": {"c": 5}}, "text": "abc"}


def values(path, data=DATA):
    return [value for _, value in compile_path(path).select(data)]


@pytest.mark.parametrize(
    "path, found",
    [
        ("status_code", [200]),
        ("$.status_code", [200]),
        ("$['status_code']", [200]),
        ('["status_code"]', [200]),
        ("json.items[0].n", [1]),
        ("json.items[-1].n", [2]),
        ("json.items[2].n", []),
        ("json.items[-3]", []),
        ("json.items.n", []),
        ("json['a-b'].c", [5]),
        ("json[0]", []),
        ("text[0]", []),
        ("text.x", []),
        ("json.items[*].n", [1, 2]),
        ("json.items[?@.ok == true].n", [1]),
        ("json.items[?match(@.n, 'x')]", []),
        ("..n", [1, 2]),
        ("$..c", [5]),
        ("$", [DATA]),
        (".status_code", [200]),
        ("json.items[0:1].n", [1]),
        ("json.items[?length(@) > 1].n", [1, 2]),
    ],
)
def test_paths_select(path, found):
    assert values(path) == found


@pytest.mark.parametrize(
    "path, hint",
    [
        ("", "must not be empty"),
        ("headers.content-type", "write $.headers['content-type']"),
        ("a-b", "write $['a-b']"),
        ("a b.c", "write $['a b'].c"),
        ("items.0.x", "write $.items[0].x"),
        ("a[?@.x-y==1]", "is not a JSONPath"),
        ("a.", "is not a JSONPath"),
        ("a|b", "unexpected token '|'"),
        ("$a", "is not a JSONPath"),
        ("a[01]", "leading zero"),
        ("a[?length(@.x)]", "must be compared"),
        ("a[?foo(@.x)]", "not defined"),
        ("a[?match(@.x, '[')]", "not a valid I-Regexp (RFC 9485"),
        ("a[?search(@.x, '\\\\d')]", "not a valid I-Regexp (RFC 9485"),
        ("a[99999999999999999999]", "out of range"),
        ("x" * 3000, "may have 2000 characters"),
        ("a[?" + "(" * 900 + "@" + ")" * 900 + "]", "is not a JSONPath"),
    ],
)
def test_wrong_paths_are_refused_with_a_hint(path, hint):
    with pytest.raises(PathError) as refused:
        compile_path(path)
    assert hint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_cannot_be_followed_is_an_error_not_nothing():
    deep: dict = {}
    node = deep
    for _ in range(150):
        node["a"] = node = {}
    with pytest.raises(PathError, match="recursion"):
        values("$..x", deep)
    with pytest.raises(PathError, match="I-Regexp"):
        values("items[?search(@.x, $.pattern)]", {"pattern": "[", "items": [{"x": "y"}]})


@pytest.mark.parametrize(
    "path, text, root",
    [
        ("$.a.b", "a.b", "a"),
        ("a", "a", None),
        ("..a", "$..a", None),
        ("$", "$", None),
        ("a[*]", "a[*]", "a"),
        ("['x'].y", "$['x'].y", "x"),
        ("[0].a", "$[0].a", None),
        ("$['x'][?@.a]", "$['x'][?@.a]", "x"),
        ('$["x y"][*]', '$["x y"][*]', "x y"),
    ],
)
def test_paths_show_themselves_and_survive_pickling(path, text, root):
    compiled = compile_path(path)
    assert (str(compiled), compiled.root) == (text, root)
    assert repr(compiled) == f"Path({text!r})"
    again = pickle.loads(pickle.dumps(compiled))
    assert again == compiled
    assert hash(again) == hash(compiled)
    assert again.select(DATA) == compiled.select(DATA)
    assert compiled != text


def test_places_read_like_paths():
    assert place(("json", "items", 3, "a-b", "it's", "x\\y")) == "json.items[3]['a-b']['it\\'s']['x\\\\y']"
    assert place(()) == "$"


def test_plain_paths_do_not_import_the_library():
    code = (
        "import sys; from monitorpy.core.expectations import compile_expectation as c, evaluate;"
        "evaluate([c({'path': 'json.a[0]', 'lt': 5}), c({'path': \"headers['content-type']\", 'contains': 'x'})], {}); print('jsonpath' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


names = st.sampled_from(["a", "b", "_c", "a-b", "x y", "0", "A1", "", "é"])
data = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3) | st.tuples(inner),
    max_leaves=12,
)
steps = st.one_of(
    st.sampled_from([".a", ".b", "._c", ".A1", "['a']", '["a-b"]', "['x y']", "['0']", "[0]", "[1]", "[-1]", "[-2]"]),
)


@given(st.lists(steps, max_size=4), data)
def test_the_short_way_selects_exactly_what_the_library_selects(path_steps, document):
    full = "$" + "".join(path_steps)
    path = compile_path(full)
    assert path.steps is not None
    expected = [(match.parts, match.obj) for match in jsonpath.finditer(full, {"r": document}, strict=True)]
    assert path.select({"r": document}) == expected
    if not isinstance(document, str):  # the library takes a text for a JSON document
        assert path.select(document) == [(m.parts, m.obj) for m in jsonpath.finditer(full, document, strict=True)]
    below = compile_path("$.r" + "".join(path_steps))
    assert below.select({"r": document}) == [
        (m.parts, m.obj) for m in jsonpath.finditer("$.r" + "".join(path_steps), {"r": document}, strict=True)
    ]


@given(st.text("ab.[]0123'\"-_$*?@ \\é", max_size=12))
def test_no_text_is_taken_for_plain_that_the_library_refuses(text):
    full = "$" + text
    if paths._plain_steps(full) is not None:
        jsonpath.compile(full, strict=True)
