import re
from xml.etree import ElementTree as ET

import pytest

from monitorpy.core.result import Failure
from monitorpy.core.spec import CheckSpec
from monitorpy.reporting.junit import junit


def parsed(outcomes):
    return ET.fromstring(junit(outcomes.run(), outcomes.specs))


def test_how_each_outcome_is_told(mixed):
    cases = parsed(mixed).findall("testsuite/testcase")
    told = [[(child.tag, child.get("type")) for child in case if child.tag != "properties"] for case in cases]
    assert told == [
        [],
        [("skipped", "monitorpy.warning")],
        [("failure", "monitorpy.target")],
        [("skipped", "monitorpy.blocked")],
        [("skipped", "monitorpy.skipped")],
        [("error", "monitorpy.plugin")],
    ]


def test_counts_are_those_of_the_elements(mixed):
    root = parsed(mixed)
    suite = root.find("testsuite")
    for element in (root, suite):
        assert element.get("tests") == str(len(suite.findall("testcase"))) == "6"
        assert element.get("failures") == str(len(suite.findall("*/failure"))) == "1"
        assert element.get("errors") == str(len(suite.findall("*/error"))) == "1"
        assert element.get("time") == "1.500"
    assert suite.get("skipped") == str(len(suite.findall("*/skipped"))) == "3"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", suite.get("timestamp"))


def test_a_case_has_place_time_and_properties(outcomes):
    outcomes.add("success", group="web", id="home", tags=("prod", "eu"), raw_data={"url": "https://a/"}, attempts=2)
    case = parsed(outcomes).find("testsuite/testcase")
    assert case.attrib == {"classname": "checks.yaml.web", "name": "home", "time": "0.131000", "file": "checks.yaml", "line": "2"}
    assert {p.get("name"): p.get("value") for p in case.iter("property")} == {
        "monitorpy.type": "tcp_port",
        "monitorpy.status": "success",
        "monitorpy.message": "as expected",
        "monitorpy.tags": "prod,eu",
        "monitorpy.target": "https://a/",
        "monitorpy.attempts": "2",
    }


@pytest.mark.parametrize(
    ("scope", "group", "expected"),
    [
        ("conf/checks.yaml", None, "conf.checks.yaml"),
        ("./checks.yaml", "web", "checks.yaml.web"),
        ("/srv/checks.yaml", None, "srv.checks.yaml"),
        ("<stdin>", "a\x1bb", "<stdin>.a\\x1bb"),
        ("", None, "checks"),
    ],
)
def test_classnames_tell_files_and_groups_apart(outcomes, scope, group, expected):
    outcomes.add("success")
    outcomes.specs = [CheckSpec("c0", "x", scope=scope, group=group)]
    assert parsed(outcomes).find("testsuite/testcase").get("classname") == expected


def test_a_failure_says_everything_that_is_wrong(outcomes):
    failures = (Failure("status_code", "200", 503), Failure("json.depth", "< 5", 42))
    text = parsed(outcomes.add("error", "two things", failures=failures)).findtext("testsuite/testcase/failure")
    assert "ERROR: two things" in text
    assert "- expected: 200\n    + actual:   503" in text
    assert "- expected: < 5\n    + actual:   42" in text


def test_characters_that_xml_cannot_hold_are_escaped(outcomes):
    nasty = 'a\0b\x1b[31m\ud800\ufffe\x85<&>"]]>'
    outcomes.add("error", nasty, group=nasty, id=nasty, failures=(Failure(nasty, nasty, nasty),), raw_data={"url": nasty}, tags=(nasty,))
    outcomes.add("skipped", nasty)
    text = junit(outcomes.run(), outcomes.specs)
    assert ET.fromstring(text).find("testsuite/testcase").get("name") == 'a\\x00b\\x1b[31m\\ud800\\ufffe\\x85<&>"]]>'
    text.encode()


def test_a_long_message_is_cut_in_the_headline_only(outcomes):
    failure = parsed(outcomes.add("error", "x" * 3000)).find("testsuite/testcase/failure")
    assert failure.get("message") == "x" * 500
    assert "x" * 3000 in failure.text


def test_a_run_and_its_specs_belong_together(outcomes):
    with pytest.raises(ValueError, match="zip"):
        junit(outcomes.add("success").run(), [])


def test_a_case_without_a_source_or_an_id(outcomes):
    outcomes.add("success")
    outcomes.outcomes = [outcomes.outcomes[0].changed(source=None, id=None)]
    case = parsed(outcomes).find("testsuite/testcase")
    assert case.get("name") == "?"
    assert "file" not in case.attrib
