"""website_status: see docs/plugins/website_status/."""

from __future__ import annotations

import json as jsonlib
import re
import warnings
from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

from monitorpy.core.fields import JsonPathField, RegexField, StatusField, StatusSpec, ThresholdField
from monitorpy.core.http_fields import HeadersField, MethodField, Texts, UrlField, carries_credentials
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import ConfigSection
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.tls_options import ExpiryOptions, ReachOptions, Text, VerifyOptions
from monitorpy.core.values import same, shown
from monitorpy.errors import ConfigError, ConfigIssue
from monitorpy.net.http import Exchange, HttpOptions, fetch
from monitorpy.net.http_text import NOT_JSON, decode, parse_json
from monitorpy.net.proxy import Proxy
from monitorpy.net.tls import describe
from monitorpy.utils.masking import excerpt

_OF_THE_BODY = ("expected_content", "unexpected_content", "expected_regex", "expected_json")
_EXCERPT = 200


def _proxy(value: str) -> str:
    if urlsplit(value).scheme != "http":
        raise ValueError("must be an http:// URL: a proxy is spoken to in HTTP, and https goes through it in a tunnel")
    return value


class HeaderMatch(ConfigSection):
    """A header that a regular expression must find something in."""

    matches: RegexField = Field(description="Regular expression to find in the header's value.")


@register_plugin("website_status")
class WebsiteStatusPlugin(PluginTemplate):
    """A web page or API: status, headers, body, JSON, times and certificate of one HTTP exchange."""

    cli_name = "website"
    pins_address: ClassVar[bool] = True

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", 'Field name "json"')  # of pydantic: it shadows a deprecated method that nobody calls here

        class Config(ReachOptions, VerifyOptions, ExpiryOptions):
            """What a check file may say; json_schema and credentials for the proxy are not among it yet."""

            url: UrlField = Field(description="http:// or https:// URL to ask for.")
            method: MethodField | None = Field(None, description="HTTP method (default GET, or POST with a body).")
            headers: HeadersField = Field({}, description="Request headers, name to value.")
            body: str | None = Field(None, description="Request body, sent as UTF-8.")
            json: Any = Field(None, description="Request body as a value, sent as JSON.")
            auth_username: Text | None = Field(None, description="User name for basic authentication.")
            auth_password: SecretStr | None = Field(None, description="Password for basic authentication.")
            digest: bool = Field(default=False, description="Use digest instead of basic authentication.")
            bearer: SecretStr | None = Field(None, description="Token to send as Authorization: Bearer.")
            allow_plaintext_auth: bool = Field(default=False, description="Send credentials over http:// too, readable on the way.")
            follow_redirects: bool = Field(default=True, description="Follow redirects; otherwise a 3xx is the answer to judge.")
            max_redirects: int = Field(10, ge=0, le=100, description="Redirects to follow at most.")
            proxy: Annotated[UrlField, AfterValidator(_proxy)] | None = Field(
                None, description="http:// URL of a proxy. Environment variables are not read."
            )
            resolve_to: Text | None = Field(
                None, description="Address to connect to instead of the URL's host; SNI and Host keep the name."
            )
            expected_status: StatusField = Field(
                StatusSpec.parse("2xx"), description='Status of the last answer: 200, "2xx", "200-299" or a list of those.'
            )
            expected_content: Texts | None = Field(None, description="Text, or list of texts, that the body must contain.")
            unexpected_content: Texts | None = Field(None, description="Text, or list of texts, that the body must not contain.")
            expected_regex: RegexField | None = Field(None, description="Regular expression to find in the body.")
            expected_headers: Annotated[dict[str, str | HeaderMatch], Field(min_length=1)] | None = Field(
                None, description="Response headers, name to exact value or to {matches: REGEX}."
            )
            expected_json: Annotated[dict[JsonPathField, Any], Field(min_length=1)] | None = Field(
                None, description="JSONPath into the JSON body to the value it must equal."
            )
            max_response_time: ThresholdField | None = Field(
                None, description="Seconds for everything: a number (error above it), a range, or {warning, error}."
            )
            max_body_bytes: int = Field(10 * 1024 * 1024, gt=0, description="Bytes of body, decompressed, above which the check fails.")

            @model_validator(mode="after")
            def _fits_together(self) -> Self:
                for problem in _contradictions(self):
                    raise ValueError(problem)
                return self

    def get_secrets(self) -> set[str]:
        """Basic authentication travels as base64 of both: a server may echo it."""
        secrets = super().get_secrets()
        if self.settings is not None and self.settings.auth_password is not None:
            pair = f"{self.settings.auth_username}:{self.settings.auth_password.get_secret_value()}"
            secrets.add(b64encode(pair.encode()).decode())
        return secrets

    def _execute_check(self) -> CheckResult:
        settings = self.settings
        if _in_clear_text(settings):
            raise ConfigError(ConfigIssue((), "credentials would be sent in clear text: use https, or set allow_plaintext_auth: true"))
        exchange = fetch(
            settings.url,
            deadline=self.deadline,
            phases=self.phases,
            method=settings.method or ("POST" if _has_body(settings) else "GET"),
            headers=_request_headers(settings),
            body=_request_body(settings),
            auth=_auth(settings),
            options=self._options(),
        )
        raw = _observation(settings.url, exchange)
        message = f"{exchange.status_code} {exchange.reason}".rstrip() + f" in {exchange.seconds * 1000:.0f} ms"
        return self.judged_result(message, _failures(settings, exchange, raw), exchange.seconds, raw)

    def _options(self) -> HttpOptions:
        settings = self.settings
        if self.address and (settings.proxy or settings.resolve_to):
            raise ConfigError(ConfigIssue((), f"`addresses: all` cannot be combined with {'proxy' if settings.proxy else 'resolve_to'}"))
        return HttpOptions(
            tls=settings.tls_settings(alpn=("http/1.1",)),
            family=settings.ip_family,
            address=self.address or settings.resolve_to,
            proxy=Proxy.parse(settings.proxy) if settings.proxy else None,
            follow_redirects=settings.follow_redirects,
            max_redirects=settings.max_redirects,
            max_body=settings.max_body_bytes,
        )


