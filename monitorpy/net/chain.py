"""What is wrong with certificates: judged one by one, after the handshake, from what `describe` says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from monitorpy.net.certificate import describe, issued
from monitorpy.net.hostnames import address, common_name, covers

Certificate = Mapping[str, Any]

MIN_BITS = {"RSA": 2048, "DSA": 2048, "EC": 224}
"""Bits below which a key is weak (NIST SP 800-57: 112 bits of security)."""
WEAK_HASHES = {"md2", "md4", "md5", "sha1"}

_HASH = re.compile(r"md\d|sha\d+")  # in sha1WithRSAEncryption, ecdsa-with-SHA1
_LONGEST_PATH = 20
"""Certificates among which a path is looked for: a server may send hundreds, and each signature takes time."""
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong: where in the observation it shows ("chain[1].key_bits"), what is expected, what is there, and a sentence."""

    path: str
    expected: str
    actual: Any
    text: str
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True)
class Link:
    """A certificate in its place.

    ``part`` is what it is for: the "leaf", an "intermediate" or "root" of the path from the leaf to a trusted authority; or a "spare",
    which the server sends though no client needs it. ``name`` is what to call it, ``at`` where the observation has it.
    """

    certificate: Certificate
    part: Literal["leaf", "intermediate", "root", "spare"]
    name: str
    at: str

    def place(self, key: str) -> str:
        """Where in the observation the key is."""
        return key if self.part == "leaf" and key in {"days_remaining", "not_before"} else f"{self.at}.{key}"

    def flaw(self, key: str, expected: str, text: str) -> Flaw:
        """Something wrong with it; a warning if nobody needs it."""
        actual = self.certificate[key]
        if self.part == "spare":
            return Flaw(self.place(key), expected, actual, f"{text}; no client needs it, so the server need not send it", "warning")
        return Flaw(self.place(key), expected, actual, text)


def links(sent: Sequence[Certificate], path: Sequence[Certificate] | None = None) -> list[Link]:
    """The certificates that were sent, the leaf first, then those of the path that were not; each once.

    ``path`` leads from the leaf to an authority, as far as it is known; without one, all that was sent is needed.
    """
    on_path = {_id(c) for c in path} if path is not None else None
    found: dict[str, Link] = {}
    for index, certificate in enumerate(sent):
        needed = index == 0 or on_path is None or _id(certificate) in on_path
        name = _name(certificate, f"number {index + 1} of {len(sent)} sent") if index else "certificate"
        found.setdefault(_id(certificate), Link(certificate, _part(index, certificate, needed=needed), name, f"chain[{index}]"))
    for index, certificate in enumerate(path or ()):
        name = _name(certificate, "trusted here, not sent")
        found.setdefault(_id(certificate), Link(certificate, _part(1, certificate), name, f"verified_chain[{index}]"))
    return list(found.values())


def sent_path(sent: Sequence[bytes]) -> list[bytes]:
    """The path from the leaf as far as it leads among the certificates that were sent (DER); those that are valid now come first."""
    path, above = [sent[0]], sorted(dict.fromkeys(sent[1:_LONGEST_PATH]), key=_is_out_of_date)
    while issuer := next((der for der in above if der not in path and issued(path[-1], der)), None):
        path.append(issuer)
    return path


def validity_flaws(chain: Sequence[Link]) -> Iterator[Flaw]:
    """Every certificate that has expired or is not valid yet, and by how much."""
    now = datetime.now(UTC)
    for link in chain:
        certificate = link.certificate
        begins, ends = moment(certificate["not_before"]), moment(certificate["not_after"])
        if now >= ends:
            text = f"{link.name} expired {days((now - ends).total_seconds() / 86400)} ago ({stamp(certificate['not_after'])})"
            yield link.flaw("days_remaining", "> 0", text)
        elif now < begins:
            left = days((begins - now).total_seconds() / 86400)
            text = f"{link.name} is not valid yet: it begins in {left} ({stamp(certificate['not_before'])})"
            yield link.flaw("not_before", "in the past", text)


def strength_flaws(chain: Sequence[Link]) -> Iterator[Flaw]:
    """Every key that is too short and every signature by a broken hash; that of a root signs nothing that counts."""
    for link in chain:
        certificate = link.certificate
        kind, bits = certificate["key_type"], certificate["key_bits"]
        least = MIN_BITS.get(kind)
        if bits is not None and least is not None and bits < least:
            text = f"{link.name} has a weak key: {kind} with {bits} bits, expected at least {least}"
            yield link.flaw("key_bits", f">= {least}", text)
        algorithm = certificate["signature_algorithm"]
        counts = link.part == "leaf" or certificate["subject"] != certificate["issuer"]
        if counts and WEAK_HASHES.intersection(_HASH.findall(algorithm.lower().replace("-", ""))):
            yield link.flaw("signature_algorithm", "SHA-256 or better", f"{link.name} has a weak signature: {algorithm}")


def host_flaw(leaf: Certificate, host: str) -> Flaw | None:
    """The certificate is for other names than the host; it says for which."""
    sans = leaf["sans"]
    if covers(sans, host):
        return None
    old = common_name(leaf["subject"])
    if sans:
        text = f"the certificate is not for {host} but for {', '.join(sans):.300}"
        text += f" (the address {host} is named as if it were a host, which no client accepts)" if f"DNS:{host}" in sans else ""
    elif old and covers([old], host) and not address(host):
        text = f"the certificate has {host} as its common name only, where no client looks any more (RFC 9525)"
    else:
        text = f"the certificate names no host, so not {host}"
    return Flaw("sans", f"a name for {host}", sans, f"wrong host: {text}")


def quoted(text: str) -> str:
    """What a certificate says, as much of it as fits into a message."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def days(value: float, unlike: float | None = None) -> str:
    """A span: ``12.3 days``, ``5.2 hours``, ``31 minutes``; with more decimals where it would read as the span it is ``unlike``."""
    if value < 1 / 24:
        return f"{value * 1440:.0f} minutes"
    if value < 1:
        return f"{value * 24:.1f} hours"
    digits = next((n for n in (1, 2, 3) if unlike is None or round(value, n) != unlike), 6)
    return f"{value:.{digits}f} days"


def stamp(text: str) -> str:
    """An ISO 8601 moment as people read it, in UTC."""
    return f"{moment(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def moment(text: str) -> datetime:
    """Of an ISO 8601 text."""
    return datetime.fromisoformat(text)


def _part(index: int, certificate: Certificate, *, needed: bool = True) -> Literal["leaf", "intermediate", "root", "spare"]:
    if index == 0:
        return "leaf"
    if not needed:
        return "spare"
    return "root" if certificate["subject"] == certificate["issuer"] else "intermediate"


def _name(certificate: Certificate, where: str) -> str:
    kind = "root" if certificate["subject"] == certificate["issuer"] else "intermediate"
    return f"{kind} certificate {quoted(certificate['subject'])} ({where})"


def _id(certificate: Certificate) -> str:
    return str(certificate["fingerprint_sha256"])


def _is_out_of_date(der: bytes) -> bool:
    return any(validity_flaws(links([describe(der)])))
