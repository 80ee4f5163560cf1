"""website_status: see docs/plugins/website_status/."""

from __future__ import annotations

import json as jsonlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from monitorpy.core.fields import JsonPathField, RegexField, StatusField, StatusSpec
from monitorpy.core.http_credentials import CredentialOptions, header_secrets
from monitorpy.core.http_fields import (
    HeaderName,
    HeadersField,
    JsonSchemaField,
    MethodField,
    PhaseLimits,
    TextMatch,
    Texts,
    UrlField,
)
from monitorpy.core.http_judgement import body_failures, header_failures, json_failures, phase_failures, redirect_failures
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.time_options import TimeOptions
from monitorpy.core.tls_options import ExpiryOptions, ReachOptions, Text, VerifyOptions
from monitorpy.errors import ConfigError, ConfigIssue
from monitorpy.net.http import Exchange, HttpOptions, fetch
from monitorpy.net.http_text import NOT_JSON, decode, parse_json
from monitorpy.net.oauth2 import ClientCredentials
from monitorpy.net.tls import describe
from monitorpy.utils.masking import excerpt

_OF_THE_BODY = ("expected_content", "unexpected_content", "expected_regex", "expected_json", "json_schema")
_OF_REDIRECTS = ("max_redirects", "redirect_policy", "expected_redirects")


