"""The hooks of a run that has checks; registered when the first of them is found.

PYTEST_DONT_REWRITE: pytest calls these for every item, so those of runs without checks are spared them.
"""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest

from pytest_monitorpy.fixtures import JUDGED, WARNED
from pytest_monitorpy.item import CheckItem
from pytest_monitorpy.outcome import add_results, shape_python_report, shape_report, without_secrets
from pytest_monitorpy.prefetch import run_ahead
from pytest_monitorpy.state import STATE


def start(config: pytest.Config) -> None:
    """Have pytest call these hooks from now on."""
    if not config.pluginmanager.has_plugin(__name__):
        config.pluginmanager.register(sys.modules[__name__], __name__)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    option = session.config.option
    if not session.config.stash[STATE].specs or option.collectonly or getattr(option, "setuponly", False):
        return (yield)
    with run_ahead(session):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Only look at the items that come and go: other plugins own this hook."""
    prefetcher = item.config.stash[STATE].prefetcher
    if prefetcher is None:
        return (yield)
    if hasattr(item.config, "workerinput"):
        prefetcher.look_ahead(item, nextitem)
    result = yield
    prefetcher.passed(item)
    return result


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Generator[None, object, object]:
    """Innermost, as allure-pytest shows what a fixture raises."""
    try:
        return (yield)
    except BaseException as error:
        if isinstance(request.node, CheckItem) and (shown := without_secrets(request.node, error)) is not error:
            raise shown from error.__cause__
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    if (warned := item.stash.get(WARNED, None)) is not None:
        warned.over = True
    return result


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Innermost, as allure-pytest for one makes its own report here, of this one and of what was raised."""
    if isinstance(item, CheckItem) and call.excinfo is not None:
        call.excinfo = pytest.ExceptionInfo.from_exception(without_secrets(item, call.excinfo.value))
    made = yield
    if isinstance(item, CheckItem):
        shape_report(item, call, made)
        return made
    if made.when == "call" and (warned := item.stash.get(WARNED, None)) is not None:
        shape_python_report(warned, made)
    if judged := item.stash.get(JUDGED, None):
        add_results(judged, made)
    return made
