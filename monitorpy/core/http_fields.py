"""Field types for what HTTP is made of: URLs, methods, headers. Importing this module imports pydantic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, SecretStr, WithJsonSchema, model_validator

from monitorpy.core.fields import RegexField, ThresholdField
from monitorpy.core.json_schema import JsonSchema
from monitorpy.core.plugin_config import ConfigSection
from monitorpy.core.tls_options import Text

PROXIES = ("http", "socks5", "socks5h")
"""Schemes of proxies; those of net.proxy, which need not be imported to read a config."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_EXAMPLES = {"http": "https://example.org/", "ws": "wss://example.org/", "socks5": "socks5://127.0.0.1:1080"}
CREDENTIAL_HEADERS = frozenset({"authorization", "cookie"})


def url_of(*schemes: str, credentials: str = "auth_username and auth_password") -> Callable[[str], str]:
    """A validator of URLs with these schemes, a host and no credentials; ``credentials`` names the keys that take those."""

    def check(value: str) -> str:
        if not value.isprintable() or " " in value:
            raise ValueError("must be a URL without spaces and control characters")
        try:
            url = urlsplit(value)
            port = url.port
        except ValueError as wrong:
            raise ValueError(f"is not a URL: {wrong}") from None
        if "@" in url.netloc:
            raise ValueError(f"must not carry credentials: use {credentials}")
        if url.scheme not in schemes or not url.hostname or port == 0:
            example = next((text for scheme, text in _EXAMPLES.items() if scheme in schemes), f"{schemes[0]}://example.org/")
            raise ValueError(f"must be a URL such as {example}, not {value!r}")
        return value

    return check


def _proxy(value: str) -> str:
    scheme, slashes, rest = value.partition("://")
    if scheme not in PROXIES:
        shown = repr(scheme) if slashes else "a text without a scheme"
        raise ValueError(f"must be a URL such as http://127.0.0.1:3128 or socks5h://127.0.0.1:1080, not {shown}")
    url = urlsplit(url_of(*PROXIES)(f"{scheme}://{rest.rpartition('@')[2]}"))
    if "@" in rest and not re.fullmatch(r"[^:@/]+:[^:@/]+", rest.rpartition("@")[0]):
        raise ValueError("must have both a user name and a password before the @, special characters as %XX")
    if url.path.strip("/") or url.query or url.fragment:
        raise ValueError("must have a host and a port only")
    return value


def _method(value: str) -> str:
    if not _TOKEN.fullmatch(value) or value.upper() == "CONNECT":
        raise ValueError(f"must be an HTTP method such as GET or POST, not {value!r}")
    return value.upper()


def _name(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"{value!r} is not a header name")
    return value


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        _name(name)
        if "\r" in text or "\n" in text or "\0" in text or text != text.strip():
            raise ValueError(f"the value of {name} must not have line ends, nor spaces around it")
        if not all(ord(character) < 256 for character in text):  # noqa: PLR2004 - latin-1
            raise ValueError(f"the value of {name} has characters that a header cannot carry")
    return value


UrlField = Annotated[Text, AfterValidator(url_of("http", "https"))]
"""An http:// or https:// URL without credentials."""

ProxyField = Annotated[Text, AfterValidator(_proxy)]
"""The URL of a proxy; credentials may stand in it."""

MethodField = Annotated[Text, AfterValidator(_method)]
"""A method of RFC 9110, in capitals."""

HeaderName = Annotated[Text, AfterValidator(_name)]
"""The name of a header."""

HeadersField = Annotated[dict[str, str], AfterValidator(_headers)]
"""Headers to send, name to value."""

Texts = Text | Annotated[list[Text], Field(min_length=1)]
"""A text, or a list of texts that is not empty."""


JsonSchemaField = Annotated[
    JsonSchema, PlainValidator(JsonSchema.parse), WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "string", "minLength": 1}]})
]
"""A JSON Schema, or the path of a JSON file with one."""


class TextMatch(ConfigSection):
    """A text in which a regular expression must find something."""

    matches: RegexField = Field(description="Regular expression to find in it.")


class PhaseLimits(ConfigSection):
    """Seconds that each phase may take, summed over redirects: a number (error above it), a range, or {warning, error}."""

    dns: ThresholdField | None = Field(None, description="Seconds to resolve names.")
    connect: ThresholdField | None = Field(None, description="Seconds to connect, the way through a proxy included.")
    tls: ThresholdField | None = Field(None, description="Seconds for TLS handshakes.")
    first_byte: ThresholdField | None = Field(None, description="Seconds from the request to the first byte of the answer.")
    transfer: ThresholdField | None = Field(None, description="Seconds from the first byte to the end of the answer.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"must have one of {', '.join(type(self).model_fields)}")
        if empty := sorted(name for name in self.model_fields_set if getattr(self, name) is None):
            raise ValueError(f"has no limit for {' and '.join(empty)}")
        return self


class OAuth2Options(ConfigSection):
    """Client credentials, for which a token is asked before the check."""

    token_url: Annotated[Text, AfterValidator(url_of("http", "https", credentials="client_id and client_secret"))] = Field(
        description="https:// URL to ask for the token."
    )
    client_id: Text = Field(description="Who asks.")
    client_secret: SecretStr = Field(description="The secret of who asks.")
    scope: Text | None = Field(None, description="Scopes to ask for, separated by spaces.")
    audience: Text | None = Field(None, description="For whom the token is to be, where the server wants to know.")
    auth_style: Literal["basic", "body"] = Field("basic", description="Send id and secret as basic authentication, or in the body.")


def carries_credentials(headers: Iterable[str]) -> bool:
    """Whether one of these headers, by its name, is there to tell who asks."""
    return not CREDENTIAL_HEADERS.isdisjoint(map(str.lower, headers))
