"""Checks that are coroutines: asyncio runs them, until their deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from monitorpy.core.result import CheckResult
from monitorpy.net.deadline import Deadline


def awaited(awaitable: Awaitable[Any], deadline: Deadline) -> Any:
    """What it returns, from an event loop of its own that is closed afterwards; an error result if the deadline came first."""

    def run() -> Any:
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:  # with a factory it leaves the thread's own loop alone
            return runner.run(within(awaitable, deadline))

    if not is_running():
        return run()
    with ThreadPoolExecutor(1) as pool:  # called by a coroutine: its thread cannot run a second loop
        return pool.submit(copy_context().run, run).result()


def is_running() -> bool:
    """Whether this is called by a coroutine, directly or not."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def within(awaitable: Awaitable[Any], deadline: Deadline) -> Any:
    """Await it, and cancel it at the deadline; what it returns after that is late, whatever it is."""
    try:
        async with asyncio.timeout(deadline.left()) as bound:
            result = await awaitable
    except TimeoutError:
        if not bound.expired():  # one of its own
            raise
    return late(deadline) if bound.expired() else result


def late(deadline: Deadline) -> CheckResult:
    return CheckResult.error(f"no result within {deadline.seconds:g} s: the check was cancelled", fault="target", kind="timeout")
