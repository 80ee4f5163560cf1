import asyncio  # noqa: F401 - see test_loops.py

import pytest


def test_fixtures_as_checks(project, run):
    project.conftest("""
        @pytest.fixture(scope="session")
        def broker():
            yield {"orders": 7}

        @monitorpy_fixture("queue_depth", scope="session")
        def queue_depth(broker):
            return lambda config: CheckResult.success(f"{broker[config['queue']]} waiting", raw_data={"waiting": broker[config["queue"]]})

        @pytest.fixture
        def disk_ok(monitorpy_config):
            return CheckResult.warning(f"{monitorpy_config['path']} is filling up")

        @pytest.fixture
        def sloppy():
            return True

        @pytest.fixture
        def forgetful():
            return lambda config: None

        @pytest.fixture
        def crashing():
            return lambda config: 1 / 0

        @pytest.fixture
        def skipping():
            return lambda config: pytest.skip("not here")

        @pytest.fixture
        def failing():
            return lambda config: pytest.fail("I say no")
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: deep, plugin: queue_depth, config: {queue: orders}, expect: [{path: waiting, lt: 5}]}
          - {id: ok, plugin: queue_depth, config: {queue: orders}, expect: [{path: waiting, lt: 10}]}
          - {id: disk, plugin: "fixture:disk_ok", config: {path: /var}}
          - {id: sloppy, plugin: "fixture:sloppy"}
          - {id: forgetful, plugin: "fixture:forgetful"}
          - {id: crashing, plugin: "fixture:crashing"}
          - {id: skipping, plugin: "fixture:skipping"}
          - {id: failing, plugin: "fixture:failing"}
    """,
    )
    result = run("--monitorpy=checks.yaml", "-rA", "--monitorpy-json=r.json")
    result.assert_outcomes(passed=1, xfailed=1, failed=5, skipped=1)
    result.stdout.fnmatch_lines_random(
        [
            "WARNED checks.yaml::disk - warning: /var is filling up",
            "FAILED checks.yaml::deep - *7*",
            "FAILED checks.yaml::sloppy - the fixture 'sloppy' must return a CheckResult, or a function that takes the config and returns one, not bool True",
            "FAILED checks.yaml::forgetful - a check must return a CheckResult, not None",
            "FAILED checks.yaml::crashing - the plugin crashed: ZeroDivisionError: division by zero",
            "FAILED checks.yaml::failing - Failed: I say no",
            "SKIPPED *not here",
            "*conftest.py*line *in <lambda>*",
            "monitorpy: 8 checks: 1 success, 1 warning, 5 error, 1 skipped*",
        ]
    )


def test_overrides_by_folder(project, run):
    for name, level in (("conftest.py", "top"), ("sub/conftest.py", "sub")):
        project.write(
            name,
            f"""
            from monitorpy import CheckResult
            from pytest_monitorpy import monitorpy_fixture

            @monitorpy_fixture("level")
            def level():
                return lambda config: CheckResult.success("{level}")
        """,
        )
    for name, level in (("checks.yaml", "top"), ("sub/checks.yaml", "sub")):
        project.write(name, f"checks: [{{id: a, plugin: level, expect: [{{path: message, equals: {level}}}]}}]")
    run("--monitorpy=sub/checks.yaml", "--monitorpy=checks.yaml").assert_outcomes(passed=2)


def test_scopes(project, run, xdist):
    """Set up once for each of their scope, taken down in the opposite order; a check file is a module, and has no classes."""
    project.conftest("""
        def counted(scope):
            @monitorpy_fixture(f"of_{scope}", scope=scope)
            def counted():
                with open("log", "a") as log: log.write(f"{scope}+ ")
                yield lambda config: CheckResult.success("seen")
                with open("log", "a") as log: log.write(f"{scope}- ")
            return counted

        f, c, m, p, s = map(counted, ("function", "class", "module", "package", "session"))
    """)
    kinds = ("session", "package", "module", "class", "function")
    text = "checks:\n" + "".join(f"  - {{id: {kind}{n}, plugin: of_{kind}}}\n" for kind in kinds for n in (1, 2))
    project.write("sub/__init__.py", "")
    for name in ("sub/a.yaml", "sub/b.yaml"):
        project.write(name, text)
    run("sub/a.yaml", "sub/b.yaml").assert_outcomes(passed=20)
    log = (project.path / "log").read_text().split()
    for kind, at_least, at_most in (("function", 4, 4), ("class", 4, 4), ("module", 2, 4), ("package", 1, 2), ("session", 1, 2)):
        assert at_least <= log.count(f"{kind}+") <= at_most  # more, where two processes share them
        assert log.count(f"{kind}+") == log.count(f"{kind}-")
    if xdist != "active":
        assert log[-3:] == ["module-", "package-", "session-"]


