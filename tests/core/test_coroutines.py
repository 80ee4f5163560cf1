from __future__ import annotations

import asyncio
import contextlib
import threading
from contextvars import ContextVar

import pytest

from monitorpy.core.coroutines import awaited
from monitorpy.core.result import CheckResult
from monitorpy.net.deadline import Deadline

WHO = ContextVar("WHO", default="nobody")


async def told():
    await asyncio.sleep(0)
    return CheckResult.success(f"{WHO.get()} in {threading.current_thread().name}", raw_data={"loop": asyncio.get_running_loop()})


def test_it_runs_in_this_thread_and_context_and_its_loop_is_closed():
    token = WHO.set("me")
    try:
        result = awaited(told(), Deadline(5))
    finally:
        WHO.reset(token)
    assert result.message == f"me in {threading.current_thread().name}"
    assert result.raw_data["loop"].is_closed()


def test_the_current_loop_of_the_thread_stays_what_it_is():
    mine = asyncio.new_event_loop()
    asyncio.set_event_loop(mine)
    try:
        awaited(told(), Deadline.never())
        assert asyncio.get_event_loop() is mine
    finally:
        asyncio.set_event_loop(None)
        mine.close()


def test_it_is_cancelled_at_the_deadline():
    ended = []

    async def hangs():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    result = awaited(hangs(), Deadline(0.05))
    assert (result.message, result.fault, result.kind) == ("no result within 0.05 s: the check was cancelled", "target", "timeout")
    assert ended == ["cleaned up"]


def test_what_it_returns_after_it_was_cancelled_is_late():
    async def stubborn():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return CheckResult.success("it is fine, really")

    assert awaited(stubborn(), Deadline(0.05)).kind == "timeout"


def test_a_timeout_of_its_own_is_its_own():
    async def impatient():
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        awaited(impatient(), Deadline(60))


def test_tasks_that_it_leaves_behind_are_cancelled():
    left = []

    async def careless():
        left.append(asyncio.create_task(asyncio.Event().wait()))
        await asyncio.sleep(0)
        return CheckResult.success("off I go")

    assert awaited(careless(), Deadline(5)).is_success()
    assert left[0].cancelled()


def test_called_by_a_coroutine_it_runs_on_another_thread():
    async def test():
        token = WHO.set("a test")
        try:
            return awaited(told(), Deadline(5))
        finally:
            WHO.reset(token)

    result = asyncio.run(test())
    assert result.message.startswith("a test in ")
    assert threading.current_thread().name not in result.message
