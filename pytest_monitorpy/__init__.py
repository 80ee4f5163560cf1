"""The pytest plugin of MonitorPy: `pytest --monitorpy checks.yaml`.

PYTEST_DONT_REWRITE: the plugin loads in every pytest run of its environment, and no assert in it is a test's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_monitorpy.fixtures import monitorpy_fixture

__all__ = ["monitorpy_fixture"]


def __getattr__(name: str) -> Any:
    """Import on first use: see the budget in tests/benchmarks/bench_startup.py."""
    if name != "monitorpy_fixture":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pytest_monitorpy.fixtures import monitorpy_fixture

    return monitorpy_fixture
