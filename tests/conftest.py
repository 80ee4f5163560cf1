"""What every test module may use."""

from __future__ import annotations

import os

import pytest

from monitorpy.core.registry import BUILTINS, registry

MS = 0.001 * float(os.environ.get("MONITORPY_TEST_TIME_FACTOR", "1"))
"""A millisecond; longer on a slow machine by the environment's factor."""


@pytest.fixture
def ms() -> float:
    """A millisecond of test time, in seconds."""
    return MS


@pytest.fixture
def plugins():
    """The registry; it forgets what the test registers."""
    before = registry.plugins
    yield registry
    registry._plugins = {name: cls for name, cls in registry.plugins.items() if name in before or name in BUILTINS}
