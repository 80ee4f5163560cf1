from __future__ import annotations

import threading

import pytest

from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult


@pytest.fixture
def gate(plugins):
    """An event that the plugin "gated" waits for; it tells what ran in ``gate.log``."""
    event = threading.Event()
    event.log = []
    event.entered = threading.Semaphore(0)

    @register_plugin("gated")
    def gated(config):
        """Waits for the gate."""
        event.entered.release()
        event.wait(30)
        event.log.append(config.get("n"))
        return CheckResult.success("went through")

    yield event
    event.set()


@pytest.fixture
def say(plugins):
    """The plugin "say": answers with what its config says."""

    @register_plugin("say")
    def say(config):
        """Answers."""
        return CheckResult(config.get("status", "success"), config.get("message", "said"), raw_data=config.get("raw"))

    return say
