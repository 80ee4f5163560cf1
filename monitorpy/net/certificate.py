"""What a certificate says, in plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from monitorpy.net.hostnames import address

if TYPE_CHECKING:
    from cryptography import x509


_LONGEST = 500
"""Characters of a URL that is shown; a host name has 253 at most."""


def describe(der: bytes) -> dict[str, Any]:
    """The certificate in DER as plain values.

    Keys: subject, issuer (RFC 4514), sans (names and addresses; what is neither has its kind in front: ``URI:``, ``email:``, and
    ``DNS:`` for an address that is named as if it were a host), serial_number (hexadecimal), not_before, not_after
    (ISO 8601 UTC), days_remaining (from now, negative once expired), lifetime_days, fingerprint_sha256 (hexadecimal),
    key_type, key_bits (None where a type has one size only), signature_algorithm. Raises ValueError for what is no certificate.
    """
    facts, ends = _facts(der)
    left = (ends - datetime.now(UTC)).total_seconds() / 86400
    return {**facts, "sans": list(facts["sans"]), "days_remaining": left}


@lru_cache(maxsize=1024)  # signatures take time, the more so where a peer wants them to
def issued(der: bytes, issuer: bytes) -> bool:
    """Whether a certificate is by that issuer: it names it, and is signed by it (names alone decide where a signature is unknown)."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    certificate, above = _parsed(der), _parsed(issuer)
    if certificate.issuer != above.subject:
        return False
    try:
        certificate.verify_directly_issued_by(above)
    except InvalidSignature:
        return False
    except UnsupportedAlgorithm:  # of the issuer's key
        return True
    except ValueError as error:  # also a key of another kind than the signature's
        return "Unsupported signature algorithm" in str(error)  # SHA-1, for one
    return True


def issuer_url(der: bytes) -> str | None:
    """Where the certificate says that its issuer's can be had (Authority Information Access, RFC 5280, 4.2.2.1)."""
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    try:
        access = _parsed(der).extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    places = (str(a.access_location.value) for a in access if a.access_method == AuthorityInformationAccessOID.CA_ISSUERS)
    return next(filter(_harmless, places), None)


@lru_cache(maxsize=1024)  # a server sends the same one to every check
def _facts(der: bytes) -> tuple[dict[str, Any], datetime]:
    from cryptography.hazmat.primitives.hashes import SHA256

    certificate = _parsed(der)
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


def _parsed(der: bytes) -> x509.Certificate:
    from cryptography import x509

    return x509.load_der_x509_certificate(der)


def _sans(certificate: x509.Certificate) -> list[str]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):  # ValueError: extensions that do not parse
        return []
    return [text if _harmless(text) else ascii(text)[1:-1] for name in names if (text := _told_apart(name))]


def _harmless(text: str) -> bool:
    """Whether it may be shown as it is: it has no control characters, and fits into a message."""
    return text.isprintable() and len(text) <= _LONGEST


def _told_apart(name: x509.GeneralName) -> str | None:
    """A host name that reads as an address is no address, and must not be taken for one."""
    from cryptography import x509

    match name:
        case x509.DNSName():
            return f"DNS:{name.value}" if address(name.value) else name.value
        case x509.IPAddress():
            return str(name.value)
        case x509.RFC822Name():
            return f"email:{name.value}"
        case x509.UniformResourceIdentifier():
            return f"URI:{name.value}"
    return None


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
