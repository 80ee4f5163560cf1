"""Async checks and fixtures, with pytest-asyncio, with anyio, and with neither."""

from __future__ import annotations

# The inner runs forget what they imported, but asyncio's half that is written in C does not forget the classes of the other half.
import asyncio  # noqa: F401
import textwrap

import pytest

ASYNCIO = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=session", "-W", "error")
ANYIO = ("-p", "anyio", "-W", "error")

CONNECTION = """
    import asyncio

    class Connection:
        "Knows the loop that it lives on, as those of real libraries do."

        def __init__(self):
            self.loop = asyncio.get_running_loop()

        async def ask(self):
            assert asyncio.get_running_loop() is self.loop, "attached to a different loop"
            await asyncio.sleep(0)
            return "an answer"

        async def close(self):
            await self.ask()
            mark("closed")
"""

FIXTURES = """
    import pytest_asyncio

    @pytest_asyncio.fixture(scope="session")
    async def connection():
        connection = Connection()
        yield connection
        await connection.close()

    @pytest_asyncio.fixture(loop_scope="function")
    async def brief():
        return Connection()

    @monitorpy_fixture("lasting")
    def lasting(connection):
        async def check(config):
            return CheckResult.success(await connection.ask())
        return check
"""


@pytest.fixture
def asyncio_project(project):
    """A project with fixtures of pytest-asyncio, `connection` of the session and `brief` of a function, and the check type "lasting"."""

    def write(text=""):
        project.conftest("".join(map(textwrap.dedent, (CONNECTION, FIXTURES, text))))
        return project

    return write


def test_checks_run_on_the_loop_of_their_fixtures(asyncio_project, run):
    project = asyncio_project("""
        @monitorpy_fixture("passing")
        def passing(brief):
            async def check(config):
                return CheckResult.success(await brief.ask())
            return check

        @monitorpy_fixture("made_there", loop_scope="session")
        async def made_there(connection, brief):
            known = await connection.ask()
            async def check(config):
                return CheckResult.success(f"{known}, {await connection.ask()}")
            yield check
            await connection.ask()

        @monitorpy_fixture("result")
        async def result(connection, monitorpy_config):
            return CheckResult.success(f"{await connection.ask()} to {monitorpy_config['who']}")

        @monitorpy_fixture("sync")
        def sync(connection):
            return lambda config: CheckResult.success(str(connection.loop.is_running()))

        @monitorpy_fixture("skips")
        def skips(connection):
            async def check(config):
                pytest.skip("nobody there")
            return check
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: lasting, plugin: lasting}
          - {id: again, plugin: lasting}
          - {id: passing, plugin: passing}
          - {id: made there, plugin: made_there, expect: [{path: message, equals: "an answer, an answer"}]}
          - {id: result, plugin: result, config: {who: me}, expect: [{path: message, equals: an answer to me}]}
          - {id: sync, plugin: sync, expect: [{path: message, equals: "False"}]}
          - {id: skips, plugin: skips}
    """,
    )
    result = run("checks.yaml", *ASYNCIO)
    result.assert_outcomes(passed=6, skipped=1)
    assert (project.path / "closed").read_text().strip("x") == ""


def test_auto_mode(project):
    more = """
        @pytest.fixture(scope="session")
        async def connection():
            return Connection()

        @pytest.fixture
        def asks(connection):
            async def check(config):
                return CheckResult.success(await connection.ask())
            return check
    """
    project.conftest(textwrap.dedent(CONNECTION) + textwrap.dedent(more))
    project.write("checks.yaml", 'checks: [{id: a, plugin: "fixture:asks"}]')
    project.run("checks.yaml", *ASYNCIO, "--asyncio-mode=auto").assert_outcomes(passed=1)


def test_what_does_not_end_is_cancelled(asyncio_project):
    """And the loop goes on, even after something that blocked it."""
    project = asyncio_project("""
        @monitorpy_fixture("waits")
        def waits(connection):
            async def check(config):
                try:
                    await asyncio.Event().wait()
                finally:
                    mark("cancelled")
            return check

        @monitorpy_fixture("blocks")
        def blocks(connection):
            async def check(config):
                threading.Event().wait(30)
            return check
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: waits, plugin: waits, timeout: 0.1}
          - {id: blocks, plugin: blocks, timeout: 0.1}
          - {id: after, plugin: lasting}
    """,
    )
    result = project.run("checks.yaml", *ASYNCIO)
    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(
        [
            "FAILED checks.yaml::waits - no result within 0.1 s: the check was cancelled",
            "FAILED checks.yaml::blocks - no result within 0.1 s: the check did not stop at its deadline and was given up",
        ]
    )
    assert (project.path / "cancelled").exists()


