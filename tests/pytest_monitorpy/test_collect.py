import pytest

from tests.pytest_monitorpy.as_worker import AsWorker


def test_every_mistake_with_its_place_and_no_traceback(project, run):
    project.write("checks.yaml", "checks:\n  - {id: a, plugn: say}\n  - {id: b, plugin: sai}\n")
    result = run("--monitorpy=checks.yaml")
    assert result.ret != 0
    result.stdout.fnmatch_lines(
        ["*ERROR collecting checks.yaml*", "checks.yaml:2:*plugn*plugin*", "checks.yaml:3:*'sai'*did you mean 'say'*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_broken_file_is_exit_code_2(project):
    project.write("checks.yaml", "checks: [")
    assert project.run("--monitorpy=checks.yaml").ret == pytest.ExitCode.INTERRUPTED


def test_the_others_can_go_on(project):
    project.write("broken.yaml", "checks: [")
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    result = project.run("--monitorpy=broken.yaml", "--monitorpy=checks.yaml", "--continue-on-collection-errors")
    result.assert_outcomes(passed=1, errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_the_conftest_of_a_folder_acts_on_its_files(project, run):
    """Whatever order the files are given in; some versions of pytest lost it where another folder came in between."""
    project.write(
        "sub/conftest.py",
        """
        import pytest
        from monitorpy import CheckResult

        @pytest.fixture(autouse=True)
        def seen(request):
            print("seen", request.node.nodeid)

        @pytest.fixture
        def here():
            return CheckResult.success("here")
    """,
    )
    for name in ("sub/a.yaml", "sub/b.yaml", "sub/deep/c.yaml"):
        project.write(name, 'checks: [{id: i, plugin: "fixture:here"}]')
    project.write("top.yaml", "checks: [{id: i, plugin: say}]")
    for given in (("sub/a.yaml", "top.yaml", "sub/b.yaml", "sub/deep/c.yaml"), (".",)):
        result = run(*(f"--monitorpy={name}" for name in given), "-rA")
        result.assert_outcomes(passed=4)
        assert {line for line in result.outlines if line.startswith("seen")} == {
            f"seen sub/{name}.yaml::i" for name in ("a", "b", "deep/c")
        }


@pytest.mark.parametrize("text", ["", "checks: []", "version: 1"])
def test_a_file_without_checks_is_an_error(project, text):
    project.write("checks.yaml", text)
    result = project.run("--monitorpy=checks.yaml")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)


def test_checks_that_a_hook_takes_away_are_missed(project):
    project.conftest("""
        def pytest_monitorpy_modify_checks(config, checks):
            checks.clear()
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    result = project.run("--monitorpy=checks.yaml")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_an_unknown_fixture_names_the_nearest(project, run):
    project.conftest("""
        @pytest.fixture
        def disk_ok():
            return CheckResult.success("free")
    """)
    project.write("checks.yaml", 'checks:\n  - {id: a, plugin: "fixture:disk_okay"}\n  - {id: b, plugin: "fixture:zzz"}\n')
    result = run("--monitorpy=checks.yaml")
    result.stdout.fnmatch_lines(
        [
            "checks.yaml:2:*: unknown fixture 'disk_okay'; did you mean 'disk_ok'?",
            "checks.yaml:3:*: unknown fixture 'zzz'; a fixture must be visible from the check file's folder",
        ]
    )


def test_an_unknown_plugin_names_the_nearest_fixture(project):
    project.conftest("""
        @monitorpy_fixture("queue_depth")
        def queue_depth():
            return say
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: queue_dept}, {id: b, plugin: zzz}]")
    project.run("--monitorpy=checks.yaml").stdout.fnmatch_lines(
        [
            "checks.yaml:1:*: *'queue_dept'*; did you mean 'queue_depth'?",
            "checks.yaml:1:*: *'zzz'*known:*",
        ]
    )


def test_a_plugin_that_only_a_hook_names(project):
    project.conftest("""
        def pytest_monitorpy_modify_checks(checks):
            checks.append(__import__("monitorpy").CheckSpec("b", "nope"))
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    project.run("--monitorpy=checks.yaml").stdout.fnmatch_lines(["checks.yaml:1:1: Plugin 'nope' not found in registry; known: *"])


def test_a_crash_of_a_hook_shows_the_users_frames_and_no_secret(project):
    project.conftest("""
        def pytest_monitorpy_modify_checks(checks):
            raise RuntimeError(f"cannot use {checks[0].config}")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say, config: {password: swordfish}}]")
    result = project.run("--monitorpy=checks.yaml", "--showlocals")
    result.stdout.fnmatch_lines(
        ["conftest.py:*: in pytest_monitorpy_modify_checks", "E   RuntimeError: cannot use {'password': '[*][*][*]'}"]
    )
    result.stdout.no_fnmatch_line("*swordfish*")
    result.stdout.no_fnmatch_line("*_callers.py*")


