"""OAuth 2 client credentials (RFC 6749, 4.4): a token for the check itself. Importing this module imports requests."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_plus, urlencode

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.http import Exchange, HttpOptions, fetch
from monitorpy.net.http_text import decode, parse_json
from monitorpy.net.http_wire import basic
from monitorpy.utils.masking import excerpt

_LIMIT = 64_000
"""Bytes of a token answer."""
_OK = 200
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Who asks for a token, where and for what; ``in_body`` sends id and secret as fields of the form, not as basic authentication."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None
    audience: str | None = None
    in_body: bool = False

    @property
    def authorization(self) -> str:
        """The header of basic authentication; both parts are form-encoded before (RFC 6749, 2.3.1)."""
        return basic(quote_plus(self.client_id), quote_plus(self.client_secret))

    def fetch_token(self, deadline: Deadline, options: HttpOptions) -> tuple[str, Exchange]:
        """The access token, and the exchange in which it came; never from a cache, as the check vouches for the token server too.

        Raises NetError that says that it was the token request.
        """
        form = {"grant_type": "client_credentials", "scope": self.scope, "audience": self.audience}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self.in_body:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        else:
            headers["Authorization"] = self.authorization
        body = urlencode({name: value for name, value in form.items() if value is not None}).encode()
        options = replace(options, follow_redirects=False, max_body=_LIMIT)
        try:
            exchange = fetch(self.token_url, deadline=deadline, phases={}, method="POST", headers=headers, body=body, options=options)
            return _token(exchange), exchange
        except NetError as error:
            raise NetError(f"the token request to {self.token_url} failed: {error}", **_same(error)) from error


def _same(error: NetError) -> dict[str, Any]:
    return {"phase": error.phase, "kind": error.kind, "fault": error.fault}


def _token(exchange: Exchange) -> str:
    kind = exchange.headers.get("content-type", "")
    answer: Any = parse_json(decode(exchange.body, kind), kind)
    said = answer if isinstance(answer, dict) else {}
    if exchange.status_code != _OK:
        raise _refused(f"{exchange.status_code} {excerpt(exchange.reason, _SHOWN)}".rstrip() + _reason(said))
    if exchange.truncated or not isinstance(answer, dict):
        raise _refused("the answer is no JSON object")
    token, token_type = answer.get("access_token"), answer.get("token_type", "Bearer")
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
        raise _refused(f"the answer has no access_token that could be sent{_reason(said)}")
    if str(token_type).lower() != "bearer":
        raise _refused(f"the token is of type {_shown(str(token_type))}, not Bearer")
    return token


def _reason(said: dict[str, Any]) -> str:
    """``: "invalid_client" ("Client authentication failed")``, as RFC 6749, 5.2 has it."""
    error, description = (said.get(name) for name in ("error", "error_description"))
    if not isinstance(error, str):
        return ""
    return f": {_shown(error)}" + (f" ({_shown(description)})" if isinstance(description, str) else "")


def _shown(text: str) -> str:
    return json.dumps(excerpt(text, _SHOWN), ensure_ascii=False)


def _refused(what: str) -> NetError:
    return NetError(what, phase="transfer", kind="protocol")
