"""The three SASL mechanisms that mail servers offer for a password, one attempt each."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable
from typing import TypeAlias

Step: TypeAlias = Callable[[bytes], bytes]

PREFERRED = ("PLAIN", "LOGIN", "CRAM-MD5")
"""PLAIN first: every server with a hashed password store has it, and the connection is encrypted."""


def choose(offered: Iterable[str], among: Iterable[str] = PREFERRED) -> str | None:
    """The first mechanism that is offered (in any case); None if there is none."""
    upper = {name.upper() for name in offered}
    return next((name for name in among if name in upper), None)


def steps(mechanism: str, username: str, password: str) -> list[Step]:
    """What to answer to each challenge of the server, in order (RFC 4616, RFC 2195, draft-murchison-sasl-login)."""
    user, secret = username.encode(), password.encode()
    if mechanism == "PLAIN":
        return [lambda _: b"\0" + user + b"\0" + secret]
    if mechanism == "LOGIN":
        return [lambda _: user, lambda _: secret]
    return [lambda challenge: user + b" " + hmac.new(secret, challenge, "md5").hexdigest().encode()]


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def decode(text: str) -> bytes:
    """A challenge; empty where it is not base64 (LOGIN's prompts are ignored anyway, CRAM-MD5 then fails at the server)."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
