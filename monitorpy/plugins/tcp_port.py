"""tcp_port: see docs/plugins/tcp_port/."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from monitorpy.core.dialogue_fields import TalkOptions, Wanted
from monitorpy.core.dialogue_steps import Conversation, Handshake, Step, step_problems
from monitorpy.core.fields import RegexField
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import Port
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.time_options import TimeOptions
from monitorpy.core.tls_options import ExpiryOptions, ReachOptions, Text, VerifyOptions
from monitorpy.errors import NetError
from monitorpy.net.connect import Connection, connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.dialogue import Dialogue, as_text
from monitorpy.net.starttls import start_tls
from monitorpy.net.tls import leaf

_SHARE = 0.9
"""Of the time there is, what a port gets to refuse the connection where silence counts as closed."""


@register_plugin("tcp_port")
class TcpPortPlugin(PluginTemplate):
    """A TCP port: open, closed, or a short dialogue."""

    cli_name = "tcp"
    pins_address: ClassVar[bool] = True

    class Config(ReachOptions, VerifyOptions, ExpiryOptions, TalkOptions, TimeOptions):
        """What a check file may say."""

        host: Text = Field(description="Host name or IP address.")
        port: Port = Field(description="TCP port, 1 to 65535.")
        banner: RegexField | None = Field(None, description="Regular expression to find in what the server says before anything is sent.")
        half_close: bool = Field(default=False, description="End our side after sending: some servers answer only then.")
        dialogue: Annotated[list[Step], Field(min_length=1, max_length=100)] | None = Field(
            None, description="Steps, instead of banner, send and expect: each sends, expects or starts TLS."
        )
        expect_closed: bool = Field(default=False, description="The port must refuse the connection; an open one is an error.")
        filtered_is_closed: bool = Field(
            default=False,
            description="With expect_closed: no answer at all within the timeout (a firewall that drops) counts as closed too.",
        )
        tls: bool = Field(default=False, description="Speak TLS from the first byte on.")
        server_name: Text | None = Field(None, description="Name for SNI and the certificate (default: the host).")

        @property
        def steps(self) -> list[Step]:
            return self.dialogue or []

        @model_validator(mode="after")
        def _fits_together(self) -> Self:
            if problems := list(self._problems()):
                raise ValueError("; ".join(problems))
            return self

        def _problems(self) -> Iterator[str]:
            """What contradicts itself, or would not be looked at; verify_ssl, ca_file and trust may be defaults for all checks."""
            talk = self._given("banner", "send", "send_hex", "half_close", "expect", "expect_regex", "expect_hex")
            starts_tls = any(step.starttls for step in self.steps)
            unseen = self._given("server_name", "warning_days", "critical_days", "client_cert", "client_key")
            if unseen and not (self.tls or starts_tls):
                yield f"{' and '.join(unseen)} without tls: true would not be looked at"
            if self.expect_closed and (beside := [*talk, *self._given("dialogue", "tls", "max_response_time")]):
                yield f"expect_closed leaves nothing for {' and '.join(beside)} to look at"
            if self.filtered_is_closed and not self.expect_closed:
                yield "filtered_is_closed without expect_closed: true would not be looked at"
            if self.dialogue and talk:
                yield f"a dialogue has its own steps: {' and '.join(talk)} would not be looked at"
            if self.send and self.send_hex:
                yield "send and send_hex exclude one another"
            if self.half_close and (self.tls or not self.payload):
                yield "half_close comes after send or send_hex, without tls"
            if self.tls and starts_tls:
                yield "tls: true and starttls exclude one another"
            yield from step_problems(self.steps) if self.steps else ()

        def _given(self, *keys: str) -> list[str]:
            return [key for key in keys if getattr(self, key) is not None and getattr(self, key) is not False]

    settings: Config

    def get_secrets(self) -> set[str]:
        parts = [] if self.config_issues() else [self.settings, *self.settings.steps]
        return super().get_secrets().union(*(part.hex_secrets() for part in parts))

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
        failures += settings.slow_failures(seconds)
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
        if error.kind == "reset":  # a closed port refuses; the handshake was done
            raw["open"] = True
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

        def secure(how: Handshake) -> None:
            self._secure(connection, how, raw)

        if self.settings.tls:
            secure(how=True)
        conversation = Conversation(Dialogue(connection), secure)
        try:
            failures = list(self._failures(conversation))
        finally:
            raw["received"] = as_text(conversation.heard) or None
        expiring = self.settings.expiry_failures([raw["certificate"]] if raw["certificate"] else [], "certificate.")
        return [*expiring, *failures]

    def _secure(self, connection: Connection, how: Handshake, raw: dict[str, Any]) -> None:
        settings, name = self.settings.tls_settings(), self.settings.server_name or self.settings.host
        if how is True:
            connection.start_tls(settings, name)
        else:
            start_tls(how, connection, settings, name)
        assert connection.tls is not None  # start_tls turned it on
        raw["certificate"] = leaf(connection.tls)

    def _failures(self, conversation: Conversation) -> Iterator[Failure]:
        settings = self.settings
        if settings.dialogue:
            yield from filter(None, [conversation.follow(settings.dialogue)])
            return
        if settings.banner and (wrong := conversation.expect(Wanted.of_regex(settings.banner, "a banner that matches"))):
            yield wrong
            return
        if settings.payload:
            conversation.say(settings.payload, last=settings.half_close)
        yield from filter(None, map(conversation.expect, settings.wanted))