def test_a_fixture_in_a_fixture_in_a_folder(project):
    """The folder's fixture overrides the one above it, and uses it."""
    project.conftest("""
        @pytest.fixture
        def where():
            return ["top"]

        @monitorpy_fixture("level")
        def level(where):
            return lambda config: CheckResult.success("/".join(where))
    """)
    project.write(
        "sub/conftest.py",
        """
        import pytest

        @pytest.fixture
        def where(where, monitorpy_config):
            return [*where, monitorpy_config["name"]]
    """,
    )
    project.write("sub/checks.yaml", "checks: [{id: a, plugin: level, config: {name: sub}, expect: [{path: message, equals: top/sub}]}]")
    project.run("sub/checks.yaml").assert_outcomes(passed=1)


def test_set_up_that_fails_or_skips(project, run):
    project.conftest("""
        @pytest.fixture(scope="session")
        def broker():
            raise RuntimeError("no broker")

        @monitorpy_fixture("backlog")
        def backlog(broker):
            return lambda config: CheckResult.success("none")

        @monitorpy_fixture("elsewhere")
        def elsewhere():
            pytest.skip("not on this machine")

        @monitorpy_fixture("known")
        def known():
            pytest.xfail("known to be down")
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: one, plugin: backlog}
          - {id: two, plugin: backlog}
          - {id: skips, plugin: elsewhere}
          - {id: xfails, plugin: known}
          - {id: after, plugin: say, needs: [one]}
    """,
    )
    result = run("--monitorpy=checks.yaml", "-ra", "--monitorpy-json=r.json")
    result.assert_outcomes(errors=3, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines_random(
        [
            "conftest.py:*: RuntimeError",
            "ERROR checks.yaml::two - RuntimeError: no broker",
            "SKIPPED [[]1[]] *checks.yaml:5: not on this machine",
            "XFAIL *checks.yaml::xfails - *known to be down",
        ]
    )
    assert '"success": 0' in (project.path / "r.json").read_text()


def test_all_that_is_wrong_is_told_at_once(project, run):
    project.conftest("""
        @pytest.fixture(params=[1, 2])
        def number(request):
            return request.param

        @monitorpy_fixture("numbered")
        def numbered(number):
            return say

        class Callable:
            __name__ = "odd"
            def __call__(self):
                return say

        odd = pytest.fixture(params=[1])(Callable())
    """)
    project.write("sub/conftest.py", "import pytest\n@pytest.fixture\ndef here():\n    pass\n")
    project.write("sub/test_sub.py", "")
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: a, plugin: numbered}
          - {id: b, plugin: "fixture:here"}
          - {id: c, plugin: "fixture:numbr"}
          - {id: d, plugin: numberd}
          - {id: e, plugin: "fixture:odd"}
          - {id: f, plugni: numbered}
    """,
    )
    result = run("sub", "--monitorpy=checks.yaml")
    assert result.ret == (pytest.ExitCode.INTERRUPTED if "workers" not in result.stdout.str() else result.ret)
    result.stdout.fnmatch_lines(
        [
            "checks.yaml:3:*: the fixture 'number' (conftest.py:*) has params, but a check is one test: use matrix in the check file*",
            "checks.yaml:4:*: the fixture 'here' (sub/conftest.py:2) cannot be seen from checks.yaml: it must be in a conftest.py beside or above",
            "checks.yaml:5:*: unknown fixture 'numbr'; did you mean 'number'?",
            "checks.yaml:6:*: Plugin 'numberd' not found in registry; did you mean 'numbered'?",
            "checks.yaml:7:*: the fixture 'odd' (*Callable object*) has params*",
            "checks.yaml:8:*: *plugni*",
        ]
    )


def test_a_check_that_others_need_gets_its_config_as_an_argument(project):
    """Its fixture may be set up for one of those others, with whose config it would be another check."""
    project.conftest("""
        @pytest.fixture
        def few(monitorpy_config):
            return CheckResult.success("few") if monitorpy_config["n"] < 10 else CheckResult.error("many")
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: root, plugin: "fixture:few", config: {n: 100}}
          - {id: leaf, plugin: "fixture:few", config: {n: 1}, needs: [root]}
    """,
    )
    result = project.run("checks.yaml", "-k", "leaf")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "checks.yaml:3:*: other checks need this one, so the fixture 'few' (conftest.py:*) cannot use monitorpy_config: let it return a function*"
        ]
    )
    result.stdout.no_fnmatch_line("checks.yaml:4:*")


def test_a_registered_plugin_comes_before_a_fixture_of_its_name(project, run):
    project.conftest("""
        @monitorpy_fixture("say")
        def hidden():
            return lambda config: CheckResult.error("nobody calls me")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: say}, {id: b, plugin: say}]")
    result = run("--monitorpy=checks.yaml", "-W", "default")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*PytestWarning: the fixture 'say' (conftest.py:*) is not used: there is a plugin of that name, and plugins come first"]
    )


