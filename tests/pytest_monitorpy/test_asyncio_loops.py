import asyncio  # noqa: F401 - see test_loops.py

import pytest


@pytest.mark.parametrize("scope", ["session", "package", "module", "class", "function"])
def test_the_loop_of_a_scope_is_the_one_that_its_fixtures_see(project, scope):
    project.conftest(f"""
        import asyncio, pytest_asyncio
        from pytest_monitorpy.asyncio_loops import *

        @pytest_asyncio.fixture(loop_scope="{scope}")
        async def seen():
            return asyncio.get_running_loop()
    """)
    test = f"def test_it(seen, monitorpy_{scope}_loop):\n    assert seen is monitorpy_{scope}_loop\n    assert not seen.is_running()"
    project.write(
        "test_it.py",
        test if scope != "class" else "class Test:\n" + "\n".join(f"    {line}" for line in test.replace("(", "(self, ", 1).splitlines()),
    )
    project.run("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function").assert_outcomes(passed=1)
