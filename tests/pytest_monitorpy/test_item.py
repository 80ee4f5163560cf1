import pytest


def test_fixtures_of_every_scope(project, run):
    project.conftest("""
        scopes = ("function", "class", "module", "package", "session")
        done = []

        def make(scope):
            @pytest.fixture(scope=scope, autouse=True, name=f"auto_{scope}")
            def auto(request):
                done.append(scope)
            return auto

        auto1, auto2, auto3, auto4, auto5 = map(make, scopes)

        @monitorpy_fixture("seen")
        def seen(request, monitorpy_config):
            assert request.module is None or True
            return lambda config: CheckResult.success(" ".join(sorted(set(done))))
    """)
    project.write(
        "checks.yaml", "checks: [{id: a, plugin: seen, expect: [{path: message, equals: class function module package session}]}]"
    )
    run("--monitorpy=checks.yaml").assert_outcomes(passed=1)


def test_other_plugins_find_what_a_function_has(project):
    project.conftest("""
        def pytest_runtest_setup(item):
            assert item.obj.__doc__ and item.originalname == item.name and item.funcargs == {}
            item._initrequest()

        def pytest_collection_modifyitems(items):
            items[0].add_marker(pytest.mark.skipif("True", reason="a string condition"))
            items[1].add_marker(pytest.mark.xfail(reason="known"))
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}, {id: b, plugin: say, config: {status: error}}, {id: c, plugin: say}]")
    project.run("--monitorpy=checks.yaml").assert_outcomes(skipped=1, xfailed=1, passed=1)


@pytest.mark.parametrize("more", [(), ("-n2",)])
def test_reruns_run_the_check_again(project, more):
    project.conftest("""
        counts = {}

        @register_plugin("second")
        def second(config):
            counts[config["n"]] = counts.get(config["n"], 0) + 1
            return CheckResult.error("not yet") if counts[config["n"]] < 2 else CheckResult.success("at last")

        @monitorpy_fixture("second_fixture")
        def second_fixture():
            return second
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: a, plugin: second, config: {n: 1}}
          - {id: b, plugin: second_fixture, config: {n: 2}}
          - {id: w, plugin: say, config: {status: warning}}
    """,
    )
    result = project.run("-p", "rerunfailures", "--monitorpy=checks.yaml", "--reruns=2", "--monitorpy-json=r.json", *more, fast=False)
    assert result.parseoutcomes() == {"passed": 2, "xfailed": 1, "rerun": 2}
    assert '"error": 0' in (project.path / "r.json").read_text()


@pytest.mark.parametrize("style", ["auto", "long", "short", "native", "line"])
def test_a_failing_fixture_shows_the_users_frames_only(project, style):
    project.conftest("""
        @pytest.fixture
        def bad(monitorpy_config):
            raise RuntimeError("no broker\\nat \x1b[31mqueue")

        @pytest.fixture
        def late():
            yield CheckResult.success("open")
            raise RuntimeError("cannot close")
    """)
    project.write("checks.yaml", 'checks: [{id: a, plugin: "fixture:bad"}, {id: b, plugin: "fixture:late"}]')
    result = project.run("--monitorpy=checks.yaml", f"--tb={style}")
    result.assert_outcomes(errors=2, passed=1)
    result.stdout.fnmatch_lines(
        [
            *("*RuntimeError: no broker", "*at ?x1b[[]31mqueue", "*- check file -*", "checks.yaml:1"),
            *("*RuntimeError: cannot close", "*- check file -*", "checks.yaml:1"),
            "ERROR checks.yaml::a - RuntimeError: no broker at ?x1b[[]31mqueue",
            "ERROR checks.yaml::b - RuntimeError: cannot close",
        ]
    )
    for name in ("_pytest", "pytest_monitorpy", "pluggy"):
        result.stdout.no_fnmatch_line(f"*{name}[!-]*")


def test_verbose_names_keep_their_dots(project):
    project.write("checks.yaml", "checks: [{id: api.example.com, plugin: say}]")
    project.run("--monitorpy=checks.yaml", "-v").stdout.fnmatch_lines(["checks.yaml::api.example.com PASSED*"])


def test_options_that_look_at_functions(project):
    project.write("checks.yaml", "checks: [{id: a, plugin: say}]")
    for option in ("--fixtures-per-test", "--setup-plan", "--setup-show"):
        assert project.run("--monitorpy=checks.yaml", option).ret == 0


def test_tags_select_and_skip_skips_with_and_without_pytests_own_plugin(project):
    project.write("checks.yaml", "checks: [{id: a, plugin: say, tags: [prod], skip: moved house}, {id: b, plugin: say}]")
    for more in ((), ("-p", "no:skipping")):
        result = project.run("--monitorpy=checks.yaml", "-m", "prod", "-v", "-rs", "-W", "ignore", *more)
        assert result.parseoutcomes() == {"skipped": 1, "deselected": 1}
        result.stdout.fnmatch_lines(["SKIPPED [[]1[]] checks.yaml*: moved house"])


def test_what_a_hook_raises_shows_its_frames_or_on_request_all(project):
    project.conftest("""
        def pytest_runtest_call(item):
            raise RuntimeError(f"no tunnel with {item.spec.config}")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say, config: {password: swordfish}}]")
    expected = [
        "*def pytest_runtest_call(item):",
        "E * RuntimeError: no tunnel with {'password': '[*][*][*]'}",
        "*- check file -*",
        "checks.yaml:1",
        "FAILED checks.yaml::a - RuntimeError: no tunnel with *",
    ]
    short, full = (project.run("--monitorpy=checks.yaml", *more) for more in ((), ("--full-trace",)))
    for result in (short, full):
        result.assert_outcomes(failed=1)
        result.stdout.no_fnmatch_line("*swordfish*")
    short.stdout.fnmatch_lines(expected)
    short.stdout.no_fnmatch_line("*_pytest*")
    full.stdout.fnmatch_lines(["*_pytest*runner.py:*", *expected])
