"""grpc_health: see docs/plugins/grpc_health/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import perf_counter
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitorpy.core.http_fields import HeadersField, carries_credentials
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import Port
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.time_options import TimeOptions
from monitorpy.core.tls_options import ExpiryOptions, ReachOptions, Text, VerifyOptions
from monitorpy.errors import ConfigError, ConfigIssue, NetError
from monitorpy.net.connect import Connection, connect
from monitorpy.net.grpc import Health, check_health
from monitorpy.net.http2 import require_h2
from monitorpy.net.tls import leaf

_OURS = ("te", "content-type", "content-length", "user-agent", "host")
_OF_HTTP1 = ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade")
_PRINTABLE = re.compile("[ -~]+")


def _metadata(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if name != name.lower() or name.startswith("grpc-") or name in {*_OURS, *_OF_HTTP1}:
            raise ValueError(f"{name!r} cannot be the name of metadata: use lower case, and none of the protocol's own")
        if name.endswith("-bin"):
            raise ValueError(f"{name!r} would have to be binary, which is not possible here")
        if not _PRINTABLE.fullmatch(text):
            raise ValueError(f"the value of {name} must be printable ASCII characters")
    return value


def _token(value: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~]+", value.get_secret_value()):
        raise ValueError("must be a token of printable ASCII characters")
    return value


def _host_name(value: str) -> str:
    """It goes into the request, in ASCII."""
    try:
        value.encode("idna")
    except UnicodeError:
        sendable = False
    else:
        sendable = value.isprintable() and not re.search(r"[ /?#@\\]", value)
    if not sendable:
        raise ValueError(f"must be a host name or an IP address, not {value!r}")
    return value


HostName = Annotated[Text, AfterValidator(_host_name)]


@register_plugin("grpc_health")
class GrpcHealthPlugin(PluginTemplate):
    """The health service of a gRPC server: what it says of itself, or of one of its services."""

    cli_name = "grpc"
    pins_address: ClassVar[bool] = True

    class Config(ReachOptions, VerifyOptions, ExpiryOptions, TimeOptions):
        """What a check file may say."""

        host: HostName = Field(description="Host name or IP address.")
        port: Port = Field(description="TCP port, 1 to 65535.")
        service: str = Field("", max_length=1_000, description="Service to ask for, such as shop.Orders; empty for the whole server.")
        expected_status: Literal["SERVING", "NOT_SERVING", "UNKNOWN", "SERVICE_UNKNOWN"] = Field(
            "SERVING", description="What the server must say of it; SERVICE_UNKNOWN also stands for the gRPC status NOT_FOUND."
        )
        tls: bool = Field(default=False, description="Speak TLS.")
        server_name: HostName | None = Field(None, description="Name for SNI, the certificate and the request (default: the host).")
        metadata: Annotated[HeadersField, AfterValidator(_metadata)] = Field({}, description="Metadata to send, name to value.")
        bearer: Annotated[SecretStr, AfterValidator(_token)] | None = Field(None, description="Token to send as authorization: Bearer.")
        allow_plaintext_auth: bool = Field(default=False, description="Send credentials without TLS too, readable on the way.")

        @model_validator(mode="after")
        def _fits_together(self) -> Self:
            unseen = sorted({"warning_days", "critical_days", "client_cert"} & self.model_fields_set)
            if not self.tls and unseen:
                raise ValueError(f"{' and '.join(unseen)} without tls: true would not be looked at")
            if self.bearer and "authorization" in self.metadata:
                raise ValueError("bearer and authorization in metadata exclude one another")
            return self

    settings: Config

    def _execute_check(self) -> CheckResult:
        require_h2("grpc_health", "grpc")
        settings = self.settings
        if not (settings.tls or settings.allow_plaintext_auth) and (settings.bearer or carries_credentials(settings.metadata)):
            refusal = "credentials would be sent in clear text: use tls: true, or set allow_plaintext_auth: true"
            raise ConfigError(ConfigIssue((), refusal))
        self.phases |= dict.fromkeys(("dns", "connect", "tls", "first_byte", "transfer"))
        started = perf_counter()
        raw: dict[str, Any] = {
            "host": settings.host,
            "port": settings.port,
            "address": self.address,
            "service": settings.service,
            **dict.fromkeys(("serving_status", "grpc_status", "grpc_message", "certificate")),
        }
        try:
            health = self._ask(raw)
        except NetError as error:
            return self.broken_result(error, perf_counter() - started, raw)
        seconds = perf_counter() - started
        raw |= {"serving_status": health.serving, "grpc_status": health.code, "grpc_message": health.message}
        message = f"{_named(settings.service)} at {settings.host}:{settings.port} is {health.serving}"
        return self.judged_result(message, self._failures(health, seconds, raw), seconds, raw)

    def _ask(self, raw: dict[str, Any]) -> Health:
        settings = self.settings
        name = settings.server_name or settings.host
        with connect(
            settings.host, settings.port, self.deadline, family=settings.ip_family, address=self.address, phases=self.phases
        ) as connection:
            raw["address"] = connection.address
            if settings.tls:
                connection.start_tls(settings.tls_settings(alpn=("h2",)), name)
                raw["certificate"] = _certificate(connection)
            return check_health(connection, settings.service, authority=_authority(name, settings.port), metadata=self._metadata())

    def _metadata(self) -> Iterator[tuple[str, str]]:
        yield from self.settings.metadata.items()
        if self.settings.bearer:
            yield "authorization", f"Bearer {self.settings.bearer.get_secret_value()}"

    def _failures(self, health: Health, seconds: float, raw: dict[str, Any]) -> Iterator[Failure]:
        settings = self.settings
        wanted, who = settings.expected_status, _named(settings.service)
        if health.serving is None:
            text = f"{who}: expected {wanted}, got the gRPC status {health.code}{_meaning(health)}"
            yield Failure("grpc_status", "OK", health.code, message=text)
        elif health.serving != wanted:
            text = f"{who}: expected {wanted}, got {health.serving}{_meaning(health)}"
            yield Failure("serving_status", wanted, health.serving, message=text)
        if raw["certificate"]:
            yield from settings.expiry_failures([raw["certificate"]], "certificate.")
        yield from settings.slow_failures(seconds)


def _authority(name: str, port: int) -> str:
    return f"[{name}]:{port}" if ":" in name else f"{name.encode('idna').decode()}:{port}"


def _certificate(connection: Connection) -> dict[str, Any] | None:
    """The leaf, described. NetError where HTTP/2 was not agreed to: clients of gRPC refuse such a server, too."""
    assert connection.tls is not None  # start_tls turned it on
    if (agreed := connection.tls.selected_alpn_protocol()) != "h2":
        what = f"it chose {agreed}" if agreed else "it chose nothing"
        raise NetError(f"{connection.sock.peer} does not agree to HTTP/2 in TLS (ALPN): {what}", phase="tls", kind="tls")
    return leaf(connection.tls)


def _named(service: str) -> str:
    return f"service {service!r}" if service else "the server"


_MEANINGS = {"UNIMPLEMENTED": "it has no health service", "NOT_FOUND": "it does not know the service"}


def _meaning(health: Health) -> str:
    parts = [text for text in (_MEANINGS.get(health.code), repr(health.message) if health.message else None) if text]
    return f" ({': '.join(parts)})" if parts else ""
