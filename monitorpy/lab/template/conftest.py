"""Checks of your own, in three forms; custom.yaml uses them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from monitorpy import CheckResult, register_plugin
from pytest_monitorpy import monitorpy_fixture

Config = Mapping[str, Any]
Check = Callable[[Config], CheckResult]
HERE = Path(__file__).parent


# 1. A function with a name. It needs no fixture, so it runs ahead on a thread like the built-in checks.
@register_plugin("disk_space")
def disk_space(config: dict[str, Any]) -> CheckResult:
    """Space left on the disk that holds ``path``, in MB."""
    free = shutil.disk_usage(HERE / config["path"]).free // 1_000_000
    data = {"target": config["path"], "free_mb": free}
    if free < config["min_free_mb"]:
        return CheckResult.error(f"{free} MB free, expected at least {config['min_free_mb']} MB", raw_data=data)
    return CheckResult.success(f"{free} MB free", raw_data=data)


# 2. A kind of check that is made by a fixture: it can use other fixtures, of any scope, with their set-up and teardown.
@pytest.fixture(scope="session")
def broker() -> dict[str, int]:
    """What would be a connection to a message broker."""
    return {"orders": 12, "invoices": 120}


@monitorpy_fixture("backlog")
def backlog(broker: dict[str, int]) -> Check:
    """How many messages wait in ``queue``."""

    def check(config: Config) -> CheckResult:
        waiting = broker[config["queue"]]
        data = {"target": config["queue"], "waiting": waiting}
        for status in ("error", "warning"):
            if waiting > config[status]:
                return CheckResult(status, f"{waiting} waiting, {status} above {config[status]}", raw_data=data)
        return CheckResult.success(f"{waiting} waiting", raw_data=data)

    return check


# 3. Any fixture that returns a check, for one place: plugin: "fixture:release_notes".
@pytest.fixture
def release_notes() -> Check:
    """The README names the version."""

    def check(config: Config) -> CheckResult:
        text = (HERE / "README.md").read_text(encoding="utf-8")
        return CheckResult.success("found") if "monitorpy" in text.lower() else CheckResult.error("README.md says nothing")

    return check