@pytest.mark.parametrize(("call", "told"), [("pytest.skip", "E   Skipped"), ("sys.exit", "E   SystemExit")])
def test_a_hook_cannot_leave_out_a_whole_file(project, run, call, told):
    """What it says may hold a secret, as any message."""
    project.conftest(f"""
        import sys

        def pytest_monitorpy_collect_check(check):
            {call}(f"not with {{check.config['password']}}")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say, config: {password: swordfish}}]")
    project.write("test_own.py", "def test_own(): pass")
    result = run("checks.yaml", "test_own.py", "--continue-on-collection-errors")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["conftest.py:*: in pytest_monitorpy_collect_check", f"{told}: not with [*][*][*]"])
    result.stdout.no_fnmatch_line("*swordfish*")


def test_a_fixture_is_visible_in_its_folder_only(project):
    project.write("sub/conftest.py", "import pytest\n@pytest.fixture\ndef here(monitorpy_config): pass\n")
    project.write("top.yaml", 'checks: [{id: a, plugin: "fixture:here"}]')
    project.run("--monitorpy=top.yaml").assert_outcomes(errors=1)


def test_interleaved_groups_and_equal_names(project):
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: a, plugin: say, group: g}
          - {id: "x[y", plugin: say}
          - {id: b, plugin: say, group: g}
          - {id: "x(y", plugin: say}
          - {id: g, plugin: say}
    """.replace('"x[y"', '"x\\\\y"').replace('"x(y"', '"x/y"'),
    )
    result = project.run("--monitorpy=checks.yaml", "--co", "-q", "-W", "default")
    assert [line for line in result.outlines if "::" in line] == [
        "checks.yaml::g::a",
        "checks.yaml::g::b",
        "checks.yaml::x/y",
        "checks.yaml::x/y#2",
        "checks.yaml::g#2",
    ]
    assert [line.strip() for line in result.outlines if "PytestWarning" in line] == [
        f"checks.yaml:{line}: PytestWarning: in node ids, {given!r} is called {shown!r}"
        for line, given, shown in ((4, "x\\y", "x/y"), (6, "x/y", "x/y#2"), (7, "g", "g#2"))
    ]


def test_a_new_name_is_no_mistake_and_is_told_once_for_each_line(project, run):
    project.conftest("""
        def pytest_monitorpy_modify_checks(config, checks):
            import dataclasses
            checks.append(dataclasses.replace(checks[0], id="late::a", group="g[1]", source=None))
    """)
    project.write("checks.yaml", 'checks: [{id: a, plugin: say, group: "g\\\\h", matrix: {p: ["c:\\\\x", "d:\\\\x"]}}]')
    result = run("--monitorpy=checks.yaml", "-rA", "-W", "default")
    assert result.parseoutcomes()["passed"] == 3
    told = {line.strip() for line in result.outlines if "PytestWarning" in line}
    assert told == {
        r"checks.yaml:1: PytestWarning: in node ids, 'a[c:\\x]' is called 'a[c:/x]'",
        "checks.yaml:1: PytestWarning: in node ids, 'late::a' is called 'late:a'",
    }
    result.stdout.fnmatch_lines_random(["PASSED checks.yaml::g(1)::late:a"])
    assert run("--monitorpy=checks.yaml", "-W", "error").parseoutcomes() == {"passed": 3}


def test_an_included_check_shows_its_own_file(project, run):
    project.write("checks.yaml", "include: [more/*.yaml]\nchecks: [{id: a, plugin: say}]")
    project.write("more/inner.yaml", "checks:\n  - {id: b, plugin: say, config: {status: error}}")
    result = run("--monitorpy=checks.yaml")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["more/inner.yaml:2: error", "FAILED checks.yaml::b - *"])


