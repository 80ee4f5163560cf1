from __future__ import annotations

import pytest

from monitorpy.core.result import CheckResult, Run, SkippedCheck, Source
from monitorpy.core.spec import CheckSpec


class Outcomes:
    """A run to report about, made result by result, and the specs that go with it."""

    def __init__(self) -> None:
        self.outcomes = []
        self.specs = []

    def add(self, status, message="as expected", *, id=None, group=None, **more):  # noqa: A002 - the name of the field
        name = id or f"c{len(self.outcomes)}"
        where = Source("checks.yaml", len(self.outcomes) + 2)
        self.specs.append(CheckSpec(name, "tcp_port", group=group, source=where, scope="checks.yaml", config=more.pop("config", {})))
        if status == "skipped":
            self.outcomes.append(SkippedCheck(name, "tcp_port", message, group=group, source=where))
        else:
            fault = more.pop("fault", "target" if status == "error" else None)
            self.outcomes.append(
                CheckResult(status, message, 0.131, id=name, plugin="tcp_port", group=group, source=where, fault=fault, **more)
            )
        return self

    def run(self, *, interrupted=False):
        return Run(tuple(self.outcomes), 1.5, interrupted)


@pytest.fixture
def outcomes():
    return Outcomes()


@pytest.fixture
def mixed(outcomes):
    """One outcome of each kind."""
    outcomes.add("success", group="web").add("warning", "slow").add("error", "refused", id="root")
    outcomes.add("error", "blocked by root", fault="blocked", attempts=0).add("skipped", "maintenance")
    return outcomes.add("error", "the plugin crashed", fault="plugin")
