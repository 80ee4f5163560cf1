"""How long a check may take, as most Configs have it. Importing this module imports pydantic."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from monitorpy.core.fields import ThresholdField
from monitorpy.core.plugin_config import PluginConfig
from monitorpy.core.result import Failure


class TimeOptions(PluginConfig):
    """The time of the whole check."""

    max_response_time: ThresholdField | None = Field(
        None, description="Seconds for everything: a number (error above it), a range, or {warning, error}."
    )

    def slow_failures(self, seconds: float) -> Iterator[Failure]:
        """The failure that this response time is, if it is one."""
        limit = self.max_response_time
        if limit and (slow := limit.failure("response_time", seconds, what="response time", unit=" s")):
            yield slow
