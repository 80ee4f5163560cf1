"""SASL as mail servers offer it, for a password or an access token: one exchange, one attempt."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from monitorpy.utils.masking import excerpt

Mechanism: TypeAlias = Literal["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"]
Step: TypeAlias = Callable[[bytes], bytes]

PASSWORDS: tuple[Mechanism, ...] = ("PLAIN", "LOGIN", "CRAM-MD5")
"""PLAIN first: every server with a hashed password store has it, and the connection is encrypted."""

TOKENS: tuple[Mechanism, ...] = ("XOAUTH2", "OAUTHBEARER")
"""Google and Microsoft document the first; the second is its standard (RFC 7628), which not all of them have."""

CLIENT_FIRST = {"PLAIN", "XOAUTH2", "OAUTHBEARER"}


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in: with a password or, where ``token``, an OAuth 2.0 access token. ``mechanism`` is the only one to use."""

    username: str
    secret: str = field(repr=False)
    token: bool = False
    mechanism: Mechanism | None = None

    @property
    def usable(self) -> tuple[Mechanism, ...]:
        """The mechanisms that would do, the best one first."""
        if self.mechanism:
            return (self.mechanism,)
        return TOKENS if self.token else PASSWORDS

    @property
    def takes_commands(self) -> bool:
        """Whether the protocol's own way (LOGIN, USER and PASS) would do, too."""
        return not self.token and self.mechanism is None

    def travelling_forms(self) -> set[str]:
        """The texts by which the secret travels, as a server might echo them; the secret's own encoding is known to every Masker."""
        return {encode(_steps(name, self)[0](b"")) for name in (TOKENS if self.token else PASSWORDS) if name in CLIENT_FIRST}


class Exchange:
    """The client's side of one login, in base64 as it travels."""

    def __init__(self, mechanism: Mechanism, login: Login) -> None:
        self._mechanism = mechanism
        self._steps = _steps(mechanism, login)
        self._error = ""

    def opening(self, room: int) -> str:
        """The mechanism, and the first response with it where that comes from the client and has at most ``room`` characters."""
        if self._mechanism in CLIENT_FIRST and len(first := encode(self._steps[0](b""))) <= room:
            del self._steps[0]
            return f"{self._mechanism} {first}"
        return self._mechanism

    def respond(self, challenge: str) -> str | None:
        """The answer to a challenge; None when there is nothing left to say.

        A refused token comes as a challenge that holds the reason in JSON. It wants an answer without content, and the refusal
        itself follows (RFC 7628, 3.2.3; an empty line for XOAUTH2, as Google and Microsoft have it).
        """
        if self._steps:
            return encode(self._steps.pop(0)(decode(challenge)))
        if self._mechanism in TOKENS and not self._error:
            self._error = f"the server's reason: {_reason(decode(challenge))}"
            return encode(b"\1") if self._mechanism == "OAUTHBEARER" else ""
        return None

    def verdict(self, reply: str, *, good: bool) -> str | None:
        """None if the login succeeded, else the refusal. A consent to what was not said yet, or was refused already, is none."""
        if good and self._steps:
            return f"{reply} (before it saw the {'token' if self._mechanism in TOKENS else 'password'})"
        if self._error:
            return f"{reply} ({self._error})"
        return None if good else reply


def choose(offered: Iterable[str], among: Iterable[Mechanism]) -> Mechanism | None:
    """The first mechanism that is offered (in any case); None if there is none."""
    upper = {name.upper() for name in offered}
    return next((name for name in among if name in upper), None)


def _steps(mechanism: Mechanism, login: Login) -> list[Step]:
    """What to answer to each challenge of the server, in order (RFC 4616, RFC 2195, draft-murchison-sasl-login, RFC 7628)."""
    user, secret = login.username.encode(), login.secret.encode()
    if mechanism == "PLAIN":
        return [lambda _: b"\0" + user + b"\0" + secret]
    if mechanism == "LOGIN":
        return [lambda _: user, lambda _: secret]
    if mechanism == "XOAUTH2":
        return [lambda _: b"user=" + user + b"\1auth=Bearer " + secret + b"\1\1"]
    if mechanism == "OAUTHBEARER":
        escaped = user.replace(b"=", b"=3D").replace(b",", b"=2C")  # RFC 5801, 4: saslname
        return [lambda _: b"n,a=" + escaped + b",\1auth=Bearer " + secret + b"\1\1"]
    return [lambda challenge: user + b" " + hmac.new(secret, challenge, "md5").hexdigest().encode()]


def _reason(challenge: bytes) -> str:
    """The status in the JSON of a refused token: "401", "invalid_token"; bounded, as it comes from a peer."""
    try:
        told = json.loads(challenge)
    except (ValueError, RecursionError):
        return "none that can be read"
    status = told.get("status") if isinstance(told, dict) else None
    return f"status {excerpt(repr(status), 60)}" if isinstance(status, str | int) else "no status"


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def decode(text: str) -> bytes:
    """A challenge; empty where it is not base64 (LOGIN's prompts are ignored anyway, CRAM-MD5 then fails at the server)."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
