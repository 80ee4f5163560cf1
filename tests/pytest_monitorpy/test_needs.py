from __future__ import annotations

from monitorpy.core.spec import CheckSpec
from pytest_monitorpy.needs import Needs


def spec(name, *needs, skip=None, scope="file"):
    return CheckSpec(id=name, plugin="p", needs=needs, skip=skip, scope=scope)


def chain(name, *specs):
    return [each.id for each in Needs(specs).chain(next(s for s in specs if s.id == name))]


def test_what_is_needed_comes_first_and_once():
    diamond = spec("top", "left", "right"), spec("left", "root"), spec("right", "root"), spec("root"), spec("other")
    assert chain("top", *diamond) == ["root", "left", "right", "top"]
    assert chain("other", *diamond) == ["other"]


def test_what_is_skipped_is_not_needed_nor_what_only_it_needs():
    assert chain("top", spec("top", "skipped", "root"), spec("skipped", "deep", skip="later"), spec("deep"), spec("root")) == [
        "root",
        "top",
    ]


def test_a_long_chain():
    specs = [spec("0"), *(spec(str(n), str(n - 1)) for n in range(1, 3000))]
    assert chain("2999", *specs) == [str(n) for n in range(3000)]


def test_a_file_knows_its_own_checks():
    root, leaf, other = spec("root"), spec("leaf", "root"), spec("root", scope="other file")
    needs = Needs([root, leaf, other])
    assert list(needs.of(leaf)) == [root]
    assert [needs.is_needed(each) for each in (root, leaf, other)] == [True, False, False]
