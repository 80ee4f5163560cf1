"""One result as the output of a Nagios plugin: ``OK - 200 OK in 131 ms | time=0.131000s;;;0 dns=0.001000s;;;0``.

Monitoring Plugins Development Guidelines, "Plugin Output" and "Performance data".
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from monitorpy.core.result import CheckResult
from monitorpy.reporting.explain import printable

_WORDS = {"success": "OK", "warning": "WARNING", "error": "CRITICAL"}
_UNJUDGED = {"config", "plugin", "environment", "not_run", "blocked"}


def nagios_word(result: CheckResult) -> str:
    """OK, WARNING, CRITICAL; UNKNOWN where the target was not judged: a bad config, a crash, a machine that cannot look."""
    return "UNKNOWN" if result.is_error() and result.fault in _UNJUDGED else _WORDS[result.status]


def nagios_line(result: CheckResult) -> str:
    """The first line of the output, with performance data in seconds; ``|`` would begin those and is replaced."""
    text = printable(result.message).replace("|", "¦")
    return f"{nagios_word(result)} - {text} | {' '.join(_performance(result))}"


def _performance(result: CheckResult) -> Iterator[str]:
    yield f"time={result.response_time:.6f}s;;;0"
    for name, seconds in result.phases.items():
        if seconds is not None and math.isfinite(seconds):
            yield f"{_label(name)}={seconds:.6f}s;;;0"


def _label(name: str) -> str:
    """A label may hold anything but ``=`` and quotes; one with a blank stands in quotes."""
    clean = printable(name).replace("=", "_").replace("'", "_").replace("|", "_")
    return f"'{clean}'" if " " in clean else clean
