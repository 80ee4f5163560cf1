"""What every test module may use."""

from __future__ import annotations

import os

import pytest

from monitorpy.core.registry import registry

MS = 0.001 * float(os.environ.get("MONITORPY_TEST_TIME_FACTOR", "1"))
"""A millisecond; longer on a slow machine by the environment's factor."""


@pytest.fixture
def ms() -> float:
    """A millisecond of test time, in seconds."""
    return MS


@pytest.fixture
def plugins(monkeypatch):
    """A registry that forgets what the test registers."""
    monkeypatch.setattr(registry, "_plugins", dict(registry._plugins))
    return registry