def _contradictions(settings: Any) -> Iterator[str]:
    """Combinations of which one part would silently not count; what ``defaults:`` may set for all checks is no contradiction."""
    given = settings.model_fields_set
    headers = {name.lower() for name in settings.headers}
    if settings.body is not None and "json" in given:
        yield "body and json exclude each other"
    if (settings.auth_username is None) != (settings.auth_password is None):
        yield "auth_username and auth_password need each other"
    if settings.digest and settings.auth_username is None:
        yield "digest needs auth_username and auth_password"
    if sum((settings.auth_username is not None, settings.bearer is not None, "authorization" in headers)) > 1:
        yield "auth_username, bearer and an Authorization header exclude one another"
    if settings.bearer is not None and not re.fullmatch(r"[!-~]+", settings.bearer.get_secret_value()):
        yield "bearer must be a token of printable ASCII characters"
    about_body = [name for name in _OF_THE_BODY if getattr(settings, name) is not None]
    if settings.method == "HEAD" and about_body:
        yield f"{about_body[0]} needs a body, and the answer to HEAD has none"
    if settings.proxy and settings.resolve_to:
        yield "resolve_to and proxy exclude each other: a proxy resolves names itself"


def _in_clear_text(settings: Any) -> bool:
    """Whether credentials would be readable on the way; a digest is not, and is made for that."""
    basic = settings.auth_username is not None and not settings.digest
    sent = basic or settings.bearer is not None or carries_credentials(settings.headers)
    return sent and urlsplit(settings.url).scheme == "http" and not settings.allow_plaintext_auth


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
        return jsonlib.dumps(settings.json, ensure_ascii=False).encode()
    return None if settings.body is None else settings.body.encode()


