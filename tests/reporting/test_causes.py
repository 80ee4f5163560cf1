import json

import pytest

from monitorpy.core.batch_runner import run_batch
from monitorpy.core.result import CheckResult, Source
from monitorpy.core.spec import CheckSpec
from monitorpy.reporting.causes import behind, headline, root_causes


def result(name, /, status="error", message="refused", *, fault="target", file="a.yaml", **raw):
    fault = fault if status == "error" else None
    return CheckResult(status, message, id=name, fault=fault, raw_data=raw, source=Source(file, 1) if file else None).to_dict()


def blocked(name, *roots, file="a.yaml"):
    return result(name, message=f"blocked by {', '.join(roots)}", fault="blocked", file=file)


def told(*results):
    """(the one that tells, the others that fail, those blocked) of each cause."""
    return [
        (cause.result["id"], [r["id"] for r in cause.failing], [r["id"] for r in cause.blocked])
        for cause in root_causes(json.loads(json.dumps(results)))
    ]


def test_what_is_blocked_stands_behind_its_root_and_the_most_come_first():
    results = [
        result("alone"),
        result("small"),
        blocked("s1", "small"),
        result("fine", "success"),
        result("soft", "warning"),
        result("large"),
        blocked("l1", "large"),
        blocked("l2", "large"),
        result("alone too"),
    ]
    assert told(*results) == [("large", [], ["l1", "l2"]), ("small", [], ["s1"]), ("alone", [], []), ("alone too", [], [])]
    assert headline(root_causes(results)) == "4 root causes, 3 checks blocked behind them"


def test_no_error_no_cause():
    assert root_causes([]) == root_causes([result("a", "success"), result("b", "warning", host="h")]) == []
    assert headline([]) == ""


@pytest.mark.parametrize(
    "one, other, same",
    [
        ({"host": "db", "port": 1}, {"host": "db", "port": 2}, True),
        ({"host": "db", "port": 1}, {"url": "http://me:x@DB:8000/a"}, True),
        ({"host": "::1", "port": 1}, {"url": "http://[::1]/"}, True),
        ({"target": "db"}, {"name": "db"}, True),
        ({"target": "db"}, {"target": "web"}, False),
        ({"target": "db"}, {}, False),
        ({}, {}, False),
        ({"url": "http://[broken"}, {"url": "http://[broken"}, False),
    ],
)
def test_the_same_words_at_the_same_host_are_the_same_cause(one, other, same):
    results = [result("a", **one), result("b", **other)]
    assert told(*results) == ([("a", ["b"], [])] if same else [("a", [], []), ("b", [], [])])


def test_other_words_or_another_fault_are_another_cause():
    assert len(told(result("a", host="h"), result("b", message="no answer", host="h"), result("c", fault="plugin", host="h"))) == 3


@pytest.mark.parametrize("fault", ["not_run", "environment"])
def test_what_is_the_fault_of_this_machine_is_one_cause_at_any_host(fault):
    assert told(result("a", fault=fault, host="h"), result("b", fault=fault)) == [("a", ["b"], [])]


def test_what_did_not_run_comes_last_and_is_not_in_the_headline():
    left = [result(name, message="the run was interrupted", fault="not_run") for name in "abcd"]
    assert told(*left, result("x"), blocked("y", "x")) == [("x", [], ["y"]), ("a", ["b", "c", "d"], [])]
    causes = root_causes([*left, result("x"), blocked("y", "x")])
    assert headline(causes) == "1 root cause, 1 check blocked behind it"
    assert [behind(cause) for cause in causes] == ["1 check blocked behind it", "3 more did not run"]
    assert headline(root_causes(left)) == behind(root_causes(left[:1])[0]) == ""


def test_what_those_alike_block_is_behind_the_first_of_them():
    results = [result("a", host="h"), blocked("x", "b"), result("b", host="h"), blocked("y", "a", "b")]
    assert told(*results) == [("a", ["b"], ["x", "y"])]
    assert headline(root_causes(results)) == "1 root cause, 3 checks blocked or failing behind it"


def test_a_check_that_two_block_counts_once():
    results = [result("a"), result("b"), blocked("x", "a", "b"), blocked("y", "b")]
    assert told(*results) == [("b", [], ["x", "y"]), ("a", [], ["x"])]
    assert headline(root_causes(results)) == "2 root causes, 2 checks blocked behind them"
    assert behind(root_causes(results)[1]) == "1 check blocked behind it"


def test_ids_with_commas():
    results = [result("a, b"), result("c"), result("b"), blocked("x", "a, b", "c"), blocked("y", "a", "b")]
    assert told(*results) == [("a, b", [], ["x", "y"]), ("c", [], ["x"]), ("b", [], [])]


def test_an_id_of_two_files_is_that_of_the_same_file():
    results = [
        result("db"),
        blocked("x", "db"),
        result("db", file="b.yaml"),
        blocked("y", "db", file="b.yaml"),
        blocked("z", "db", file="b.yaml"),
    ]
    assert told(*results) == [("db", [], ["y", "z"]), ("db", [], ["x"])]


def test_a_root_in_an_included_file_is_the_last_one_above_or_the_first_below():
    included = [result("db", file="common.yaml"), blocked("x", "db", file="one.yaml")]
    again = [result("db", file="common.yaml"), blocked("y", "db", file="two.yaml"), blocked("z", "db", file=None)]
    assert told(*included, *again) == [("db", [], ["y", "z"]), ("db", [], ["x"])]
    assert told(blocked("x", "db", file="one.yaml"), result("db", file="common.yaml")) == [("db", [], ["x"])]


def test_without_their_root_those_blocked_by_it_are_one_cause():
    results = [
        blocked("x", "db"),
        result("db", "warning"),
        blocked("y", "db"),
        blocked("z", "db", file="b.yaml"),
        blocked("w", "db", "cache"),
    ]
    assert told(*results) == [("x", [], ["y"]), ("z", [], []), ("w", [], [])]
    assert headline(root_causes(results)) == "3 root causes, 1 check blocked behind them"


def test_nothing_is_behind_errors_that_stand_alone():
    causes = root_causes([result("a"), result("b")])
    assert [cause.size for cause in causes] == [0, 0]
    assert headline(causes) == ""


def test_failing_alike():
    assert headline(root_causes([result(name, host="h") for name in "abc"])) == "1 root cause, 2 checks failing behind it"


def test_results_of_a_run():
    def spec(name, needs=(), **config):
        return CheckSpec(name, "tcp_port", config={"host": "", **config}, needs=needs, scope="a", source=Source("a.yaml", 1))

    specs = [spec("db"), spec("shop", ("db",)), spec("cart", ("shop",)), spec("other", nonsense=1)]
    assert told(*run_batch(specs).to_dict()["results"]) == [("db", [], ["shop", "cart"]), ("other", [], [])]


def test_many_results_are_no_matter():
    results = [result(f"r{i}", message=str(i)) for i in range(300)]
    results += [blocked(f"b{i}", *(f"r{n}" for n in range(300))) for i in range(300)]
    assert [cause.size for cause in root_causes(results)] == [300] * 300
    assert headline(root_causes(results)) == "300 root causes, 300 checks blocked behind them"
