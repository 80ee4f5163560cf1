"""What a certificate says, in plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509


def describe(der: bytes) -> dict[str, Any]:
    """The certificate in DER as plain values.

    Keys: subject, issuer (RFC 4514), sans (names and addresses), serial_number (hexadecimal), not_before, not_after
    (ISO 8601 UTC), days_remaining (from now, negative once expired), lifetime_days, fingerprint_sha256 (hexadecimal),
    key_type, key_bits (None where a type has one size only), signature_algorithm. Raises ValueError for what is no certificate.
    """
    facts, ends = _facts(der)
    left = (ends - datetime.now(UTC)).total_seconds() / 86400
    return {**facts, "sans": list(facts["sans"]), "days_remaining": left}


@lru_cache(maxsize=1024)  # a server sends the same one to every check
def _facts(der: bytes) -> tuple[dict[str, Any], datetime]:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    certificate = x509.load_der_x509_certificate(der)
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    key_type, bits = _key(certificate)
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "sans": _sans(certificate),
        "serial_number": f"{certificate.serial_number:x}",
        "not_before": _iso(begins),
        "not_after": _iso(ends),
        "days_remaining": 0.0,  # keeps its place; set by describe
        "lifetime_days": (ends - begins).total_seconds() / 86400,
        "fingerprint_sha256": certificate.fingerprint(SHA256()).hex(),
        "key_type": key_type,
        "key_bits": bits,
        "signature_algorithm": _signature(certificate),
    }, ends


def _sans(certificate: x509.Certificate) -> list[str]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):  # ValueError: extensions that do not parse
        return []
    kinds = x509.DNSName | x509.IPAddress | x509.RFC822Name | x509.UniformResourceIdentifier
    return [str(name.value) for name in names if isinstance(name, kinds)]


def _key(certificate: x509.Certificate) -> tuple[str, int | None]:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return "unknown", None
    kind = type(key).__name__.removeprefix("_").removesuffix("PublicKey")
    return {"EllipticCurve": "EC"}.get(kind, kind), getattr(key, "key_size", None)


def _signature(certificate: x509.Certificate) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        digest = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return certificate.signature_algorithm_oid.dotted_string
    name = certificate.signature_algorithm_oid._name  # noqa: SLF001 - the only name there is: "sha256WithRSAEncryption", "ed25519"
    return name if name != "Unknown OID" else digest.name if digest else certificate.signature_algorithm_oid.dotted_string


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
