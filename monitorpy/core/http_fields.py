"""Field types for what HTTP is made of: URLs, methods, headers. Importing this module imports pydantic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from monitorpy.core.tls_options import Text

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

MethodField = Annotated[Text, AfterValidator(_method)]
"""A method of RFC 9110, in capitals."""

HeaderName = Annotated[Text, AfterValidator(_name)]
"""The name of a header."""

HeadersField = Annotated[dict[str, str], AfterValidator(_headers)]
"""Headers to send, name to value."""

Texts = Text | Annotated[list[Text], Field(min_length=1)]
"""A text, or a list of texts that is not empty."""


def carries_credentials(headers: Iterable[str]) -> bool:
    """Whether one of these headers, by its name, is there to tell who asks."""
    return not CREDENTIAL_HEADERS.isdisjoint(map(str.lower, headers))
