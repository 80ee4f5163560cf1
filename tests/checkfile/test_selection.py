import pytest

from monitorpy.checkfile.selection import parse, select
from monitorpy.core.spec import CheckSpec
from monitorpy.errors import UsageError

HOME = CheckSpec("home[/login]", "x", group="Web", tags=("prod", "eu-west"))
DB = CheckSpec("db and more", "x", group="core", tags=("prod",))
LONE = CheckSpec("lone", "x")
SPECS = (HOME, DB, LONE)


def ids(expression=None, tags=()):
    return [spec.id.split("[")[0].split()[0] for spec in select(SPECS, expression, tags)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("home", ["home"]),
        ("HOME", ["home"]),
        ("home[/login]", ["home"]),
        ("web", ["home"]),
        ("prod", ["home", "db"]),
        ("eu-west", ["home"]),
        ("not prod", ["lone"]),
        ("not not prod", ["home", "db"]),
        ("prod and not web", ["db"]),
        ("web or lone", ["home", "lone"]),
        ("lone or web and core", ["lone"]),
        ("(lone or web) and prod", ["home"]),
        ("not (lone or web)", ["db"]),
        ('"db and more"', ["db"]),
        ('"and"', ["db"]),
        ("nothing", []),
    ],
)
def test_expressions(expression, expected):
    assert ids(expression) == expected


def test_without_anything_all_are_selected():
    assert ids() == ["home", "db", "lone"]


def test_any_of_the_tags():
    assert ids(tags=["eu-west", "prod"]) == ["home", "db"]
    assert ids(tags=["PROD"]) == []


def test_expression_and_tags_must_both_match():
    assert ids("core", ["prod"]) == ["db"]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "-k: the expression is empty"),
        ("  ", "-k: the expression is empty"),
        ("a b", "-k: unexpected 'b' in 'a b'"),
        ("a and", "-k: a word is missing at the end in 'a and'"),
        ("not", "-k: a word is missing at the end in 'not'"),
        ("and a", "-k: a word is missing before 'and' in 'and a'"),
        ("()", "-k: a word is missing before ')' in '()'"),
        ("(a", "-k: a ) is missing in '(a'"),
        ("a)", "-k: unexpected ')' in 'a)'"),
        ('a "b', "-k: a \" is missing in 'a \"b'"),
        ('a or ""', "-k: a word is missing between the quotes in 'a or \"\"'"),
        ("not " * 60 + "a", "-k: nested too deep in "),
        ("(" * 10000, "-k: nested too deep in "),
    ],
)
def test_what_cannot_be_read_is_refused(expression, message):
    with pytest.raises(UsageError) as refused:
        parse(expression)
    assert str(refused.value).startswith(message)