def test_a_plugin_of_another_conftest_is_not_replaced(project):
    project.write(
        "sub/conftest.py",
        """
        from monitorpy import CheckResult, register_plugin

        @register_plugin("say")
        def say(config):
            return CheckResult.success("louder")
    """,
    )
    project.write("sub/checks.yaml", "checks: [{id: a, plugin: say}]")
    result = project.run("sub/checks.yaml")
    assert result.ret != 0
    output = result.stdout.str() + result.stderr.str()
    assert f"plugin name 'say' is taken by conftest.say ({project.path}/conftest.py:" in output
    assert f"conftest.say ({project.path}/sub/conftest.py:" in output
    assert "cannot have it too" in output


def test_they_show_up_where_fixtures_are_shown(project):
    project.conftest("""
        @monitorpy_fixture("backlog", scope="module")
        def backlog():
            "Messages that wait."
            mark("set up")
            return once

        @register_plugin("once")
        def once(config):
            mark("ran")
            return CheckResult.success("ran")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: backlog}, {id: b, plugin: once}]")
    project.run("checks.yaml", "--fixtures").stdout.fnmatch_lines(
        ["monitorpy_plugin_backlog [[]module scope[]] -- conftest.py:*", "    Messages that wait."]
    )
    steps = ["*SETUP    M monitorpy_plugin_backlog", "*checks.yaml::a (fixtures used: monitorpy_plugin_backlog)*", "*TEARDOWN M *backlog*"]
    for option, made, ran in (("--setup-plan", False, False), ("--setup-only", True, False), ("--setup-show", True, True)):
        for more in ((), ("-n1",)):
            result = project.run("checks.yaml", option, *more)
            assert result.ret in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
            if not more:
                result.stdout.fnmatch_lines(steps)
        assert (project.path / "set up").exists() == made
        assert (project.path / "ran").exists() == ran


def test_python_tests_ask_for_them_by_the_same_names(project):
    project.conftest("""
        import asyncio

        @monitorpy_fixture("backlog")
        def backlog():
            async def check(config):
                return CheckResult.success("none waits")
            return check

        @monitorpy_fixture("lasting", loop_scope="session")
        async def lasting():
            return lambda config: CheckResult.success("still there")
    """)
    project.write(
        "test_own.py",
        """
        import asyncio

        def test_own(monitorpy_check):
            assert monitorpy_check("backlog").message == "none waits"
            assert monitorpy_check("lasting").message == "still there"
            assert monitorpy_check("say").is_success()
            assert "did you mean 'backlog'?" in monitorpy_check.run("backlok").message

            async def test():
                assert monitorpy_check.run("backlog").message == "none waits"
                refused = monitorpy_check.run("lasting")
                assert refused.fault == "config"
                assert "needs the event loop of its fixtures" in refused.message

            asyncio.run(test())
    """,
    )
    project.run("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=session").assert_outcomes(passed=1)


def test_an_async_fixture_needs_a_plugin(project):
    project.conftest("""
        @pytest.fixture
        async def nobodys():
            return say
    """)
    project.write("checks.yaml", 'checks: [{id: a, plugin: "fixture:nobodys"}]')
    project.run("checks.yaml").stdout.fnmatch_lines(
        ["checks.yaml:1:*: the fixture 'nobodys' (conftest.py:*) is async, and nothing runs it: pip install 'pytest-asyncio>=1.1'"]
    )


def test_a_fixture_from_elsewhere_is_told_with_its_whole_path(project, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "elsewhere.py").write_text("import pytest\n\n@pytest.fixture(params=[1])\ndef far():\n    pass\n")
    monkeypatch.syspath_prepend(folder)
    project.write("checks.yaml", 'checks: [{id: a, plugin: "fixture:far"}]')
    project.run("-p", "elsewhere", "checks.yaml").stdout.fnmatch_lines(
        [f"checks.yaml:1:*: the fixture 'far' ({folder}/elsewhere.py:3) has params*"]
    )
