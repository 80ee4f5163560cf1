"""execute() of a check that does nothing: what the framework itself takes."""

from __future__ import annotations

import time

from measure import table

from monitorpy import CheckResult, PluginConfig, PluginTemplate, register_plugin
from monitorpy.core.execution import execute
from monitorpy.core.expectations import compile_expectation
from monitorpy.core.spec import CheckSpec

TIMES = 5000


@register_plugin("bench_short")
class Short(PluginTemplate):
    """Nothing, in the short style."""

    def _execute_check(self) -> CheckResult:
        return self.success_result("done", 0.1, {"queue": {"depth": 7}})


@register_plugin("bench_declared")
class Declared(Short):
    """Nothing, in the declared style."""

    class Config(PluginConfig):
        url: str


def microseconds(spec: CheckSpec) -> float:
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(TIMES):
            execute(spec)
        best = min(best, time.perf_counter() - started)
    return best / TIMES * 1e6


def main() -> None:
    expect = tuple(compile_expectation({"path": "queue.depth", "lt": n}) for n in range(10, 13))
    specs = {
        "short style": CheckSpec(id="x", plugin="bench_short"),
        "declared": CheckSpec(id="x", plugin="bench_declared", config={"url": "http://127.0.0.1/"}),
        "declared, 3 expectations": CheckSpec(id="x", plugin="bench_declared", config={"url": "http://127.0.0.1/"}, expect=expect),
    }
    table(("execute()", "microseconds"), [(name, microseconds(spec)) for name, spec in specs.items()])


if __name__ == "__main__":
    main()
