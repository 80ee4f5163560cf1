"""One result as the output of a Nagios plugin: ``OK - 200 OK in 131 ms | time=0.131s;;;0 dns=0.001s;;;0``.

Monitoring Plugins Development Guidelines, "Plugin Output" and "Performance data".
"""

from __future__ import annotations

from monitorpy.core.result import CheckResult
from monitorpy.reporting.explain import printable

_WORDS = {"success": "OK", "warning": "WARNING", "error": "CRITICAL"}


def nagios_word(result: CheckResult) -> str:
    """OK, WARNING, CRITICAL; UNKNOWN where the target was not judged: a bad config, a crash, a machine that cannot look."""
    unjudged = result.is_error() and result.fault in {"config", "plugin", "environment", "not_run", "blocked"}
    return "UNKNOWN" if unjudged else _WORDS[result.status]


def nagios_line(result: CheckResult) -> str:
    """The first line of the output, with performance data; ``|`` would begin those and is replaced."""
    text = printable(result.message).replace("|", "¦")
    times = {"time": result.response_time, **{name: seconds for name, seconds in result.phases.items() if seconds is not None}}
    return f"{nagios_word(result)} - {text} | " + " ".join(f"{name}={seconds:.6f}s;;;0" for name, seconds in times.items())