def _auth(settings: Any) -> AuthBase | None:
    if settings.auth_username is None:
        return None
    name, password = settings.auth_username, settings.auth_password.get_secret_value()
    return HTTPDigestAuth(name, password) if settings.digest else HTTPBasicAuth(name.encode(), password.encode())


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
    if len(exchange.hops) > 1:
        raw["hops"] = [
            {"url": hop.url, "status_code": hop.status_code, "address": hop.address, "phases": hop.phases} for hop in exchange.hops
        ]
    return raw


def _failures(settings: Any, exchange: Exchange, raw: dict[str, Any]) -> Iterator[Failure]:
    status, limit = exchange.status_code, settings.max_body_bytes
    if not settings.expected_status.accepts(status):
        expected = str(settings.expected_status)
        location = exchange.headers.get("location")
        where = f" (a redirect to {location})" if location and status // 100 == 3 else ""  # noqa: PLR2004 - 3xx
        text = f"expected status {expected}, got {f'{status} {exchange.reason}'.rstrip()}{where}"
        yield Failure("status_code", expected, status, message=text)
    if exchange.truncated:
        yield Failure("size", f"at most {limit} bytes", f"more than {limit} bytes", message=f"the body is longer than {limit} bytes")
    yield from _header_failures(settings.expected_headers or {}, exchange.headers)
    yield from _body_failures(settings, raw["body"])
    yield from _json_failures(settings.expected_json or {}, raw)
    if raw["certificate"]:
        yield from settings.expiry_failures([raw["certificate"]], "certificate.")
    slow = settings.max_response_time and settings.max_response_time.failure(
        "response_time", exchange.seconds, what="response time", unit=" s"
    )
    if slow:
        yield slow


def _header_failures(expected: dict[str, str | HeaderMatch], headers: dict[str, str]) -> Iterator[Failure]:
    for name, wanted in expected.items():
        actual = headers.get(name.lower())
        if isinstance(wanted, HeaderMatch):
            prose, fine = f"match of /{wanted.matches.pattern}/", bool(actual is not None and wanted.matches.search(actual))
        else:
            prose, fine = shown(wanted), actual == wanted
        if not fine:
            got = "it is missing" if actual is None else f"got {shown(actual)}"
            yield Failure(f"headers.{name.lower()}", prose, actual, message=f"header {name}: expected {prose}, {got}")


def _body_failures(settings: Any, body: str) -> Iterator[Failure]:
    start = excerpt(body, _EXCERPT)
    for text in _list(settings.expected_content):
        if text not in body:
            yield Failure("body", f"contains {shown(text)}", start, message=f"the body does not contain {shown(text)}")
    for text in _list(settings.unexpected_content):
        if text in body:
            yield Failure("body", f"does not contain {shown(text)}", start, message=f"the body contains {shown(text)}")
    pattern = settings.expected_regex
    if pattern and not pattern.search(body):
        yield Failure("body", f"matches /{pattern.pattern}/", start, message=f"the body does not match /{pattern.pattern}/")


def _list(texts: str | list[str] | None) -> list[str]:
    return [texts] if isinstance(texts, str) else texts or []


def _json_failures(expected: dict[Any, Any], raw: dict[str, Any]) -> Iterator[Failure]:
    if expected and "json" not in raw:
        kind = raw["headers"].get("content-type", "no content type")
        yield Failure("json", "a JSON body", excerpt(raw["body"], _EXCERPT), message=f"the body is not JSON ({kind})")
        return
    for path, wanted in expected.items():
        place, found = f"json.{path}", path.select(raw["json"])
        if not found:
            yield Failure(place, shown(wanted), None, message=f"{place}: expected {shown(wanted)}, but there is no such value")
        for _, actual in found:
            if not same(actual, wanted):
                yield Failure(place, shown(wanted), actual, message=f"{place}: expected {shown(wanted)}, got {shown(actual)}")
