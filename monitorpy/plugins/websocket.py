"""websocket: see docs/plugins/websocket/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import perf_counter
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitorpy.core.dialogue_fields import HexField, TalkOptions
from monitorpy.core.http_fields import HeadersField, carries_credentials, url_of
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.time_options import TimeOptions
from monitorpy.core.tls_options import ExpiryOptions, ReachOptions, Text, VerifyOptions
from monitorpy.core.values import shown
from monitorpy.errors import ConfigError, ConfigIssue, NetError
from monitorpy.net.connect import connect
from monitorpy.net.http_text import NOT_JSON, parse_json
from monitorpy.net.http_wire import basic
from monitorpy.net.received import as_text, in_hex, quoted
from monitorpy.net.tls import leaf
from monitorpy.net.websocket import Handshake, WebSocket, require_websockets
from monitorpy.utils.masking import excerpt

_PORTS = {"ws": 80, "wss": 443}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_OURS = ("upgrade", "connection", "origin", "content-length", "transfer-encoding")
_OBSERVED = (
    "address", "status_code", "headers", "subprotocol", "received", "messages", "ping", "close_code", "close_reason", "certificate",
)  # fmt: skip
_MESSAGES = 100
"""Messages that are read while another one is waited for."""
_SWITCHED = 101
_GOODBYES = (1000, 1001, 1005)
"""Codes with which a server closes when all is well: done, going away, none said (RFC 6455, 7.4.1)."""


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        if name.lower() in _OURS or name.lower().startswith("sec-websocket-"):
            raise ValueError(f"{name} is the protocol's own")
    return value


def _url(value: str) -> str:
    url_of("ws", "wss")(value)
    if "#" in value:
        raise ValueError("must not have a fragment (#...): it would not be sent")
    return value


def _origin(value: str) -> str:
    if not re.fullmatch("[!-~]+", value):
        raise ValueError("must be an origin such as https://example.org, in ASCII characters")
    return value


def _subprotocol(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"{value!r} is no name of a subprotocol")
    return value


Subprotocol = Annotated[str, AfterValidator(_subprotocol)]


@register_plugin("websocket")
class WebsocketPlugin(PluginTemplate):
    """A WebSocket: its handshake, a message and the answer to it, a ping."""

    cli_name = "websocket"
    pins_address: ClassVar[bool] = True

    class Config(ReachOptions, VerifyOptions, ExpiryOptions, TalkOptions, TimeOptions):
        """What a check file may say."""

        url: Annotated[Text, AfterValidator(_url)] = Field(description="ws:// or wss:// URL to ask for.")
        headers: Annotated[HeadersField, AfterValidator(_headers)] = Field({}, description="Request headers, name to value.")
        origin: Annotated[Text, AfterValidator(_origin)] | None = Field(
            None, description="Origin to tell the server, such as https://example.org."
        )
        subprotocols: Annotated[list[Subprotocol], Field(min_length=1)] | None = Field(
            None, description="Subprotocols to offer, the preferred one first."
        )
        expected_subprotocol: Subprotocol | None = Field(None, description="Subprotocol that the server must choose.")
        auth_username: Text | None = Field(None, description="User name for basic authentication.")
        auth_password: SecretStr | None = Field(None, description="Password for basic authentication.")
        bearer: SecretStr | None = Field(None, description="Token to send as Authorization: Bearer.")
        allow_plaintext_auth: bool = Field(default=False, description="Send credentials over ws:// too, readable on the way.")
        resolve_to: Text | None = Field(None, description="Address to connect to instead of the URL's host; SNI and Host keep the name.")
        ping: bool = Field(default=False, description="Send a ping first; its pong must come.")
        send: Text | None = Field(None, description="Text message to send; a message must come back.")
        send_hex: HexField | None = Field(
            None, description='Binary message to send, in hexadecimal digits ("00 ff"); a message must come back.'
        )
        expect: Text | None = Field(None, description="Text to find in a message; others before it are passed over.")
        max_message_bytes: int = Field(1024 * 1024, gt=0, le=2**30, description="Bytes of a message above which the check fails.")

        @model_validator(mode="after")
        def _fits_together(self) -> Self:
            if problems := list(_problems(self, self.model_fields_set)):
                raise ValueError("; ".join(problems))
            return self

    settings: Config

    def get_secrets(self) -> set[str]:
        """Basic authentication travels as base64 of both: a server may echo it."""
        if self.config_issues():
            return super().get_secrets()
        _, _, value = (_authorization(self.settings) or "").partition(" ")
        return super().get_secrets() | self.settings.hex_secrets() | ({value} if value else set())

    def _execute_check(self) -> CheckResult:
        require_websockets()
        settings = self.settings
        if _in_clear_text(settings):
            raise ConfigError(ConfigIssue((), "credentials would be sent in clear text: use wss, or set allow_plaintext_auth: true"))
        if self.address and settings.resolve_to:
            raise ConfigError(ConfigIssue((), "`addresses: all` cannot be combined with resolve_to"))
        self.phases |= dict.fromkeys(("dns", "connect", "tls", "first_byte", "transfer"))
        raw: dict[str, Any] = {"url": settings.url, **dict.fromkeys(_OBSERVED)}
        started = perf_counter()
        try:
            failures, seconds = self._look(raw)
        except NetError as error:
            return self.broken_result(error, perf_counter() - started, raw)
        failures += settings.slow_failures(seconds)
        return self.judged_result(_success(raw), failures, seconds, raw)

    def _look(self, raw: dict[str, Any]) -> tuple[list[Failure], float]:
        """What is not as expected, and the seconds until that was known: the goodbye after it is no part of the response time."""
        started = perf_counter()
        settings, url = self.settings, urlsplit(self.settings.url)
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        address = self.address or settings.resolve_to
        with connect(host, port, self.deadline, family=settings.ip_family, address=address, phases=self.phases) as connection:
            raw["address"] = connection.address
            if url.scheme == "wss":
                connection.start_tls(settings.tls_settings(alpn=("http/1.1",)), host)
                assert connection.tls is not None  # start_tls turned it on
                raw["certificate"] = leaf(connection.tls)
            socket = WebSocket(
                connection, settings.url, subprotocols=settings.subprotocols or (), origin=settings.origin, limit=settings.max_message_bytes
            )
            try:
                failures = [*self._expiring(raw), *self._talk(socket, raw)]
                seconds = perf_counter() - started
                socket.close()
            finally:
                raw["close_code"], raw["close_reason"] = socket.closed or (None, None)
        told = any(failure.path == "received" for failure in failures)
        return [*failures, *(() if told else _goodbye(raw))], seconds

    def _expiring(self, raw: dict[str, Any]) -> Iterator[Failure]:
        if raw["certificate"]:
            yield from self.settings.expiry_failures([raw["certificate"]], "certificate.")

    def _talk(self, socket: WebSocket, raw: dict[str, Any]) -> Iterator[Failure]:
        """The dialogue, from the handshake to the goodbye; yields what was expected and is not so."""
        settings = self.settings
        authorization = _authorization(settings)
        handshake = socket.open({**settings.headers, **({"Authorization": authorization} if authorization else {})})
        raw |= {"status_code": handshake.status_code, "headers": handshake.headers, "subprotocol": handshake.subprotocol}
        if handshake.status_code != _SWITCHED:
            yield _refused(handshake)
            return
        if (wanted := settings.expected_subprotocol) and handshake.subprotocol != wanted:
            got = shown(handshake.subprotocol) if handshake.subprotocol else "none"
            yield Failure("subprotocol", wanted, handshake.subprotocol, message=f"expected the subprotocol {wanted}, got {got}")
        if settings.ping:
            raw["ping"] = socket.ping()
        if settings.payload:
            socket.send(settings.send or settings.payload)
        if settings.payload or settings.wanted:
            yield from self._answer(socket, raw)

    def _answer(self, socket: WebSocket, raw: dict[str, Any]) -> Iterator[Failure]:
        """Read until a message has everything that is expected; the last one is the one observed."""
        wanted, data = self.settings.wanted, b""
        what = "a message" + (f" with {' and '.join(part.what for part in wanted)}" if wanted else "")
        show = in_hex if any(part.binary for part in wanted) else quoted
        for count in range(1, _MESSAGES + 1):
            try:
                message = socket.receive(what)
            except NetError as error:
                if not raw["messages"] or isinstance(error.__cause__, OSError):
                    raise
                text = f"expected {what}: {error} (the last of {raw['messages']} that came: {show(data)})"
                yield Failure("received", what, raw["received"], message=text)
                return
            data = message.encode() if isinstance(message, str) else message
            raw.pop("json", None)
            raw |= {"received": as_text(data), "messages": count, **_json(as_text(data))}
            if all(part.find(data) is not None for part in wanted):
                return
        text = f"expected {what}, and {_MESSAGES} others came; the last: {show(data)}"
        yield Failure("received", what, raw["received"], message=text)


def _problems(settings: Any, given: set[str]) -> Iterator[str]:
    """What in the config contradicts itself, or would not be looked at."""
    if settings.send and settings.send_hex:
        yield "send and send_hex exclude one another"
    names = settings.subprotocols or ()
    if len(set(names)) < len(names):
        yield "subprotocols must not have one twice"
    if (settings.auth_username is None) != (settings.auth_password is None):
        yield "auth_username and auth_password need each other"
    if ":" in (settings.auth_username or ""):
        yield "auth_username must not have a colon: basic authentication has one before the password"
    ways = (
        settings.auth_username is not None,
        settings.bearer is not None,
        any(name.lower() == "authorization" for name in settings.headers),
    )
    if sum(ways) > 1:
        yield "auth_username, bearer and an Authorization header exclude one another"
    if settings.bearer is not None and not re.fullmatch(r"[!-~]+", settings.bearer.get_secret_value()):
        yield "bearer must be a token of printable ASCII characters"
    if settings.expected_subprotocol and settings.expected_subprotocol not in names:
        yield "expected_subprotocol must be one of subprotocols: a server may choose no other"
    unseen = sorted({"warning_days", "critical_days", "client_cert"} & given)
    if unseen and not settings.url.startswith("wss:"):
        yield f"{' and '.join(unseen)} without a wss:// URL would not be looked at"


def _in_clear_text(settings: Any) -> bool:
    sent = settings.auth_username is not None or settings.bearer is not None or carries_credentials(settings.headers)
    return sent and urlsplit(settings.url).scheme == "ws" and not settings.allow_plaintext_auth


def _authorization(settings: Any) -> str | None:
    if settings.bearer is not None:
        return f"Bearer {settings.bearer.get_secret_value()}"
    if settings.auth_username is not None and settings.auth_password is not None:
        return basic(settings.auth_username, settings.auth_password.get_secret_value())
    return None


def _refused(handshake: Handshake) -> Failure:
    location = handshake.headers.get("location")
    where = f" (a redirect to {excerpt(location, 200)}, which is not followed)" if location and handshake.status_code // 100 == 3 else ""  # noqa: PLR2004 - 3xx
    said = f": {shown(handshake.body)}" if handshake.body else ""
    text = f"handshake refused: expected status {_SWITCHED}, got {f'{handshake.status_code} {handshake.reason}'.rstrip()}{where}{said}"
    return Failure("status_code", str(_SWITCHED), handshake.status_code, message=text)


def _goodbye(raw: dict[str, Any]) -> Iterator[Failure]:
    """A server that accepts everyone may yet say by its goodbye that it does not want to talk (1008), or cannot (1011)."""
    code, reason = raw["close_code"], raw["close_reason"]
    if code is not None and code not in _GOODBYES:
        text = f"the server closed the WebSocket with {code}" + (f" {shown(reason)}" if reason else "")
        yield Failure("close_code", "1000", code, message=text)


def _json(text: str) -> dict[str, Any]:
    """The message as a value, where it is JSON."""
    value = parse_json(text, "application/json")
    return {} if value is NOT_JSON else {"json": value}


def _success(raw: dict[str, Any]) -> str:
    done = [f"{raw['url']}: handshake accepted"]
    done += [f"answered {shown(raw['received'])}"] if raw["messages"] else []
    done += [f"pong after {raw['ping'] * 1000:.0f} ms"] if raw["ping"] is not None else []
    return ", ".join(done)
