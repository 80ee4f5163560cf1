"""udp: see docs/plugins/udp/."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from monitorpy.core.dialogue_fields import TalkOptions, Wanted
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import Port
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.time_options import TimeOptions
from monitorpy.core.tls_options import ReachOptions, Text
from monitorpy.errors import NetError
from monitorpy.net.received import as_hex, as_text, in_hex, quoted
from monitorpy.net.udp import LONGEST, Datagrams, datagrams


@register_plugin("udp")
class UdpPlugin(PluginTemplate):
    """A UDP service: one datagram, and the answer to it."""

    cli_name = "udp"
    pins_address: ClassVar[bool] = True

    class Config(ReachOptions, TalkOptions, TimeOptions):
        """What a check file may say."""

        host: Text = Field(description="Host name or IP address.")
        port: Port = Field(description="UDP port, 1 to 65535.")
        expect_closed: bool = Field(
            default=False, description="The host must say that nothing listens (ICMP port unreachable); silence is an error, too."
        )

        @model_validator(mode="after")
        def _fits_together(self) -> Self:
            if problems := list(self._problems()):
                raise ValueError("; ".join(problems))
            return self

        def _problems(self) -> Iterator[str]:
            if bool(self.send) == bool(self.send_hex):
                yield "needs send or send_hex, and one of them only: over UDP nobody answers unless asked"
            if len(self.payload) > LONGEST:
                yield f"{len(self.payload)} bytes to send are too many for one datagram: it holds {LONGEST}"
            unseen = [key for key in ("expect", "expect_regex", "expect_hex", "max_response_time") if getattr(self, key) is not None]
            if self.expect_closed and unseen:
                yield f"expect_closed leaves nothing for {' and '.join(unseen)} to look at"

    settings: Config

    def get_secrets(self) -> set[str]:
        return super().get_secrets() | (set() if self.config_issues() else self.settings.hex_secrets())

    def _execute_check(self) -> CheckResult:
        self.phases |= {"dns": None, "first_byte": None}
        started = perf_counter()
        settings = self.settings
        raw: dict[str, Any] = {"host": settings.host, "port": settings.port, "address": self.address}
        raw |= {"received": None, "received_hex": None, "size": None, "replies": 0}
        try:
            with datagrams(
                settings.host, settings.port, self.deadline, family=settings.ip_family, address=self.address, phases=self.phases
            ) as peer:
                raw["address"] = peer.address
                failures = list(self._ask(peer, raw))
        except NetError as error:
            return self._broken(error, perf_counter() - started, raw)
        seconds = perf_counter() - started
        failures += settings.slow_failures(seconds)
        return self.judged_result(f"{self._where()} answers", failures, seconds, raw)

    def _where(self) -> str:
        host = self.settings.host
        return f"[{host}]:{self.settings.port}" if ":" in host else f"{host}:{self.settings.port}"

    def _ask(self, peer: Datagrams, raw: dict[str, Any]) -> Iterator[Failure]:
        """One datagram must have everything; of those that have not, the nearest is told. NetError when none came."""
        replies: list[tuple[list[Wanted], bytes]] = []

        def accept(reply: bytes) -> bool:
            missing = [wanted for wanted in self.settings.wanted if wanted.find(reply) is None]
            replies.append((missing, reply))
            raw.update(_observed(_nearest(replies)[1]), replies=len(replies))
            return not missing

        try:
            peer.ask(self.settings.payload, accept)
        except NetError as error:
            if not replies or isinstance(error.__cause__, OSError):
                raise
            missing, nearest = _nearest(replies)
            yield from (_failure(wanted, nearest, error) for wanted in missing)
        if self.settings.expect_closed:
            yield Failure("received", "nothing", raw["received"], message=f"{self._where()} answers, expected closed")

    def _broken(self, error: NetError, seconds: float, raw: dict[str, Any]) -> CheckResult:
        hint = ""
        if self.settings.expect_closed:
            if isinstance(error.__cause__, ConnectionRefusedError):
                return self.success_result(f"{self._where()} is closed", seconds, raw)
            hint = " (expect_closed wants ICMP port unreachable: silence may be a firewall, or a service that ignores the question)"
        elif error.kind == "timeout" and error.phase == "first_byte":
            hint = " (lost, dropped by a firewall, or ignored: UDP does not tell)"
        return self.broken_result(error, seconds, raw).changed(message=f"{error}{hint if error.kind == 'timeout' else ''}")


def _failure(wanted: Wanted, reply: bytes, error: NetError) -> Failure:
    shown = in_hex(reply) if wanted.binary else quoted(reply)
    actual = in_hex(reply) if wanted.binary else as_text(reply)
    return Failure("received", wanted.what, actual, message=f"expected {wanted.what}: {error} (got {shown})")


def _nearest(replies: list[tuple[list[Wanted], bytes]]) -> tuple[list[Wanted], bytes]:
    """The first of those that lack the least."""
    return min(replies, key=lambda reply: len(reply[0]))


def _observed(reply: bytes) -> dict[str, Any]:
    return {"received": as_text(reply), "received_hex": as_hex(reply), "size": len(reply)}
