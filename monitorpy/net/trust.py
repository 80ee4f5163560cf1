"""Whether a chain is trusted: asked of OpenSSL by handshakes that verify, and explained from what was sent."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from typing import Self

from monitorpy.errors import NetError
from monitorpy.net.certificate import describe, issued, issuer_url
from monitorpy.net.chain import Flaw, Link, links, quoted, sent_path, validity_flaws
from monitorpy.net.connect import Connection
from monitorpy.net.presented import Presented
from monitorpy.net.tls import TlsSettings, presented_chain, trusted_path
from monitorpy.net.tls_faults import EXPIRED, NO_ISSUER, NOT_YET_VALID, SELF_SIGNED, UNKNOWN_ROOT, WRONG_SIGNATURE, verify_text

Shake = Callable[[str, TlsSettings], AbstractContextManager[Connection]]
"""Makes a connection to that address and does the handshake; raises NetError."""

_TIME = {EXPIRED, NOT_YET_VALID}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``presented`` is what it is about; ``path`` (DER) leads from the leaf to what is trusted, or as far as it is known.

    ``trusted`` tells which of the two; ``flaws`` why not, but for dates that are wrong (`validity_flaws` of the ``chain`` has them).
    """

    presented: Presented
    path: Sequence[bytes]
    trusted: bool = False
    flaws: Sequence[Flaw] = ()

    @property
    def chain(self) -> list[Link]:
        """What was sent and what the path has besides, each in its place."""
        return links(self.presented.chain, [describe(der) for der in self.path])


def unasked(presented: Presented) -> Verdict:
    """The verdict where nobody is to be trusted: what was sent speaks for itself."""
    return Verdict(presented, sent_path(presented.ders))


def ask(presented: Presented, shake: Shake, settings: TlsSettings) -> Verdict:
    """Verify by a second handshake. Raises NetError if that one ends in any other way.

    OpenSSL stops at the first thing that is wrong. Dates are for us to judge: if they are the first, a third handshake finds what else
    is wrong, and which certificates are on the path.
    """
    attempt = _Attempt.by(shake, presented.address, settings)
    sent, problem, path = attempt.sent or presented.ders, attempt.error, attempt.path
    if problem is not None and problem.verify_code in _TIME:
        with suppress(NetError):  # the verdict stands without it
            again = _Attempt.by(shake, presented.address, replace(settings, check_dates=False))
            problem, path = again.error or problem, again.path
    shown = presented if sent == presented.ders else presented.with_chain(sent)
    verdict = Verdict(shown, path or sent_path(sent), trusted=problem is None, flaws=list(_changed(presented, shown)))
    if problem is None or (problem.verify_code in _TIME and any(flaw.severity == "error" for flaw in validity_flaws(verdict.chain))):
        return verdict
    return replace(verdict, flaws=[trust_flaw(problem, sent), *verdict.flaws])


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A handshake that verifies: what was sent (DER), and the path to what is trusted (see `trusted_path`) or the error."""

    sent: list[bytes]
    path: list[bytes] | None
    error: ssl.SSLCertVerificationError | None

    @classmethod
    def by(cls, shake: Shake, address: str, settings: TlsSettings) -> Self:
        try:
            with shake(address, settings) as connection:
                assert connection.tls is not None  # the handshake is over
                return cls(presented_chain(connection.tls), trusted_path(connection.tls, settings), None)
        except NetError as broken:
            if isinstance(error := broken.__cause__, ssl.SSLCertVerificationError):
                return cls(getattr(error, "chain", []), None, error)
            raise


def trust_flaw(error: ssl.SSLCertVerificationError, sent: Sequence[bytes]) -> Flaw:
    """What verification found first; ``sent`` is in DER, the leaf first."""
    return Flaw("verified", "true", False, _distrust(error, sent))  # noqa: FBT003 - it is the value observed


def _changed(first: Presented, then: Presented) -> Iterator[Flaw]:
    """A server that shows one certificate now and another one then: what is judged is the second."""
    if first is not then:
        old, new = (presented.chain[0]["fingerprint_sha256"] for presented in (first, then))
        what = f"one certificate ({old}) and then another ({new})" if old != new else "one chain and then another"
        text = f"the server presented {what}: not all that answer at {first.address}:{first.port} are alike"
        yield Flaw("chain", "the same at each connection", new, text, "warning")


def _distrust(error: ssl.SSLCertVerificationError, sent: Sequence[bytes]) -> str:
    code, path = error.verify_code, sent_path(sent)
    end = describe(path[-1])
    if code == SELF_SIGNED:
        return f"self-signed certificate {quoted(end['subject'])}: nobody that is trusted here vouches for it"
    if code == UNKNOWN_ROOT:
        return f"unknown issuer: the chain ends in {quoted(end['issuer'])}, which is not trusted here"
    if code in NO_ISSUER and not _has_impostor(path[-1], sent):
        return _no_issuer(path)
    if code in NO_ISSUER or code == WRONG_SIGNATURE:
        subject, issuer = quoted(end["subject"]), quoted(end["issuer"])
        return f"wrong signature: {subject} is not signed by the {issuer} that it names as its issuer, but by another key"
    subjects = " <- ".join(quoted(describe(der)["subject"]) for der in path)
    return f"the chain is not trusted: {verify_text(error)} (sent: {subjects})"


def _no_issuer(path: Sequence[bytes]) -> str:
    issuer, url = quoted(describe(path[-1])["issuer"]), issuer_url(path[-1])
    if url and len(path) == 1:  # hardly ever does a root sign for a server itself
        return f"missing intermediate: the server did not send the certificate of {issuer} (it is at {url})"
    hint = f", which would be at {url}" if url else ""
    return f"unknown issuer {issuer}: neither trusted here nor sent by the server (a missing intermediate or unknown authority{hint})"


def _has_impostor(der: bytes, sent: Sequence[bytes]) -> bool:
    """Whether the server sent a certificate of the issuer's name that is not the issuer's."""
    wanted = describe(der)["issuer"]
    return any(describe(other)["subject"] == wanted and not issued(der, other) for other in sent if other != der)