@register_plugin("website_status")
class WebsiteStatusPlugin(PluginTemplate):
    """A web page or API: status, headers, body, JSON, times and certificate of one HTTP exchange."""

    cli_name = "website"
    pins_address: ClassVar[bool] = True

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", 'Field name "json"')  # of pydantic: it shadows a deprecated method that nobody calls here

        class Config(CredentialOptions, ReachOptions, VerifyOptions, ExpiryOptions, TimeOptions):
            """What a check file may say."""

            url: UrlField = Field(description="http:// or https:// URL to ask for.")
            method: MethodField | None = Field(None, description="HTTP method (default GET, or POST with a body).")
            headers: HeadersField = Field({}, description="Request headers, name to value.")
            body: str | None = Field(None, description="Request body, sent as UTF-8.")
            json: Any = Field(None, description="Request body as a value, sent as JSON.")
            follow_redirects: bool = Field(default=True, description="Follow redirects; otherwise a 3xx is the answer to judge.")
            max_redirects: int = Field(10, ge=0, le=100, description="Redirects to follow at most.")
            redirect_policy: Literal["any", "same_host", "https_only"] = Field(
                "any", description="Redirects that may be followed; another one is an error."
            )
            resolve_to: Text | None = Field(
                None, description="Address to connect to instead of the URL's host; SNI and Host keep the name."
            )
            expected_status: StatusField = Field(
                StatusSpec.parse("2xx"),
                json_schema_extra={"default": "2xx"},  # as it is written
                description='Status of the last answer: 200, "2xx", "200-299" or a list of those.',
            )
            expected_content: Texts | None = Field(None, description="Text, or list of texts, that the body must contain.")
            unexpected_content: Texts | None = Field(None, description="Text, or list of texts, that the body must not contain.")
            expected_regex: RegexField | None = Field(None, description="Regular expression to find in the body.")
            expected_headers: Annotated[dict[HeaderName, str | TextMatch], Field(min_length=1)] | None = Field(
                None, description="Response headers, name to exact value or to {matches: REGEX}."
            )
            unexpected_headers: Annotated[list[HeaderName], Field(min_length=1)] | None = Field(
                None, description="Response headers that must not be there."
            )
            expected_json: Annotated[dict[JsonPathField, Any], Field(min_length=1)] | None = Field(
                None, description="JSONPath into the JSON body to the value it must equal."
            )
            json_schema: JsonSchemaField | None = Field(
                None, description="JSON Schema that the JSON body must satisfy: a mapping, or the path of a JSON file."
            )
            expected_url: UrlField | TextMatch | None = Field(
                None, description="URL of the last answer, after redirects: the exact one, or {matches: REGEX}."
            )
            expected_redirects: int | None = Field(None, ge=0, description="How many redirects there must be.")
            max_phase_time: PhaseLimits | None = Field(
                None, description="Seconds for single phases: {dns, connect, tls, first_byte, transfer}, each as max_response_time."
            )
            max_body_bytes: int = Field(10 * 1024 * 1024, gt=0, description="Bytes of body, decompressed, above which the check fails.")

            @model_validator(mode="after")
            def _fits_together(self) -> Self:
                for problem in _contradictions(self):
                    raise ValueError(problem)
                return self

    def get_secrets(self) -> set[str]:
        secrets = super().get_secrets()
        return secrets if self.settings is None else secrets.union(self.settings.encoded_secrets(), header_secrets(self.settings.headers))

    def _execute_check(self) -> CheckResult:
        settings, options = self.settings, self._options()
        if refusal := settings.clear_text(settings.url, settings.headers):
            raise ConfigError(ConfigIssue((), refusal))
        headers = _request_headers(settings)
        raw: dict[str, Any] = {}
        if credentials := settings.client_credentials():
            token, raw["token_request"] = self._token(credentials, options)
            headers["Authorization"] = f"Bearer {token}"
        exchange = fetch(
            settings.url,
            deadline=self.deadline,
            phases=self.phases,
            method=settings.method or ("POST" if _has_body(settings) else "GET"),
            headers=headers,
            body=_request_body(settings),
            auth=settings.authentication(),
            options=options,
        )
        raw = {**_observation(settings.url, exchange), **raw}
        message = f"{exchange.status_code} {exchange.reason}".rstrip() + f" in {exchange.seconds * 1000:.0f} ms"
        return self.judged_result(message, self._failures(exchange, raw), exchange.seconds, raw)

    def _token(self, credentials: ClientCredentials, options: HttpOptions) -> tuple[str, dict[str, Any]]:
        """A token for this check, and what was seen of the request for it; the pinned address is that of the URL's host only."""
        if urlsplit(credentials.token_url).hostname != urlsplit(self.settings.url).hostname:
            options = replace(options, address=None)
        token, exchange = credentials.fetch_token(self.deadline, options)
        self.learn_secret(token)
        return token, {"url": exchange.url, "status_code": exchange.status_code, "response_time": exchange.seconds}

    def _options(self) -> HttpOptions:
        settings = self.settings
        if self.address and (settings.proxy or settings.resolve_to):
            raise ConfigError(ConfigIssue((), f"`addresses: all` cannot be combined with {'proxy' if settings.proxy else 'resolve_to'}"))
        return HttpOptions(
            tls=settings.tls_settings(alpn=("http/1.1",)),
            family=settings.ip_family,
            address=self.address or settings.resolve_to,
            proxy=settings.proxy_server(),
            follow_redirects=settings.follow_redirects,
            redirect_policy=settings.redirect_policy,
            max_redirects=settings.max_redirects,
            max_body=settings.max_body_bytes,
        )

    def _failures(self, exchange: Exchange, raw: dict[str, Any]) -> Iterator[Failure]:
        settings = self.settings
        yield from _status_failures(settings.expected_status, exchange)
        if exchange.truncated:
            limit = settings.max_body_bytes
            text = f"the body is longer than {limit} bytes"
            yield Failure("size", f"at most {limit} bytes", f"more than {limit} bytes", message=text)
        yield from redirect_failures(settings.expected_url, settings.expected_redirects, raw)
        yield from header_failures(settings.expected_headers or {}, settings.unexpected_headers or (), exchange.headers, exchange.repeated)
        yield from body_failures(_list(settings.expected_content), _list(settings.unexpected_content), settings.expected_regex, raw["body"])
        yield from json_failures(settings.expected_json or {}, settings.json_schema, raw, self.deadline)
        yield from self._certificate_failures(raw)
        if settings.max_phase_time:
            yield from phase_failures(settings.max_phase_time, self.phases)
        yield from settings.slow_failures(exchange.seconds)

    def _certificate_failures(self, raw: dict[str, Any]) -> Iterator[Failure]:
        wanted = [name for name in ("warning_days", "critical_days") if getattr(self.settings, name) is not None]
        if raw["certificate"]:
            yield from self.settings.expiry_failures([raw["certificate"]], "certificate.")
        elif wanted:
            text = f"there is no certificate for {' and '.join(wanted)}: the last answer came over http"
            yield Failure("certificate", "a certificate", None, message=text)


