"""A complete plugin in the short style: copy this file, rename the three names, and replace the check.

What it watches is real: a file that something else must keep fresh, such as last night's backup or a heartbeat file.
Run it with ``monitorpy sample --target /backup/db.dump --threshold 93600``, or in a check file::

    - id: backup
      plugin: sample_monitor
      config: {target: /backup/db.dump, threshold: 93600, warning_threshold: 90000}

The longer style (a nested ``class Config``) brings types, units and flags with it: see docs/writing_plugins.md.
"""

import math
import os
import stat
import time
from typing import Any

from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult
from monitorpy.utils.logging import get_logger

logger = get_logger(__name__)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value


def _is_seconds(value: Any) -> bool:
    # bool is an int to Python, and NaN compares false with everything: both would make a threshold that never alerts
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


# 1. The name in check files. The class may live anywhere: in your package (entry point group "monitorpy.plugins"),
#    or in a conftest.py.
@register_plugin("sample_monitor")
class SampleMonitorPlugin(PluginTemplate):
    """The age of a file: an error when it was last written more than ``threshold`` seconds ago."""

    # 2. The subcommand: `monitorpy sample ...`. Without it, the name above.
    cli_name = "sample"

    # 3. The keys of `config:`. Any other key in a check file is an error with the nearest known one.
    @classmethod
    def get_required_config(cls) -> list[str]:
        """``target``: a path; ``threshold``: seconds since the file was last written."""
        return ["target", "threshold"]

    @classmethod
    def get_optional_config(cls) -> list[str]:
        """``warning_threshold``: seconds, at most ``threshold``; ``min_size``: bytes (default 1)."""
        return ["warning_threshold", "min_size"]

    # 4. Optional: refuse more than a missing key before anything is looked at. What is refused here is a mistake of the
    #    person who wrote the check (fault "config"), not of the target.
    def validate_config(self) -> bool:
        """Whether the keys are there. Raises ConfigError, which says more than False, when a value makes no sense."""
        if not self.basic_config_validation():
            return False
        self._values()
        return True

    def _values(self) -> tuple[str, float, float | None, int]:
        # where a validator returns False, or raises, get_config_value raises a ConfigError that names key and value
        target = self.get_config_value("target", validator=_is_path)
        threshold = self.get_config_value("threshold", validator=_is_seconds)
        warning = self.get_config_value("warning_threshold", default=None, validator=lambda v: _is_seconds(v) and v <= threshold)
        min_size = self.get_config_value("min_size", default=1, validator=_is_size)
        return target, threshold, warning, min_size

    # 5. The check. It runs in a thread, next to others of its kind: keep everything in local variables or on self
    #    (each attempt has its own instance), never on the class. If it waits for something, hand it `self.deadline`.
    def _execute_check(self) -> CheckResult:
        target, threshold, warning, min_size = self._values()

        try:
            # timed_execution lets exceptions through, so that a forgotten one can never look like a result
            found, seconds = self.timed_execution(os.stat, target)
        except OSError as missing:
            # Catch what you expect and say it in a sentence. What you do not catch becomes an error too, with the
            # traceback and the fault "plugin": there is no way for a crash to pass.
            return self.error_result(f"cannot look at {target}: {missing.strerror}", raw_data={"target": target, "exists": False})

        logger.debug("%s: %s bytes, written at %s", target, found.st_size, found.st_mtime)  # details go here, not to print()

        # 6. raw_data is what `expect:` can name (`{path: size, ge: 1000}`) and what the reports show: plain values only.
        age = time.time() - found.st_mtime
        raw = {"target": target, "exists": True, "size": found.st_size, "age": age}

        # 7. The verdict. Ask for everything that could be wrong *before* the one success_result at the end, and name
        #    expected, actual and by how much: who reads the message at night has not read this file.
        if problem := _what_is_wrong(found, age, min_size):
            return self.error_result(f"{target} {problem}", seconds, raw)
        if age > threshold:
            return self.error_result(f"{target} is {age:.0f} s old, {age - threshold:.0f} s above {threshold:g} s", seconds, raw)
        if warning is not None and age > warning:
            return self.warning_result(f"{target} is {age:.0f} s old, {age - warning:.0f} s above {warning:g} s", seconds, raw)
        return self.success_result(f"{target} is {max(age, 0):.0f} s old, {found.st_size} bytes", seconds, raw)


_CLOCK_SLACK = 2.0
"""Seconds by which a file system may round, or the clock of another machine may be ahead."""


def _what_is_wrong(found: os.stat_result, age: float, min_size: int) -> str | None:
    """Why the age of this file would say nothing, or None."""
    if not stat.S_ISREG(found.st_mode):
        return "is not a regular file"
    if found.st_size < min_size:
        return f"has {found.st_size} bytes, expected at least {min_size}"
    if age < -_CLOCK_SLACK:
        # without this, a clock that was once wrong would make the file look fresh for years
        return f"was written {-age:.0f} s in the future: its age says nothing"
    return None
