"""Options that tell a web server, or the proxy before it, who asks. Importing this module imports pydantic and requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr
from requests.auth import AuthBase, HTTPBasicAuth

from monitorpy.core.http_fields import OAuth2Options, ProxyField, carries_credentials
from monitorpy.core.plugin_config import PluginConfig
from monitorpy.core.tls_options import Text
from monitorpy.net.http_auth import DigestAuth
from monitorpy.net.http_redirect import is_private
from monitorpy.net.http_wire import basic
from monitorpy.net.oauth2 import ClientCredentials
from monitorpy.net.proxy import Proxy

_LONG_ENOUGH = 8
"""Characters of a token in a header."""
_SOCKS_TEXT = 255
"""Bytes of a user name or password in SOCKS."""


class CredentialOptions(PluginConfig):
    """Who asks, and through which proxy."""

    auth_username: Text | None = Field(None, description="User name for basic authentication.")
    auth_password: SecretStr | None = Field(None, description="Password for basic authentication.")
    digest: bool = Field(default=False, description="Use digest instead of basic authentication.")
    bearer: SecretStr | None = Field(None, description="Token to send as Authorization: Bearer.")
    oauth2: OAuth2Options | None = Field(
        None, description="Ask for a token first (client credentials): {token_url, client_id, client_secret, ...}."
    )
    allow_plaintext_auth: bool = Field(default=False, description="Send credentials unencrypted too, readable on the way.")
    proxy: ProxyField | None = Field(
        None,
        description="URL of a proxy: http://, socks5:// (names are resolved here) or socks5h:// (at the proxy), "
        "with user:password@ if it wants them. Environment variables are not read.",
    )
    proxy_username: Text | None = Field(None, description="User name for the proxy.")
    proxy_password: SecretStr | None = Field(None, description="Password for the proxy.")

    def credential_mistakes(self, headers: Mapping[str, str]) -> Iterator[str]:
        """What of this would not count in a request with these headers."""
        names = {name.lower() for name in headers}
        for first, second in (("auth_username", "auth_password"), ("proxy_username", "proxy_password")):
            if (getattr(self, first) is None) != (getattr(self, second) is None):
                yield f"{first} and {second} need each other"
        if self.digest and self.auth_username is None:
            yield "digest needs auth_username and auth_password"
        if not self.digest and ":" in (self.auth_username or ""):
            yield "auth_username must not have a colon: basic authentication has one before the password"
        ways = (self.auth_username, self.bearer, self.oauth2)
        if sum(way is not None for way in ways) + ("authorization" in names) > 1:
            yield "auth_username, bearer, oauth2 and an Authorization header exclude one another"
        if self.bearer is not None and not re.fullmatch(r"[!-~]+", self.bearer.get_secret_value()):
            yield "bearer must be a token of printable ASCII characters"
        if "proxy-authorization" in names:
            yield "a Proxy-Authorization header would reach the target: use proxy_username and proxy_password"
        yield from self._proxy_mistakes()

    def clear_text(self, url: str, headers: Mapping[str, str]) -> str | None:
        """Why a request with these headers for that URL must not be sent: credentials would be readable on the way.

        A digest is not, and is made for that. A proxy is spoken to in no other way: to give its password is to say that this is fine.
        """
        sent = self.bearer or self.oauth2 or (self.auth_username and not self.digest) or carries_credentials(headers)
        what = "credentials" if sent and urlsplit(url).scheme == "http" else None
        if what is None and self.oauth2 and urlsplit(self.oauth2.token_url).scheme == "http":
            what = "oauth2.client_secret"
        if what is None or self.allow_plaintext_auth:
            return None
        return f"{what} would be sent in clear text: use https, or set allow_plaintext_auth: true"

    def _proxy_mistakes(self) -> Iterator[str]:
        if (self.proxy_username or self.proxy_password) and self.proxy is None:
            yield "proxy_username and proxy_password need a proxy"
        elif self.proxy_username and "@" in (self.proxy or ""):
            yield "proxy_username and the user name in proxy exclude one another"
        if (account := self._proxy_account()) and self.proxy is not None:
            if self.proxy.startswith("http:") and ":" in account[0]:
                yield "proxy_username must not have a colon: basic authentication has one before the password"
            elif self.proxy.startswith("socks") and max(len(text.encode()) for text in account) > _SOCKS_TEXT:
                yield f"SOCKS takes no more than {_SOCKS_TEXT} bytes of proxy_username and proxy_password"

    def _proxy_account(self) -> tuple[str, str] | None:
        """User name and password for the proxy."""
        if self.proxy_username is not None:
            return self.proxy_username, _value(self.proxy_password)
        before, at, _ = (self.proxy or "").partition("://")[2].rpartition("@")
        name, _, password = before.partition(":")
        return (unquote(name), unquote(password)) if at else None

    def encoded_secrets(self) -> Iterator[str]:
        """What is sent as basic authentication travels as base64 of both: a server may echo it. A password in a URL is one, too."""
        headers = []
        if self.auth_username is not None:
            headers.append(basic(self.auth_username, _value(self.auth_password)))
        if account := self._proxy_account():
            headers.append(basic(*account))
            yield account[1]
        if credentials := self.client_credentials():
            headers.append(credentials.authorization)
        yield from (header.removeprefix("Basic ") for header in headers)

    def authentication(self) -> AuthBase | None:
        """For `fetch`: basic or digest; a token is a header."""
        if self.auth_username is None:
            return None
        name, password = self.auth_username, _value(self.auth_password)
        return DigestAuth(name, password) if self.digest else HTTPBasicAuth(name.encode(), password.encode())

    def client_credentials(self) -> ClientCredentials | None:
        """For OAuth 2."""
        if self.oauth2 is None:
            return None
        given: dict[str, Any] = {name: getattr(self.oauth2, name) for name in ("token_url", "client_id", "scope", "audience")}
        return ClientCredentials(**given, client_secret=_value(self.oauth2.client_secret), in_body=self.oauth2.auth_style == "body")

    def proxy_server(self) -> Proxy | None:
        """For `HttpOptions`."""
        return Proxy.parse(self.proxy, *(self._proxy_account() or ())) if self.proxy else None


def header_secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """The tokens in headers that sound private: a server may echo them. Each without scheme or name; a short one may be any word."""
    for name, value in headers.items():
        if is_private(name):
            cookies = [pair.partition("=")[2] for pair in value.split("; ")] if name.lower() == "cookie" else []
            yield from (token for token in cookies or [value.rpartition(" ")[2]] if len(token) >= _LONG_ENOUGH)


def _value(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
