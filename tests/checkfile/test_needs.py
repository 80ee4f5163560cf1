from __future__ import annotations


def lines(*entries):
    return "\n".join(f'- {{id: {name}, plugin: "fixture:f"{more}}}' for name, more in entries)


def test_names_of_a_matrix(checks):
    text = lines(("a", ", matrix: {x: [1, 2]}"), ("b", ", needs: [a]"), ("c", ', needs: ["a[2]", b, b]'), ("d", ", needs: []"))
    assert [c.needs for c in checks(text)] == [(), (), ("a[1]", "a[2]"), ("a[2]", "b"), ()]


def test_a_need_for_each_expansion(checks):
    text = lines(("a", ", matrix: {x: [1, 2]}"), ("b", ', matrix: {x: [1, 2]}, needs: ["a[${x}]"]'))
    assert [c.needs for c in checks(text)][2:] == [("a[1]",), ("a[2]",)]


def test_a_diamond_is_no_circle(checks):
    text = lines(("a", ""), ("b", ", needs: [a]"), ("c", ", needs: [a]"), ("d", ", needs: [b, c]"))
    assert checks(text)[3].needs == ("b", "c")


def test_a_long_chain(checks):
    text = lines(("c0", ""), *((f"c{n}", f", needs: [c{n - 1}]") for n in range(1, 3000)))
    assert len(checks(text)) == 3000


def test_a_long_circle(mistakes):
    text = lines(*((f"c{n}", f", needs: [c{(n + 1) % 50}]") for n in range(50)))
    assert mistakes(text) == ["1:41: the checks need one another in a circle: c0 -> c1 -> c2 -> c3 -> c4 -> ... -> c47 -> c48 -> c49 -> c0"]


def test_needs_of_a_broken_check_are_looked_up(mistakes):
    text = lines(("a", ""), ("b", ', timeout: 0, needs: [aa, "${U}", 3]'), ("c", ", timeout: 0, needs: 3"))
    found = mistakes(text)
    assert any("needs 'aa'" in m for m in found)
    assert not any("***" in m for m in found)


def test_no_hint_among_very_many(mistakes):
    text = lines(("a", ", needs: [c1x]"), *((f"c{n}", "") for n in range(10_001)))
    assert mistakes(text) == ["1:40: needs 'c1x', and there is no check of that id"]
