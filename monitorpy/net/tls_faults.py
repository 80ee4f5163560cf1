"""Why a TLS handshake failed, in words: which certificate, by how much, or what the other side said."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import Any

from monitorpy.errors import Fault, NetError

# X509_V_ERR_*, see x509_vfy.h of OpenSSL
NO_ISSUER = {2, 20, 21, 27}
NOT_YET_VALID, EXPIRED, WRONG_SIGNATURE, SELF_SIGNED, UNKNOWN_ROOT = 9, 10, 7, 18, 19
_WRONG_HOST, _WRONG_ADDRESS = 62, 64
_NO_AUTHORITY = "a certificate that is no authority (basic constraints) issued another one"
_TEXTS = {
    WRONG_SIGNATURE: "wrong signature: a certificate is not signed by the issuer that it names",
    SELF_SIGNED: "self-signed certificate",
    UNKNOWN_ROOT: "its chain ends in a root that is not trusted (self-signed certificate in the chain)",
    22: "its chain is too long",
    23: "revoked",
    24: _NO_AUTHORITY,
    25: "path length: an authority issued more levels of certificates than it may",
    26: "unsuitable purpose: it, or an authority of its chain, may not be used for TLS servers (key usage, extended key usage)",
    28: "those who manage the trusted authorities reject it",
    32: "key usage: a certificate that may not sign others issued one",
    34: "critical extension: a certificate demands something that is not understood here",
    47: "name constraints: an authority vouches for names that it may not vouch for (outside of those permitted)",
    48: "name constraints: an authority vouches for names that it may not vouch for (among those excluded)",
    66: "its key is too weak",
    67: "the key of an authority of its chain is too weak",
    68: "an authority of its chain signs with too weak a hash",
    79: _NO_AUTHORITY,
}

_REASONS = {
    "WRONG_VERSION_NUMBER": "{} does not speak TLS here (its answer is no TLS record)",
    "HTTP_REQUEST": "{} does not speak TLS here (it answered in plain HTTP)",
    "RECORD_LAYER_FAILURE": "{} does not speak TLS here (its answer is no TLS record)",  # OpenSSL 3.2 and newer
    "UNSUPPORTED_PROTOCOL": "{} only offers TLS versions that are refused here",
    "TLSV1_ALERT_PROTOCOL_VERSION": "{} refuses the TLS versions offered (no version in common)",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "{} refused the TLS handshake (no cipher in common, no certificate, or it wants a client certificate)",
    "NO_CIPHERS_AVAILABLE": "no cipher is left to offer to {}",
    "TLSV1_UNRECOGNIZED_NAME": "{} does not know the host name that was asked for (SNI)",
    "TLSV1_ALERT_UNRECOGNIZED_NAME": "{} does not know the host name that was asked for (SNI)",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "{} requires a client certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "{} refused the client certificate: unknown issuer",
    "SSLV3_ALERT_BAD_CERTIFICATE": "{} refused the client certificate: bad certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "{} refused the client certificate: expired",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "{} refused the client certificate: it is not made for clients (extended key usage)",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "{} refused the client certificate: revoked",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "{} refused the client certificate",
    "DH_KEY_TOO_SMALL": "{} offers a Diffie-Hellman key that is too small",
    "EE_KEY_TOO_SMALL": "the key in the certificate of {} is too small",
    "CA_MD_TOO_WEAK": "a certificate of {} is signed with too weak a hash",
    "EXCESSIVE_MESSAGE_SIZE": "{} sent more than is allowed in one message of the handshake (100 kB of certificates)",
    "LENGTH_TOO_LONG": "{} sent more than is allowed in one message of the handshake",
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
    code, sent = error.verify_code, _sent(error)
    if code == EXPIRED:
        return _out_of_date(sent, "expired{}", "not_after", " {} ago")
    if code == NOT_YET_VALID:
        return _out_of_date(sent, "not yet valid{}", "not_before", ", begins in {}")
    if code in NO_ISSUER:
        issuer = f" {sent[0]['issuer'][:200]!r}" if sent else ""
        return f"unknown issuer{issuer} (not trusted, or an intermediate certificate is missing)"
    if code in {_WRONG_HOST, _WRONG_ADDRESS}:
        names = ", ".join(sent[0]["sans"]) if sent else ""
        text = error.verify_message.rstrip(".").rpartition("certificate is ")[2]
        return f"wrong host: {text}" + (f" (it is for {names:.200})" if names else "")
    return _TEXTS.get(code) or error.verify_message or str(error)


def _sent(error: ssl.SSLCertVerificationError) -> list[dict[str, Any]]:
    """What the peer sent, the leaf first; nothing if it does not parse: the peer may send anything."""
    from monitorpy.net.certificate import describe

    try:
        return [describe(der) for der in getattr(error, "chain", [])]
    except ValueError:
        return []


def _out_of_date(sent: list[dict[str, Any]], text: str, key: str, span: str) -> str:
    """The sentence about the first certificate that is out of date: OpenSSL does not say which one of the chain is."""
    now = datetime.now(UTC)
    for index, certificate in enumerate(sent):
        if not _moment(certificate["not_before"]) <= now <= _moment(certificate["not_after"]):
            which = f"intermediate certificate {certificate['subject'][:200]!r} " if index else ""
            moment = _moment(certificate[key])
            days = abs((now - moment).total_seconds()) / 86400
            shown = f"{days:.1f} days" if days >= 0.1 else f"{days * 1440:.0f} minutes"  # noqa: PLR2004 - below two hours
            return f"{which}{text.format(span.format(shown))} ({moment:%Y-%m-%d %H:%M} UTC)"
    return f"{text.format('')}{' (a certificate that was not sent, but is trusted here)' if sent else ''}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
