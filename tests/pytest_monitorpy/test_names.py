import pytest

from pytest_monitorpy.names import group_name, may_be_marker, node_name, unique


@pytest.mark.parametrize(
    "given, shown",
    [
        ("login page", "login page"),
        ("home[/login]", "home[/login]"),
        ("home[a::b]", "home[a::b]"),
        ("a::b", "a:b"),
        ("a[b]c", "a(b)c"),
        ("a\nb\x1b", "a b "),
        ("a\\b", "a/b"),
        ("caf\u00e9 \u65e5", "caf\u00e9 \u65e5"),
        ("x\udc80", "x/udc80"),
        ("<b>", "<b>"),
        ("", "check"),
    ],
)
def test_node_names(given, shown):
    assert node_name(given) == shown


def test_group_names_have_no_brackets():
    assert group_name("web[eu]::a") == "web(eu):a"
    assert group_name("") == "group"


def test_equal_names_are_numbered():
    taken = set()
    assert [unique(name, taken) for name in ("a", "a", "a", "m[x]", "m[x]")] == ["a", "a#2", "a#3", "m[x]", "m[x#2]"]


@pytest.mark.parametrize(
    "tag, may", [("prod", True), ("eu-west", True), ("v1.2", True), ("skip", False), ("two words", False), ("_x", False)]
)
def test_which_tags_are_markers(tag, may):
    assert may_be_marker(tag) is may
