"""The event loops of pytest-asyncio as fixtures: an async fixture sees the one that it runs on. Registered when a check needs one.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, get_running_loop
from typing import Any, Literal, TypeAlias

import pytest_asyncio

Scope: TypeAlias = Literal["session", "package", "module", "class", "function"]


def _loop(scope: Scope) -> Any:
    @pytest_asyncio.fixture(loop_scope=scope, name=f"monitorpy_{scope}_loop")
    async def loop() -> AbstractEventLoop:
        """The event loop of that scope."""
        return get_running_loop()

    return loop


session_loop = _loop("session")
package_loop = _loop("package")
module_loop = _loop("module")
class_loop = _loop("class")
function_loop = _loop("function")
