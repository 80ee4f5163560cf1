"""What is wrong with certificates that a server presented: judged one by one, after the handshake, from what `describe` says."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from monitorpy.net.tls_faults import verify_text

Certificate = Mapping[str, Any]

MIN_BITS = {"RSA": 2048, "DSA": 2048, "EC": 224}
"""Bits below which a key is weak (NIST SP 800-57: 112 bits of security)."""
WEAK_HASHES = {"md2", "md4", "md5", "sha1"}

_HASH = re.compile(r"md\d|sha\d+")  # in sha1WithRSAEncryption, ecdsa-with-SHA1

# X509_V_ERR_* of OpenSSL
_TIME = {9, 10}
_WRONG_SIGNATURE, _SELF_SIGNED, _UNKNOWN_ROOT = 7, 18, 19
_NO_ISSUER = {2, 20, 21}


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong: where in the observation it shows ("chain[1].key_bits"), what is expected, what is there, and a sentence."""

    path: str
    expected: str
    actual: Any
    text: str


def validity_flaws(chain: Sequence[Certificate]) -> Iterator[Flaw]:
    """Every certificate that has expired or is not valid yet, and by how much."""
    now = datetime.now(UTC)
    for index, certificate in enumerate(chain):
        begins, ends = _moment(certificate["not_before"]), _moment(certificate["not_after"])
        if now >= ends:
            text = f"{name(chain, index)} expired {days((now - ends).total_seconds() / 86400)} ago ({stamp(certificate['not_after'])})"
            yield Flaw(place(index, "days_remaining"), "> 0", certificate["days_remaining"], text)
        elif now < begins:
            left = days((begins - now).total_seconds() / 86400)
            text = f"{name(chain, index)} is not valid yet: it begins in {left} ({stamp(certificate['not_before'])})"
            yield Flaw(place(index, "not_before"), "in the past", certificate["not_before"], text)


def strength_flaws(chain: Sequence[Certificate]) -> Iterator[Flaw]:
    """Every key that is too short and every signature by a broken hash; that of a root signs nothing that counts."""
    for index, certificate in enumerate(chain):
        bits, least = certificate["key_bits"], MIN_BITS.get(certificate["key_type"])
        if bits is not None and least is not None and bits < least:
            text = f"{name(chain, index)} has a weak key: {certificate['key_type']} with {bits} bits, expected at least {least}"
            yield Flaw(place(index, "key_bits"), f">= {least}", bits, text)
        algorithm = certificate["signature_algorithm"]
        root = index > 0 and certificate["subject"] == certificate["issuer"]
        if not root and WEAK_HASHES.intersection(_HASH.findall(algorithm.lower().replace("-", ""))):
            text = f"{name(chain, index)} has a weak signature: {algorithm}"
            yield Flaw(place(index, "signature_algorithm"), "SHA-256 or better", algorithm, text)


def host_flaw(leaf: Certificate, host: str) -> Flaw | None:
    """The certificate is for other names than the host; it says for which."""
    if covers(leaf["sans"], host):
        return None
    names = ", ".join(leaf["sans"])
    text = (
        f"wrong host: the certificate is not for {host} but for {names:.300}"
        if names
        else f"wrong host: the certificate names no host, so not {host}"
    )
    return Flaw("sans", f"a name for {host}", leaf["sans"], text)


def covers(sans: Iterable[str], host: str) -> bool:
    """Whether one of the names is that host or address (RFC 9525: a ``*`` stands for exactly the first label)."""
    try:
        wanted = ip_address(host)
    except ValueError:
        return any(_is_host(san, _ascii(host)) for san in sans)
    return any(_same_address(san, wanted) for san in sans)


def trust_flaw(error: ssl.SSLCertVerificationError, chain: Sequence[Certificate], issuer_urls: Sequence[str | None]) -> Flaw | None:
    """Why the system, or the CA file, does not trust the chain; None if only its dates are wrong, which `validity_flaws` has.

    ``issuer_urls`` has, for each certificate, where its issuer's can be had (see `issuer_url`).
    """
    if error.verify_code in _TIME and any(validity_flaws(chain)):
        return None
    return Flaw("verified", "true", False, _distrust(error, chain, issuer_urls))  # noqa: FBT003 - it is the value observed


def _distrust(error: ssl.SSLCertVerificationError, chain: Sequence[Certificate], issuer_urls: Sequence[str | None]) -> str:
    code = error.verify_code
    if code == _SELF_SIGNED:
        return f"self-signed certificate {chain[0]['subject']!r}: nobody that is trusted here vouches for it"
    if code == _UNKNOWN_ROOT:
        return f"unknown issuer: the chain ends in {_end(chain)[1]['issuer']!r}, which is not trusted here"
    if code in _NO_ISSUER:
        index, end = _end(chain)
        if url := issuer_urls[index]:
            return f"an intermediate certificate is missing: the server did not send that of {end['issuer']!r} (it is at {url})"
        return (
            f"unknown issuer {end['issuer']!r}: neither trusted here nor sent by the server (a missing intermediate or unknown authority)"
        )
    if code == _WRONG_SIGNATURE:
        return "a certificate of the chain is not signed by the issuer that it names (wrong signature)"
    return f"the chain is not trusted: {verify_text(error)}"


def issuer_url(der: bytes) -> str | None:
    """Where the certificate says that its issuer's can be had (Authority Information Access, RFC 5280, 4.2.2.1)."""
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    try:
        access = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    places = (str(a.access_location.value) for a in access if a.access_method == AuthorityInformationAccessOID.CA_ISSUERS)
    return next(places, None)


def name(chain: Sequence[Certificate], index: int) -> str:
    """What to call a certificate of the chain in a sentence."""
    return "certificate" if index == 0 else f"certificate {chain[index]['subject']!r} (number {index + 1} of {len(chain)} sent)"


def place(index: int, key: str) -> str:
    """Where in an observation the key of a certificate is."""
    return key if index == 0 and key in {"days_remaining", "not_before"} else f"chain[{index}].{key}"


def days(value: float, unlike: float | None = None) -> str:
    """A span: ``12.3 days``, ``5.2 hours``, ``31 minutes``; with more decimals where it would read as the span it is ``unlike``."""
    if value < 1 / 24:
        return f"{value * 1440:.0f} minutes"
    if value < 1:
        return f"{value * 24:.1f} hours"
    digits = next((n for n in (1, 2, 3) if unlike is None or round(value, n) != unlike), 6)
    return f"{value:.{digits}f} days"


def stamp(moment: str) -> str:
    """An ISO 8601 moment as people read it, in UTC."""
    return f"{_moment(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _end(chain: Sequence[Certificate]) -> tuple[int, Certificate]:
    """The last certificate that the path from the leaf reaches among those that were sent."""
    index, seen = 0, {0}
    while True:
        following = next((i for i, c in enumerate(chain) if i not in seen and c["subject"] == chain[index]["issuer"]), None)
        if following is None:
            return index, chain[index]
        index = following
        seen.add(index)


def _ascii(host: str) -> str:
    with contextlib.suppress(UnicodeError):  # what cannot be encoded matches nothing
        host = host if host.isascii() else host.encode("idna").decode()
    return host.lower().removesuffix(".")


def _is_host(san: str, host: str) -> bool:
    san = san.lower().removesuffix(".")
    if san.startswith("*."):
        return san.count(".") > 1 and host.partition(".")[2] == san[2:] and not host.startswith(".")
    return san == host


def _same_address(san: str, wanted: Any) -> bool:
    try:
        return bool(ip_address(san) == wanted)
    except ValueError:
        return False
