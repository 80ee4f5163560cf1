from __future__ import annotations

import pytest

from monitorpy.core.spec import CheckSpec
from pytest_monitorpy.setups import Setups

CHECKS = """
    - {id: root, plugin: say}
    - {id: leaf, plugin: say, needs: [root]}
"""


def setups(config):
    return Setups(config, {})


def test_nobody_implements_it(pytestconfig):
    assert not setups(pytestconfig).is_used
    assert setups(pytestconfig).set_up(None, CheckSpec(id="a", plugin="say")) is None


def test_it_is_called_once_for_each_check_needed_ones_first(project):
    project.write("checks.yaml", CHECKS)
    project.conftest("""
        def pytest_monitorpy_check_setup(item, check):
            print("set up", item.name, check.id)
    """)
    result = project.run("--monitorpy=checks.yaml", "-s", "-q")
    told = [line[line.index("set up") :] for line in result.outlines if "set up" in line]
    assert told == ["set up root root", "set up leaf leaf"]


def test_what_it_raises_is_for_the_turn_of_its_check(project):
    project.write("checks.yaml", CHECKS)
    project.conftest("""
        def pytest_monitorpy_check_setup(check):
            if check.id == "root":
                raise RuntimeError("no permit")
    """)
    result = project.run("--monitorpy=checks.yaml", "-rA")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*RuntimeError: no permit*", "*blocked by root*"])


def test_without_an_item_of_its_own_it_is_for_that_of_the_check_that_needs_it(project):
    project.write("checks.yaml", CHECKS)
    project.conftest("""
        def pytest_monitorpy_check_setup(check):
            if check.id == "root":
                pytest.skip("not today")
    """)
    result = project.run("--monitorpy=checks.yaml::leaf", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*not today*"])


def test_the_end_of_the_run_is_not_kept(project):
    project.write("checks.yaml", CHECKS)
    project.conftest("""
        def pytest_monitorpy_check_setup(check):
            pytest.exit("enough", returncode=7)
    """)
    assert project.run("--monitorpy=checks.yaml").ret == 7


@pytest.mark.parametrize("ends", [["error", "success"]])
def test_a_rerun_is_set_up_again(project, ends):
    project.write("checks.yaml", "- {id: a, plugin: flaky}")
    project.conftest(f"""
        ends = iter({ends!r})

        @register_plugin("flaky")
        def flaky(config):
            return CheckResult(next(ends), "as it comes")

        def pytest_monitorpy_check_setup(check):
            mark("setups")
    """)
    project.run("--monitorpy=checks.yaml", "--reruns=1", "-p", "rerunfailures", fast=False).assert_outcomes(passed=1)
    assert (project.path / "setups").read_text() == "xx"