def test_fixtures_on_several_loops(asyncio_project):
    project = asyncio_project("""
        @monitorpy_fixture("both")
        def both(connection, brief):
            async def check(config):
                return CheckResult.success(await brief.ask() + await connection.ask())
            return check
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: both}]")
    result = project.run("checks.yaml", *ASYNCIO)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E   ERROR: *on several event loops: *'connection' (conftest.py:*) on session, *'brief' (conftest.py:*) on function; give them one*"
        ]
    )


def test_in_python_tests(asyncio_project):
    """An async test keeps its thread busy: what is made of its own loop cannot run there, everything else can."""
    project = asyncio_project("""
        @register_plugin("soon")
        async def soon(config):
            return CheckResult.success("soon")

        @monitorpy_fixture("plain")
        def plain():
            async def check(config):
                return CheckResult.success("plain")
            return check
    """)
    project.write(
        "test_own.py",
        """
        import pytest

        def test_sync(monitorpy_check):
            assert monitorpy_check("lasting").message == "an answer"
            assert monitorpy_check("soon").message == "soon"

        @pytest.mark.asyncio
        async def test_async(monitorpy_check):
            assert monitorpy_check("soon").message == "soon"
            assert monitorpy_check("plain").message == "plain"
            monitorpy_check("lasting")
    """,
    )
    result = project.run(*ASYNCIO)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["E *CheckBroken: lasting check: ERROR: 'lasting' needs the event loop of its fixtures*test that is not async"]
    )


def test_no_plugin_is_needed_where_no_fixture_is_async(project, run):
    project.conftest("""
        @monitorpy_fixture("soon")
        def soon():
            async def check(config):
                return CheckResult.success("soon")
            return check

        @pytest.fixture
        def later():
            async def check():
                return CheckResult.success("later")
            return check()

        @register_plugin("last")
        async def last(config):
            return CheckResult.success("last")
    """)
    project.write("checks.yaml", 'checks: [{id: a, plugin: soon}, {id: b, plugin: "fixture:later"}, {id: c, plugin: last}]')
    run("checks.yaml", "-W", "error").assert_outcomes(passed=3)


NOBODYS = """
    @pytest.fixture
    async def connection():
        return 1

    @monitorpy_fixture("asks")
    def asks(connection):
        return say
"""


@pytest.mark.parametrize(
    ("plugins", "advice"),
    [
        ((), "pip install 'pytest-asyncio>=1.1'"),
        (ASYNCIO, "decorate it with @pytest_asyncio.fixture, or set asyncio_mode = auto"),
        (ANYIO, "pip install 'pytest-asyncio>=1.1', or let it use the fixture anyio_backend"),
    ],
)
def test_an_async_fixture_that_nothing_runs(project, plugins, advice):
    project.conftest(NOBODYS)
    project.write("checks.yaml", "checks:\n  - {id: a, plugin: asks}\n  - {id: b, plugin: asks}\n")
    result = project.run("checks.yaml", *plugins)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    told = f"the fixture 'connection' (conftest.py:*) is async, and nothing runs it: {advice}"
    result.stdout.fnmatch_lines([f"checks.yaml:{line}:*: {told}" for line in (2, 3)])


def test_an_old_pytest_asyncio_is_none(asyncio_project):
    project = asyncio_project("""
        real, pytest_asyncio.__version__ = pytest_asyncio.__version__, "1.0.0"

        def pytest_unconfigure():
            pytest_asyncio.__version__ = real
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: lasting}]")
    result = project.run("checks.yaml", *ASYNCIO)
    result.stdout.fnmatch_lines(["checks.yaml:1:*is async, and nothing runs it: pip install 'pytest-asyncio>=1.1'"])


def test_anyio(project, run):
    """Fixtures may leave tasks to themselves: a check is run beside those, where they are."""
    project.conftest("""
        import anyio

        @pytest.fixture(scope="session")
        def anyio_backend():
            return "asyncio"

        @pytest.fixture(scope="session")
        async def server(anyio_backend):
            send, receive = anyio.create_memory_object_stream(0)

            async def serve():
                async for event in receive:
                    event.set()

            async with send, receive, anyio.create_task_group() as tasks:
                tasks.start_soon(serve)
                yield send
                tasks.cancel_scope.cancel()

        @monitorpy_fixture("asks")
        def asks(server):
            async def check(config):
                event = anyio.Event()
                await server.send(event)
                await event.wait()
                return CheckResult.success("served")
            return check

        @monitorpy_fixture("own")
        async def own(anyio_backend, monitorpy_plugin_asks):
            yield monitorpy_plugin_asks

        @monitorpy_fixture("waits")
        def waits(server):
            async def check(config):
                await anyio.sleep_forever()
            return check
    """)
    project.write(
        "checks.yaml",
        """
        checks:
          - {id: asks, plugin: asks}
          - {id: waits, plugin: waits, timeout: 0.1}
          - {id: own, plugin: own}
    """,
    )
    result = run("checks.yaml", *ANYIO)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["FAILED checks.yaml::waits - no result within 0.1 s: the check was cancelled"])


def test_anyio_with_all_its_backends(project):
    """Its own anyio_backend has parameters."""
    project.conftest("""
        @monitorpy_fixture("own")
        async def own(anyio_backend):
            return CheckResult.success("yes")
    """)
    project.write("checks.yaml", "checks: [{id: a, plugin: own}]")
    project.run("checks.yaml", *ANYIO).stdout.fnmatch_lines(["checks.yaml:1:*: the fixture 'anyio_backend' (*) has params, *"])