def test_tags_that_act_elsewhere_do_not_act_here(project):
    project.write("checks.yaml", 'checks: [{id: a, plugin: say, tags: [skip, xfail, "two words"]}]')
    project.run("--monitorpy=checks.yaml", "--strict-markers", "-k", "skip and xfail").assert_outcomes(passed=1)


def test_the_other_tags_are_markers(project):
    project.pytester.makeini("[pytest]\nmarkers = known(why): of this project")
    project.write("checks.yaml", "checks: [{id: a, plugin: say, tags: [known, eu-west]}, {id: b, plugin: say, tags: [known]}]")
    result = project.run("--monitorpy=checks.yaml", "--strict-markers", "-m", "known and not eu-west", "-v")
    result.stdout.fnmatch_lines(["checks.yaml::b PASSED*"])
    assert result.parseoutcomes() == {"passed": 1, "deselected": 1}


def test_a_name_selects_a_group_a_check_or_all_of_a_matrix(project):
    project.write(
        "checks.yaml",
        """
        - {id: home, plugin: say, group: web, matrix: {path: [a, b]}}
        - {id: lone, plugin: say}
        - {id: rest, plugin: say}
    """,
    )
    home = ["checks.yaml::web::home[a]", "checks.yaml::web::home[b]"]
    for names, expected in (
        (["web"], home),
        (["web::home"], home),
        (["web::home[b]"], home[1:]),
        (["lone", "web::home[a]"], [home[0], "checks.yaml::lone"]),
    ):
        result = project.run("--co", "-q", *(f"--monitorpy=checks.yaml::{name}" for name in names))
        assert [line for line in result.outlines if "::" in line] == expected


def test_a_name_that_no_check_has_stops_the_run(project):
    project.write("checks.yaml", "checks: [{id: a, plugin: say, group: web}, {id: b, plugin: say}]")
    names = [f"--monitorpy=checks.yaml::{name}" for name in ("wob", "b", "0")]
    told = ["*not found: checks.yaml::0", "*not found: checks.yaml::wob; did you mean 'web'[?]"]
    result = project.run(*names)
    assert (result.ret, result.parseoutcomes()) == (pytest.ExitCode.USAGE_ERROR, {})
    result.stderr.fnmatch_lines(told)
    result = project.run(*names, plugins=[AsWorker()])
    assert (result.ret, result.parseoutcomes()) == (pytest.ExitCode.INTERRUPTED, {"errors": 1})
    result.stdout.fnmatch_lines(told)


def test_what_has_no_place_below_the_root_directory(project, tmp_path_factory):
    """Standard input, and a file elsewhere."""
    path = tmp_path_factory.mktemp("elsewhere") / "checks.yaml"
    path.write_text("checks: [{id: b, plugin: say}]")
    given = AsWorker(monitorpy_stdin=b"checks: [{id: a, plugin: say}]")
    result = project.run("--monitorpy=-", f"--monitorpy={path}", f"--rootdir={project.path}", "-v", plugins=[given])
    result.stdout.fnmatch_lines(["<stdin>::a PASSED*", f"{path}::b PASSED*"])
    refused = project.run("--monitorpy=-", plugins=[AsWorker(monitorpy_stdin=b'checks: [{id: "\xff"}]')])
    refused.stdout.fnmatch_lines(["<stdin>:1:16: byte 0xff is not UTF-8: *"])
    refused.assert_outcomes(errors=1)


def test_two_files_with_the_same_ids(project, run):
    for name in ("one.yaml", "two.yaml"):
        project.write(name, "checks: [{id: a, plugin: say, config: {status: error}}, {id: b, plugin: say, needs: [a]}]")
    run("--monitorpy=one.yaml", "--monitorpy=two.yaml").assert_outcomes(failed=2, skipped=2)


def test_plugins_and_fixtures_side_by_side(project):
    project.conftest("""
        @monitorpy_fixture("say")
        def hidden():
            return None

        @monitorpy_fixture("seen")
        def seen():
            return say
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}, {id: b, plugin: seen}]")
    result = project.run("checks.yaml", "-W", "default")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*PytestWarning: the fixture 'say' (conftest.py:*) is not used*"])
