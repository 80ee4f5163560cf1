import io
from contextlib import nullcontext
from queue import Queue
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


def test_standard_input_can_be_read_although_pytest_captures(project, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("checks: [{id: a, plugin: say}]"))
    project.pytester.inline_run("-p", "no:cacheprovider", "--monitorpy=-").assertoutcome(passed=1)


def test_the_conftest_beside_a_check_file_is_loaded_first(project):
    project.write("m/checks.yaml", "checks: [{id: a, plugin: say}]")
    project.write("m/conftest.py", "def pytest_addoption(parser): parser.addoption('--mine', action='store_true')")
    project.run("--monitorpy=m/checks.yaml", "--mine").assert_outcomes(passed=1)


def test_the_items_in_the_queue_of_a_worker():
    """As pytest-xdist 3.8 keeps it, and as 3.6 does."""
    plugins = [Anything()]
    config = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugins=lambda: plugins))
    assert compat.handed_out(config, "abc", 9) == []
    indexes = [2, 0, object()]  # the last one ends the worker
    plugins.append(SimpleNamespace(torun=SimpleNamespace(lock=lambda: nullcontext(indexes))))
    assert compat.handed_out(config, "abc", 9) == ["c", "a"]
    assert compat.handed_out(config, "abc", 1) == ["c"]
    plugins[-1].torun = Queue()
    for index in indexes:
        plugins[-1].torun.put(index)
    assert compat.handed_out(config, "abc", 9) == ["c", "a"]
    plugins[-1].torun = Anything()
    assert compat.handed_out(config, "abc", 9) == []


@pytest.mark.parametrize(("name", "expected"), [("gw0", False), ("gw1", False), ("gw2", True), ("gw10", True), ("own name", False)])
def test_a_worker_that_takes_the_place_of_another(name, expected):
    """pytest-xdist goes on counting; a name that somebody else gave tells nothing."""
    assert compat.is_successor(SimpleNamespace(workerinput={"workerid": name, "workercount": 2})) is expected


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


def test_only_a_traceback_gets_a_place_and_a_tidy_message():
    assert compat.located_repr("a text", "checks.yaml", 3, str.upper) == "a text"
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018
    shown = compat.located_repr(compat.crash_repr(caught.value), "checks.yaml", 3, str.upper)
    assert str(shown).endswith("checks.yaml:3")
    assert shown.reprcrash.message == "ZERODIVISIONERROR: DIVISION BY ZERO"


def test_a_traceback_of_hidden_frames_only_gets_a_place_too():
    __tracebackhide__ = True
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018
    shown = compat.located_repr(compat.crash_repr(caught.value), "checks.yaml", 3, str)
    assert shown.reprcrash is None
    assert [section[:2] for section in shown.sections] == [("check file", "checks.yaml:3")]


def test_reruns_that_an_item_is_granted(project):
    project.conftest("""
        from pytest_monitorpy import compat

        def pytest_collection_modifyitems(items):
            items[1].add_marker(pytest.mark.flaky(reruns=3))
            mark("".join(str(compat.reruns(item)) for item in items))
    """)
    project.write("test_own.py", "def test_one(): pass\ndef test_two(): pass")
    project.run("-p", "no:xdist", "-p", "rerunfailures", "--reruns=1", fast=False).assert_outcomes(passed=2)
    assert (project.path / "13").exists()
    project.run("-p", "no:xdist").assert_outcomes(passed=2)
    assert (project.path / "00").exists()
    assert compat.reruns(Anything()) == 0


def test_a_check_has_the_fixtures_of_a_function_and_a_failure_with_its_place(project):
    project.conftest("""
        from pytest_monitorpy import compat

        @pytest.fixture(scope="session", autouse=True)
        def wide():
            pass

        @pytest.fixture(autouse=True)
        def narrow():
            pass

        @pytest.fixture
        def asked(request):
            mark(f"asked by {request.node.name}")

        def pytest_collection_modifyitems(items):
            assert {fixture.argname for fixture in compat.closure(items[0])} == {"wide", "narrow"}
            assert not any(map(compat.is_set_up, compat.closure(items[0])))
            items[1].fixturenames.append("asked")
            assert [compat.is_asked_for_more(item) for item in items] == [False, True]

        def pytest_runtest_call(item):
            assert all(map(compat.is_set_up, compat.closure(item)))
    """)
    project.write("checks.yaml", "checks:\n- {id: a, plugin: say}\n- {id: b, plugin: say, config: {status: error}}")
    for style, shown in (("auto", ["E   ERROR: it is a error", "checks.yaml:3: error"]), ("line", ["checks.yaml:3: it is a error"])):
        result = project.run("--monitorpy=checks.yaml", f"--tb={style}")
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(shown)
    assert [path.name for path in project.path.glob("asked by *")] == ["asked by b"]