def _status_failures(expected: StatusSpec, exchange: Exchange) -> Iterator[Failure]:
    status = exchange.status_code
    if not expected.accepts(status):
        location = exchange.headers.get("location")
        where = f" (a redirect to {excerpt(location, 200)})" if location and status // 100 == 3 else ""  # noqa: PLR2004 - 3xx
        text = f"expected status {expected}, got {f'{status} {exchange.reason}'.rstrip()}{where}"
        yield Failure("status_code", str(expected), status, message=text)


def _list(texts: str | list[str] | None) -> list[str]:
    return [texts] if isinstance(texts, str) else texts or []


def _contradictions(settings: Any) -> Iterator[str]:
    """Combinations of which one part would silently not count; what ``defaults:`` may set for all checks is no contradiction."""
    given = settings.model_fields_set
    if settings.body is not None and "json" in given:
        yield "body and json exclude each other"
    try:
        _request_body(settings)
    except (ValueError, TypeError, RecursionError) as wrong:
        yield f"the body cannot be sent: {wrong}"
    yield from settings.credential_mistakes(settings.headers)
    about_body = [name for name in _OF_THE_BODY if getattr(settings, name) is not None]
    if settings.method == "HEAD" and about_body:
        yield f"{about_body[0]} needs a body, and the answer to HEAD has none"
    about_redirects = [name for name in _OF_REDIRECTS if name in given]
    if not settings.follow_redirects and about_redirects:
        yield f"{about_redirects[0]} without follow_redirects would not be looked at"
    if (settings.expected_redirects or 0) > settings.max_redirects:
        yield f"expected_redirects must not be more than max_redirects ({settings.max_redirects})"
    both = {name.lower() for name in settings.expected_headers or ()} & {name.lower() for name in settings.unexpected_headers or ()}
    if both:
        yield f"the header {min(both)} cannot be expected and unexpected"
    if settings.proxy and settings.resolve_to:
        yield "resolve_to and proxy exclude each other"


def _has_body(settings: Any) -> bool:
    return settings.body is not None or "json" in settings.model_fields_set


def _request_headers(settings: Any) -> dict[str, str]:
    headers = dict(settings.headers)
    if settings.bearer is not None:
        headers["Authorization"] = f"Bearer {settings.bearer.get_secret_value()}"
    if "json" in settings.model_fields_set and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return headers


def _request_body(settings: Any) -> bytes | None:
    if "json" in settings.model_fields_set:
        return jsonlib.dumps(settings.json, ensure_ascii=False, allow_nan=False).encode()
    return None if settings.body is None else settings.body.encode()


def _observation(url: str, exchange: Exchange) -> dict[str, Any]:
    kind = exchange.headers.get("content-type", "")
    text = decode(exchange.body, kind)
    raw: dict[str, Any] = {
        "url": url,
        "final_url": exchange.url,
        "status_code": exchange.status_code,
        "reason": exchange.reason,
        "headers": exchange.headers,
        "body": text,
        "size": len(exchange.body),
        "redirects": [{"url": hop.url, "status_code": hop.status_code} for hop in exchange.redirects],
        "http_version": exchange.http_version,
        "address": exchange.address,
        "certificate": describe(exchange.certificate) if exchange.certificate else None,
    }
    if (value := parse_json(text, kind)) is not NOT_JSON:
        raw["json"] = value
    if exchange.repeated:
        raw["repeated_headers"] = exchange.repeated
    if len(exchange.hops) > 1:
        raw["hops"] = [
            {"url": hop.url, "status_code": hop.status_code, "address": hop.address, "phases": hop.phases} for hop in exchange.hops
        ]
    return raw
