"""Why a TLS handshake failed, in words: which certificate, by how much, or what the other side said."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import Any

from monitorpy.errors import Fault, NetError

# X509_V_ERR_*, see x509_vfy.h of OpenSSL
_UNKNOWN_ISSUER = {2, 20, 21, 27}
_NOT_YET_VALID, _EXPIRED, _WRONG_HOST, _WRONG_ADDRESS = 9, 10, 62, 64
_TEXTS = {18: "self-signed certificate", 19: "its chain ends in a root that is not trusted (self-signed certificate in the chain)"}

_REASONS = {
    "WRONG_VERSION_NUMBER": "{} does not speak TLS here (its answer is no TLS record)",
    "HTTP_REQUEST": "{} does not speak TLS here (it answered in plain HTTP)",
    "UNSUPPORTED_PROTOCOL": "{} only offers TLS versions that are refused here",
    "TLSV1_ALERT_PROTOCOL_VERSION": "{} refuses the TLS versions offered (no version in common)",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "{} refused the TLS handshake (no cipher in common, or it wants a client certificate)",
    "NO_CIPHERS_AVAILABLE": "no cipher is left to offer to {}",
    "TLSV1_UNRECOGNIZED_NAME": "{} does not know the host name that was asked for (SNI)",
    "TLSV1_ALERT_UNRECOGNIZED_NAME": "{} does not know the host name that was asked for (SNI)",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "{} requires a client certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "{} refused the client certificate: unknown issuer",
    "SSLV3_ALERT_BAD_CERTIFICATE": "{} refused the client certificate: bad certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "{} refused the client certificate: expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "{} refused the client certificate",
    "DH_KEY_TOO_SMALL": "{} offers a Diffie-Hellman key that is too small",
    "EE_KEY_TOO_SMALL": "the key in the certificate of {} is too small",
    "CA_MD_TOO_WEAK": "a certificate of {} is signed with too weak a hash",
    "UNEXPECTED_EOF_WHILE_READING": "{} closed the connection",
}


def tls_error(error: ssl.SSLError, phase: str, peer: str) -> NetError:
    """The NetError for an error of the ssl module. ``error.chain`` (DER, put there by our socket) dates an expired certificate."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return NetError(f"certificate of {peer} is not valid: {verify_text(error)}", phase=phase, kind="tls")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return NetError(f"{peer} closed the connection{' during the TLS handshake' if phase == 'tls' else ''}", phase=phase, kind="reset")
    reason = getattr(error, "reason", None) or ""
    fault: Fault = "environment" if reason == "NO_CIPHERS_AVAILABLE" else "target"
    text = _REASONS.get(reason, f"TLS error from {{}}: {reason.replace('_', ' ').lower() or error}")
    return NetError(text.format(peer), phase=phase, kind="tls", fault=fault)


def verify_text(error: ssl.SSLCertVerificationError) -> str:
    """Why verification failed: ``expired 3.2 days ago (2026-11-20 10:00 UTC)``, ``self-signed certificate``, ..."""
    code, culprit = error.verify_code, _culprit(error)
    if code == _EXPIRED:
        return f"expired{_when(culprit, 'not_after', ' {} ago')}"
    if code == _NOT_YET_VALID:
        return f"not yet valid{_when(culprit, 'not_before', ', begins in {}')}"
    if code in _UNKNOWN_ISSUER:
        issuer = f" {culprit['issuer']!r}" if culprit else ""
        return f"unknown issuer{issuer} (not trusted, or an intermediate certificate is missing)"
    if code in {_WRONG_HOST, _WRONG_ADDRESS}:
        names = ", ".join(culprit["sans"]) if culprit else ""
        text = error.verify_message.rstrip(".").rpartition("certificate is ")[2]
        return f"wrong host: {text}" + (f" (it is for {names:.200})" if names else "")
    return _TEXTS.get(code) or error.verify_message or str(error)


def _culprit(error: ssl.SSLCertVerificationError) -> dict[str, Any] | None:
    """The leaf, or the first certificate out of its dates: OpenSSL says "expired" of any certificate in the chain."""
    from monitorpy.net.certificate import describe

    try:
        found = [describe(der) for der in getattr(error, "chain", [])]
    except ValueError:  # the peer may send anything
        return None
    now = datetime.now(UTC)
    bad = (c for c in found if not _moment(c["not_before"]) <= now <= _moment(c["not_after"]))
    return next(bad, found[0] if found else None)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _when(culprit: dict[str, Any] | None, key: str, text: str) -> str:
    if culprit is None:
        return ""
    moment = _moment(culprit[key])
    days = abs((datetime.now(UTC) - moment).total_seconds()) / 86400
    span = f"{days:.1f} days" if days >= 0.1 else f"{days * 1440:.0f} minutes"  # noqa: PLR2004 - below two hours
    return f"{text.format(span)} ({moment:%Y-%m-%d %H:%M} UTC)"
