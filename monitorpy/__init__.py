"""MonitorPy: monitoring as tests.

PYTEST_DONT_REWRITE: pytest would rewrite the asserts of every package that brings a pytest plugin.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitorpy.core.batch_runner import run_batch, run_check_batch, run_checks_in_parallel
    from monitorpy.core.plugin_base import MonitorPlugin, PluginTemplate
    from monitorpy.core.plugin_config import PluginConfig
    from monitorpy.core.registry import register_plugin, registry, run_check
    from monitorpy.core.result import CheckResult, SkippedCheck
    from monitorpy.core.spec import CheckSpec
    from monitorpy.utils.logging import get_logger

_HOMES = {
    "CheckResult": "monitorpy.core.result",
    "CheckSpec": "monitorpy.core.spec",
    "MonitorPlugin": "monitorpy.core.plugin_base",
    "PluginConfig": "monitorpy.core.plugin_config",
    "PluginTemplate": "monitorpy.core.plugin_base",
    "SkippedCheck": "monitorpy.core.result",
    "get_logger": "monitorpy.utils.logging",
    "register_plugin": "monitorpy.core.registry",
    "registry": "monitorpy.core.registry",
    "run_batch": "monitorpy.core.batch_runner",
    "run_check": "monitorpy.core.registry",
    "run_check_batch": "monitorpy.core.batch_runner",
    "run_checks_in_parallel": "monitorpy.core.batch_runner",
}

__version__ = "0.1.0"
__all__ = [
    "CheckResult",
    "CheckSpec",
    "MonitorPlugin",
    "PluginConfig",
    "PluginTemplate",
    "SkippedCheck",
    "get_logger",
    "register_plugin",
    "registry",
    "run_batch",
    "run_check",
    "run_check_batch",
    "run_checks_in_parallel",
]


def __getattr__(name: str) -> Any:
    """Import on first use: the pytest plugin is loaded in every pytest run, and pydantic only where it is needed."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
