"""ping: see docs/plugins/ping/."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from monitorpy.core.fields import ThresholdField
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.ranges import Range, Threshold
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.tls_options import ReachOptions, Text
from monitorpy.errors import NetError
from monitorpy.net.ping import Pings, fits, ping
from monitorpy.net.resolve import Address, resolve

_ANY_LOSS = Threshold(warning=Range(high=0))


@register_plugin("ping")
class PingPlugin(PluginTemplate):
    """A host that answers ping: packet loss and round-trip time."""

    cli_name = "ping"
    pins_address: ClassVar[bool] = True

    class Config(ReachOptions):
        """What a check file may say."""

        host: Text = Field(description="Host name or IP address.")
        count: int = Field(3, ge=1, le=100, description="Echo requests to send.")
        interval: float = Field(0.2, ge=0.001, le=60, description="Seconds from one request to the next.")
        size: int = Field(56, ge=16, le=65_000, description="Bytes of payload in each request.")
        max_loss_percent: ThresholdField | None = Field(
            None,
            description="Percent of requests without a reply: a number (error above it), a range, or {warning, error} "
            "(default: any loss is a warning). If all are lost, it is an error always.",
        )
        max_rtt: ThresholdField | None = Field(
            None, description="Seconds of the average round trip: a number (error above it), a range, or {warning, error}."
        )

        @model_validator(mode="after")
        def _fits_together(self) -> Self:
            if self.timeout is not None and not fits(self.count, self.interval, self.timeout):
                raise ValueError(f"{self.count} echo requests {self.interval:g} s apart do not fit into the timeout of {self.timeout:g} s")
            return self

    settings: Config

    def _execute_check(self) -> CheckResult:
        self.phases |= {"dns": None, "first_byte": None}
        started = perf_counter()
        settings = self.settings
        raw: dict[str, Any] = {"host": settings.host, "address": self.address}
        pings = Pings(settings.host)
        try:
            target = self._resolved()
            raw["address"] = target.host
            if target.host != settings.host:
                pings.peer = f"{settings.host} ({target.host})"
            ping(pings, target, self.deadline, count=settings.count, interval=settings.interval, size=settings.size)
            if not pings.received:
                raise pings.silence(self.deadline)
        except NetError as error:
            return self.broken_result(error, perf_counter() - started, raw | _observed(pings))
        raw |= _observed(pings)
        self.phases["first_byte"] = pings.times[min(pings.times)]
        average = raw["rtt"]["avg"]
        answers = f"{pings.received} of {pings.sent} replies, rtt {_milliseconds(average)} ms on average"
        return self.judged_result(f"{pings.peer} answers: {answers}", self._failures(pings, average), average, raw)

    def _resolved(self) -> Address:
        started = perf_counter()
        try:
            return resolve(self.address or self.settings.host, 0, self.deadline, self.settings.ip_family)[0]
        finally:
            self.phases["dns"] = perf_counter() - started

    def _failures(self, pings: Pings, average: float) -> Iterator[Failure]:
        limit = self.settings.max_loss_percent or _ANY_LOSS
        if lost := limit.failure("loss_percent", pings.loss_percent, what="packet loss", unit=" %"):
            why = f": {pings.complaints}" if pings.troubles else ""
            yield replace(lost, message=f"{lost} ({pings.sent - pings.received} of {pings.sent} lost{why})")
        if self.settings.max_rtt and (slow := self.settings.max_rtt.failure("rtt.avg", average, what="average round trip", unit=" s")):
            yield slow


def _observed(pings: Pings) -> dict[str, Any]:
    times = list(pings.times.values())
    rtt = {"min": min(times), "avg": sum(times) / len(times), "max": max(times)} if times else {"min": None, "avg": None, "max": None}
    loss = pings.loss_percent if pings.sent else None
    return {"sent": pings.sent, "received": pings.received, "loss_percent": loss, "duplicates": pings.duplicates, "rtt": rtt}


def _milliseconds(seconds: float) -> str:
    """With three figures that count, all before the point where there are more."""
    ms = seconds * 1000
    return f"{ms:.3g}" if ms < 999.5 else f"{ms:.0f}"  # noqa: PLR2004 - from there on "g" writes an exponent
