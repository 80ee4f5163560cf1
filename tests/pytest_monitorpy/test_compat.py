from types import SimpleNamespace

import pytest

from pytest_monitorpy import compat


class Anything:
    """Has none of the private names."""


def test_what_can_be_done_without_is_guarded():
    compat.stop_rewriting(Anything())
    compat.add_initial_paths(Anything(), ["x"])
    assert compat.handed_out(Anything(), [], 9) == []
    compat.add_suite_property(Anything(), "name", "value")


def test_without_capturing_there_is_nothing_to_let_go_of():
    manager = SimpleNamespace(getplugin=lambda name: None)
    compat.let_go_of_stdin(SimpleNamespace(pluginmanager=manager))


def test_no_queue_no_items():
    config = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugins=lambda: [Anything()]))
    assert compat.handed_out(config, [], 9) == []


def test_a_crash_shows_the_users_frames():
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018
    for style in ("auto", "short"):
        shown = compat.crash_repr(caught.value, style)
        assert "test_compat.py" in str(shown)
        assert shown.reprcrash.message == "ZeroDivisionError: division by zero"


def test_a_text_without_a_place_can_be_masked():
    shown = compat.masked_repr("the secret is geheim", lambda text: text.replace("geheim", "***"))
    assert shown.reprcrash.message == "the secret is ***"
    assert "geheim" not in str(shown)


def test_fixtures_are_found_by_name_where_they_can_be_seen(project):
    project.write("sub/conftest.py", "import pytest\n@pytest.fixture\ndef here():\n    pass\n")
    project.write("sub/test_sub.py", "def test_it(): pass")
    project.conftest("""
        from pytest_monitorpy import compat

        def pytest_collection_modifyitems(items):
            below = items[0]
            assert [f.argname for f in compat.fixtures_named(below, "here")] == ["here"]
            assert not compat.fixtures_named(below.session, "here")
            assert not compat.fixtures_named(below, "nowhere")
            assert [f.argname for f in compat.fixtures_anywhere(below.session)["here"]] == ["here"]
    """)
    project.run("sub").assert_outcomes(passed=1)


def test_the_scope_of_the_loop_of_an_async_fixture():
    """Of the fixture itself, else of the ini file, else its own scope; none for one that pytest-asyncio leaves alone."""

    def scope(mode="strict", default=None, **function):
        ini = {"asyncio_mode": mode, "asyncio_default_fixture_loop_scope": default}
        config = SimpleNamespace(getoption=lambda name, default: None, getini=ini.get)
        return compat.loop_scope(SimpleNamespace(func=SimpleNamespace(**function), scope="class"), config)

    assert scope() is None
    assert scope("auto") == "class"
    assert scope("auto", "fixture-scope") == "class"
    assert scope("auto", "module") == "module"
    assert scope(_force_asyncio_fixture=True, _loop_scope="session", default="module") == "session"


def test_a_coroutine_where_anyio_runs_its_fixtures():
    async def answer():
        return 42

    assert compat.in_anyio_runner("asyncio", answer) == 42


def test_only_a_traceback_gets_a_place():
    shown = compat.located_repr("a text", "checks.yaml", 3, str)
    assert shown == "a text"


def test_reruns_of_an_item_that_has_none_granted():
    assert compat.reruns(Anything()) == 0
