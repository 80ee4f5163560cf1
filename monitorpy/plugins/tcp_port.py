"""tcp_port: see docs/plugins/tcp_port/."""

from __future__ import annotations

import re
from time import perf_counter
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from monitorpy.core.fields import RegexField, ThresholdField
from monitorpy.core.patterns import Pattern
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import Port
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.tls_options import ExpiryOptions, ReachOptions, Text, VerifyOptions
from monitorpy.errors import NetError
from monitorpy.net.connect import Connection, connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.dialogue import Dialogue, as_text
from monitorpy.net.tls import describe, presented_chain

_SHARE = 0.9
"""Of the time there is, what a port gets to refuse the connection where silence counts as closed."""


@register_plugin("tcp_port")
class TcpPortPlugin(PluginTemplate):
    """A TCP port: open, closed, or a short dialogue."""

    cli_name = "tcp"
    pins_address: ClassVar[bool] = True

    class Config(ReachOptions, VerifyOptions, ExpiryOptions):
        """What a check file may say."""

        host: Text = Field(description="Host name or IP address.")
        port: Port = Field(description="TCP port, 1 to 65535.")
        banner: RegexField | None = Field(None, description="Regular expression to find in what the server says first.")
        send: Text | None = Field(None, description='Text to send, after the banner if there is one; line ends are yours ("PING\\r\\n").')
        expect: Text | None = Field(None, description="Text to find in what comes back (at most 64 kB are read).")
        expect_regex: RegexField | None = Field(None, description="Regular expression to find in what comes back.")
        expect_closed: bool = Field(default=False, description="The port must refuse the connection; an open one is an error.")
        filtered_is_closed: bool = Field(
            default=False,
            description="With expect_closed: no answer at all within the timeout (a firewall that drops) counts as closed too.",
        )
        tls: bool = Field(default=False, description="Speak TLS from the first byte on.")
        server_name: Text | None = Field(None, description="Name for SNI and the certificate (default: the host).")
        max_response_time: ThresholdField | None = Field(
            None, description="Seconds for everything: a number (error above it), a range, or {warning, error}."
        )

        @model_validator(mode="after")
        def _fits_together(self) -> Self:
            if self.server_name and not self.tls:  # verify_ssl and ca_file may be defaults for all checks
                raise ValueError("server_name without tls: true would not be looked at")
            dialogue = [key for key in ("banner", "send", "expect", "expect_regex", "max_response_time") if getattr(self, key) is not None]
            if not self.tls and (unseen := sorted({"warning_days", "critical_days"} & self.model_fields_set)):
                raise ValueError(f"{' and '.join(unseen)} without tls: true would not be looked at")
            if self.expect_closed and (dialogue or self.tls):
                raise ValueError(f"expect_closed leaves nothing for {' and '.join(dialogue or ['tls'])} to look at")
            if self.filtered_is_closed and not self.expect_closed:
                raise ValueError("filtered_is_closed without expect_closed: true would not be looked at")
            return self

    settings: Config

    def _execute_check(self) -> CheckResult:
        self.phases |= {"dns": None, "connect": None, "tls": None, "first_byte": None, "transfer": None}
        started = perf_counter()
        settings = self.settings
        raw: dict[str, Any] = {
            "host": settings.host,
            "port": settings.port,
            "address": self.address,
            "open": False,
            "received": None,
            "certificate": None,
        }
        try:
            with self._connect() as connection:
                raw |= {"address": connection.address, "open": True}
                failures = [] if settings.expect_closed else self._talk(connection, raw)
        except NetError as error:
            return self._broken(error, perf_counter() - started, raw)
        seconds = perf_counter() - started
        if settings.expect_closed:
            failures.append(Failure("open", "false", True, message=f"{self._where()} is open, expected closed"))  # noqa: FBT003 - what was found
        if settings.max_response_time and (
            slow := settings.max_response_time.failure("response_time", seconds, what="response time", unit=" s")
        ):
            failures.append(slow)
        return self.judged_result(f"{self._where()} is open", failures, seconds, raw)

    def _where(self) -> str:
        host = self.settings.host
        return f"[{host}]:{self.settings.port}" if ":" in host else f"{host}:{self.settings.port}"

    def _connect(self) -> Connection:
        settings = self.settings
        deadline = self.deadline
        if settings.filtered_is_closed:  # silence is an answer then, and must be one before the check itself is late
            deadline = Deadline(deadline.left() * _SHARE)
        return connect(settings.host, settings.port, deadline, family=settings.ip_family, address=self.address, phases=self.phases)

    def _broken(self, error: NetError, seconds: float, raw: dict[str, Any]) -> CheckResult:
        """A connection that failed: what was hoped for with expect_closed, else the error, with what came before it."""
        if self.settings.expect_closed and error.phase == "connect":
            if isinstance(error.__cause__, ConnectionRefusedError):
                return self.success_result(f"{self._where()} is closed", seconds, raw)
            if error.kind == "timeout" and self.settings.filtered_is_closed:
                return self.success_result(f"{self._where()} is filtered: no answer within {seconds:.3g} s", seconds, raw)
        hint = ""
        if self.settings.expect_closed and error.kind == "timeout" and error.phase == "connect":
            hint = " (filtered? expect_closed wants a refusal; filtered_is_closed: true accepts silence)"
        broken = self.broken_result(error, seconds, raw)
        return broken.changed(message=f"{error}{hint}")

    def _talk(self, connection: Connection, raw: dict[str, Any]) -> list[Failure]:
        """The dialogue; fills in what was observed, and returns what was expected and did not come."""
        settings = self.settings
        if settings.tls:
            connection.start_tls(settings.tls_settings(), settings.server_name or settings.host)
            assert connection.tls is not None  # start_tls turned it on
            raw["certificate"] = next(iter(map(describe, presented_chain(connection.tls))), None)
        expiring = settings.expiry_failures([raw["certificate"]] if raw["certificate"] else [], "certificate.")
        return [*expiring, *self._dialogue(Dialogue(connection), raw)]

    def _dialogue(self, dialogue: Dialogue, raw: dict[str, Any]) -> list[Failure]:
        settings = self.settings
        received = b""
        try:
            if settings.banner:
                wrong = _read(dialogue, settings.banner, f"a banner that matches {settings.banner.pattern!r}")
                received = dialogue.take()  # all that came before we say anything is the banner, not the answer
                if wrong:
                    return [wrong]
            if settings.send:
                dialogue.send(settings.send.encode())
            wanted = [(Pattern(re.escape(settings.expect)), repr(settings.expect))] if settings.expect else []
            wanted += [(regex, f"a match of {regex.pattern!r}")] if (regex := settings.expect_regex) else []
            return [wrong for pattern, what in wanted if (wrong := _read(dialogue, pattern, what))]
        finally:
            raw["received"] = as_text(received + dialogue.pending) or None


def _read(dialogue: Dialogue, pattern: Pattern, what: str) -> Failure | None:
    """Read until the pattern is found; a failure when something else came. NetError when nothing did, or the peer broke off."""
    try:
        dialogue.read_until(pattern, what)
    except NetError as error:
        if not dialogue.pending or isinstance(error.__cause__, OSError):
            raise
        return Failure("received", what, as_text(dialogue.pending), message=f"expected {what}: {str(error).replace(what, 'it', 1)}")
    return None
